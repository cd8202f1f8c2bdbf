"""Where the account key lives: S3 under KMS, made once, reused, adopted from the old tool."""

import os
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from clear_ending import ended_clearly
from conftest import certificate


@pytest.fixture
def bucket(aws, request):
    name = "state-" + request.node.name.replace("_", "-")[:50].strip("-")
    aws.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return name


@pytest.fixture
def kms_key(aws):
    return aws.client("kms").create_key()["KeyMetadata"]["KeyId"]


def accounts_made(ca, since):
    return [path for path in ca.requests()[since:] if "sign-me-up" in path]


def test_the_first_run_makes_the_key_and_the_second_uses_it(certferry, aws, ca, bucket, kms_key):
    aws.zone("s3key.example.org")
    account = f'key = "s3://{bucket}/account.key"\nkms_key = "{kms_key}"'
    since = len(ca.requests())
    certferry.configure(certificate("a", ["a.s3key.example.org"], {"files": str(certferry.folder / "a")}), account=account)
    certferry.apply()
    stored = aws.client("s3").get_object(Bucket=bucket, Key="account.key")["Body"].read()
    assert b"PRIVATE KEY" not in stored
    certferry.configure(certificate("b", ["b.s3key.example.org"], {"files": str(certferry.folder / "b")}), account=account)
    certferry.apply()
    assert aws.client("s3").get_object(Bucket=bucket, Key="account.key")["Body"].read() == stored
    assert len(accounts_made(ca, since)) == 1


def test_the_old_tools_key_object_is_adopted_as_it_is(certferry, aws, bucket, kms_key):
    aws.zone("ruby.example.org")
    pem = rsa.generate_private_key(65537, 4096).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    sealed = aws.client("kms").encrypt(KeyId=kms_key, Plaintext=pem)["CiphertextBlob"]
    aws.client("s3").put_object(Bucket=bucket, Key="le/account.key", Body=sealed)
    certferry.configure(
        certificate("www", ["www.ruby.example.org"], {"files": str(certferry.folder / "tls")}),
        account=f'key = "s3://{bucket}/le/account.key"\nkms_key = "{kms_key}"',
    )
    certferry.apply()
    assert aws.client("s3").get_object(Bucket=bucket, Key="le/account.key")["Body"].read() == sealed


def test_a_key_file_that_everybody_can_read_is_refused(certferry, aws):
    aws.zone("loose.example.org")
    key = certferry.folder / "account.pem"
    subprocess.run(["openssl", "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", str(key)], check=True)
    key.chmod(0o644)
    certferry.configure(
        certificate("www", ["www.loose.example.org"], {"files": str(certferry.folder / "tls")}), account=f'key = "{key}"'
    )
    out, err = certferry.apply(expect=1)
    assert "chmod 600" in out + err


def test_a_key_file_that_may_not_be_read_is_told_and_no_other_is_made(certferry, aws, ca):
    aws.zone("unreadable.example.org")
    key = certferry.folder / "account.pem"
    subprocess.run(["openssl", "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", str(key)], check=True)
    key.chmod(0)
    if os.geteuid() == 0:  # to whom files are open whatever their mode, but for these capabilities
        certferry.within = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
    certferry.configure(
        certificate("www", ["www.unreadable.example.org"], {"files": str(certferry.folder / "tls")}), account=f'key = "{key}"'
    )
    since = len(ca.requests())
    ended_clearly(certferry, f"{key}: Permission denied", advice=f"Give the user that certferry runs as access to {key}")
    assert accounts_made(ca, since) == []
    key.chmod(0o600)
    before = key.read_text()
    certferry.apply()
    assert key.read_text() == before
    assert len(accounts_made(ca, since)) == 1


def test_a_key_file_behind_a_link_is_judged_by_what_it_is(certferry, aws):
    """As Kubernetes mounts a Secret: a link to a link."""
    aws.zone("mounted.example.org")
    key = certferry.folder / "..version" / "account.pem"
    key.parent.mkdir()
    (certferry.folder / "..data").symlink_to("..version")
    subprocess.run(["openssl", "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", str(key)], check=True)
    key.chmod(0o600)
    link = certferry.folder / "account.pem"
    link.symlink_to("..data/account.pem")
    certferry.configure(
        certificate("www", ["www.mounted.example.org"], {"files": str(certferry.folder / "tls")}), account=f'key = "{link}"'
    )
    certferry.apply()
    assert link.is_symlink() and (certferry.folder / "tls" / "live" / "fullchain.pem").exists()


def test_state_in_s3_serves_two_machines(certferry, aws, ca, bucket, kms_key, tmp_path):
    aws.zone("shared.example.org")
    certferry.configure(
        certificate("www", ["www.shared.example.org"], {"files": str(certferry.folder / "tls")}),
        state=f"s3://{bucket}/certferry/",
        kms_key=kms_key,
    )
    since = len(ca.requests())
    runs = [certferry.start("apply", "--config", str(certferry.config)) for _ in range(2)]
    for run in runs:
        out, err = run.communicate(timeout=120)
        assert run.returncode == 0, out + err
    for listed in aws.client("s3").list_objects_v2(Bucket=bucket)["Contents"]:
        body = aws.client("s3").get_object(Bucket=bucket, Key=listed["Key"])["Body"].read()
        assert b"PRIVATE KEY" not in body, listed["Key"]
    assert ca.requests()[since:].count("/order-plz") == 1, "the second found the first one's certificate"
    assert len(accounts_made(ca, since)) == 1
    assert (certferry.folder / "tls" / "live" / "fullchain.pem").exists()


def test_two_at_once_over_one_directory_make_one_certificate(certferry, aws, ca):
    zone = aws.zone("atonce.example.org")
    certferry.configure(certificate("www", ["www.atonce.example.org"], {"files": str(certferry.folder / "tls")}))
    since = len(ca.requests())
    runs = [certferry.start("apply", "--config", str(certferry.config)) for _ in range(3)]
    for run in runs:
        out, err = run.communicate(timeout=120)
        assert run.returncode == 0, out + err
    assert ca.requests()[since:].count("/order-plz") == 1
    assert len(accounts_made(ca, since)) == 1
    assert aws.txt_sets(zone) == []


def test_who_may_not_wait_is_told_who_is_at_work(certferry, aws, ca):
    aws.zone("atwork.example.org")
    certferry.configure(certificate("www", ["www.atwork.example.org"], {"files": str(certferry.folder / "tls")}))
    at_work = certferry.start("apply", "--config", str(certferry.config))
    before = len(ca.requests())
    while len(ca.requests()) < before + 3 and at_work.poll() is None:
        pass
    ended_clearly(certferry, f"process {at_work.pid}", advice="--wait", arguments=("apply", "--wait", "0s"))
    out, err = at_work.communicate(timeout=60)
    assert at_work.returncode == 0, out + err
