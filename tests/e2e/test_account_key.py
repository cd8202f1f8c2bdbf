"""Where the account key lives: S3 under KMS, made once, reused, adopted from the old tool."""

import base64
import json
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


def decoded(text):
    """base64url without its padding, as JWS has it."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


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


@pytest.mark.parametrize("bits", [2048, 4096])
def test_an_rsa_key_is_made_on_request_and_used_again(certferry, aws, ca, ca_door, bits):
    aws.zone(f"rsa{bits}.example.org")
    key = certferry.folder / "account.pem"
    account = f'key = "{key}"\nkey_type = "rsa{bits}"'
    for name in "ab":
        files = certferry.folder / name
        certferry.configure(
            certificate(name, [f"{name}.rsa{bits}.example.org"], {"files": str(files)}), account=account, ca=ca_door
        )
        certferry.apply()
        assert (files / "live" / "fullchain.pem").exists()
    made = serialization.load_pem_private_key(key.read_bytes(), None)
    assert isinstance(made, rsa.RSAPrivateKey) and made.key_size == bits and made.public_key().public_numbers().e == 65537
    assert key.stat().st_mode & 0o777 == 0o600
    # What the CA was shown: one account, by this very key, and every request signed with it.
    signed = [json.loads(body) for method, _, body, _ in ca_door.requests if method == "POST"]
    heads = [json.loads(decoded(request["protected"])) for request in signed]
    assert {head["alg"] for head in heads} == {"RS256"} and {len(decoded(request["signature"])) for request in signed} == {bits // 8}
    shown = [head["jwk"] for head in heads if "jwk" in head and head["url"].endswith("/sign-me-up")]
    assert {int.from_bytes(decoded(jwk["n"])) for jwk in shown} == {made.public_key().public_numbers().n}
    assert [status for _, path, _, status in ca_door.requests if path == "/sign-me-up"] == [201]


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
    ended_clearly(certferry, str(key), advice=f"chmod 600 {key}")


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


def test_a_key_file_that_is_gone_is_not_made_anew(certferry, aws, ca):
    aws.zone("gonekey.example.org")
    key = certferry.folder / "account.pem"
    certferry.configure(
        certificate("www", ["www.gonekey.example.org"], {"files": str(certferry.folder / "tls")}), account=f'key = "{key}"'
    )
    certferry.apply()
    made = key.read_text()
    key.unlink()
    since = len(ca.requests())
    renew = ("apply", "--renew", "www")
    ended_clearly(
        certferry, f"the key of the account at {ca.directory} is gone", arguments=renew,
        advice=r"^Restore it where \[account\] key says and run `certferry apply`",
    )
    assert not key.exists() and accounts_made(ca, since) == []
    subprocess.run(["openssl", "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", str(key)], check=True)
    key.chmod(0o600)
    ended_clearly(
        certferry, f"the account key is not the one whose account at {ca.directory} the state remembers", arguments=renew,
        advice=r"^Point \[account\] key at .* and run `certferry apply`; .*`certferry account --replace`$",
    )
    assert accounts_made(ca, since) == []
    another = key.read_text()
    key.write_text(made)
    certferry.apply("--renew", "www")
    assert accounts_made(ca, since) == []
    key.write_text(another)
    out, _ = certferry.run("account", "--config", str(certferry.config), "--replace")
    assert " is given up; " in out
    certferry.apply("--renew", "www")
    assert len(accounts_made(ca, since)) == 1 and key.read_text() == another


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


def test_who_may_not_wait_is_told_who_is_at_work(certferry, aws, ca_door):
    aws.zone("atwork.example.org")
    www = certificate("www", ["www.atwork.example.org"], {"files": str(certferry.folder / "tls")})
    certferry.configure(www, ca=ca_door)
    ca_door.hold.ask("after", 3)
    at_work = certferry.start("apply", "--config", str(certferry.config))
    assert ca_door.hold.held()
    ended_clearly(certferry, f"process {at_work.pid}", advice="--wait", arguments=("apply", "--wait", "0s"))
    ca_door.hold.let_go()
    out, err = at_work.communicate(timeout=60)
    assert at_work.returncode == 0, out + err
