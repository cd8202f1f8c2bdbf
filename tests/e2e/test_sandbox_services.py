"""The sandbox's IAM, ELB, ELBv2, S3, KMS and STS as boto3 sees them."""

import itertools
import os
import pathlib
import re
import ssl
import subprocess
import time

import botocore
import botocore.session
import pytest
import requests
from aws_peer import boto_client
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from certificates import Authority, names_of
from sandbox_peer import Sandbox, eventually, refused

ROLE = "arn:aws:iam::210987654321:role/dns"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    words = "--elb classic --elb second --elb third --alb web --alb api --bucket state --role " + ROLE
    keys = "--kms-key alias/certferry --kms-key alias/other"
    peer = Sandbox(tmp_path_factory.mktemp("sandbox"), *words.split(), *keys.split())
    yield peer
    peer.stop()


@pytest.fixture(scope="module")
def authority():
    return Authority("Somebody's CA")


@pytest.fixture
def iam(sandbox):
    return sandbox.client("iam")


@pytest.fixture
def uploaded(iam, authority):
    """A function that uploads a certificate under a fresh name; what it made goes afterwards, in use or not."""
    names = []

    def upload(*domains, path="/e2e/"):
        name = f"upload-{next(_numbers)}"
        body, key = authority.issue(list(domains) or ["www.example.com"])
        reply = iam.upload_server_certificate(
            Path=path, ServerCertificateName=name, CertificateBody=body, PrivateKey=key, CertificateChain=authority.pem
        )
        names.append(name)
        return reply["ServerCertificateMetadata"]["Arn"]

    yield upload
    for name in names:
        try:
            iam.delete_server_certificate(ServerCertificateName=name)
        except ClientError as error:
            assert error.response["Error"]["Code"] in ("DeleteConflict", "NoSuchEntity"), error


def name_in(arn):
    return arn.rsplit("/", 1)[1]


# IAM


def test_a_server_certificate_is_uploaded_read_and_deleted(iam, authority):
    body, key = authority.issue(["www.example.com"])
    meta = iam.upload_server_certificate(
        Path="/e2e/round/",
        ServerCertificateName="round-trip",
        CertificateBody=body,
        PrivateKey=key,
        CertificateChain=authority.pem,
        Tags=[{"Key": "made", "Value": "by hand"}],
    )["ServerCertificateMetadata"]
    assert meta["Arn"].endswith(":server-certificate/e2e/round/round-trip")
    assert meta["ServerCertificateId"].startswith("ASCA")
    read = iam.get_server_certificate(ServerCertificateName="round-trip")["ServerCertificate"]
    assert read["ServerCertificateMetadata"] == meta
    assert names_of(read["CertificateBody"]) == ["www.example.com"]
    assert read["CertificateChain"].strip() == authority.pem.strip()
    assert read["Tags"] == [{"Key": "made", "Value": "by hand"}]
    iam.delete_server_certificate(ServerCertificateName="round-trip")
    for call in (iam.get_server_certificate, iam.delete_server_certificate):
        with refused("NoSuchEntity", 404):
            call(ServerCertificateName="round-trip")


def test_server_certificates_are_listed_below_a_path_page_by_page(iam, uploaded):
    arns = {uploaded(path="/e2e/paged/") for _ in range(5)}
    uploaded(path="/elsewhere/")
    lists = iam.get_paginator("list_server_certificates")
    pages = list(lists.paginate(PathPrefix="/e2e/paged/", PaginationConfig={"PageSize": 2}))
    assert [len(p["ServerCertificateMetadataList"]) for p in pages] == [2, 2, 1]
    assert {c["Arn"] for p in pages for c in p["ServerCertificateMetadataList"]} == arns


def test_a_name_is_taken_whatever_the_path(iam, authority, uploaded):
    arn = uploaded()
    body, key = authority.issue(["www.example.com"])
    with refused("EntityAlreadyExists", 409):
        iam.upload_server_certificate(
            Path="/another/", ServerCertificateName=name_in(arn), CertificateBody=body, PrivateKey=key
        )


def test_what_is_no_certificate_or_no_chain_is_malformed(iam, authority):
    body, key = authority.issue(["www.example.com"])
    stranger = Authority("A stranger").pem
    wrong = [
        dict(CertificateBody="no certificate", PrivateKey=key),
        dict(CertificateBody=body, PrivateKey="no key"),
        dict(CertificateBody=body, PrivateKey=key, CertificateChain=stranger),
        dict(CertificateBody=body, PrivateKey=key, CertificateChain="no chain"),
    ]
    for words in wrong:
        with refused("MalformedCertificate", 400):
            iam.upload_server_certificate(ServerCertificateName="malformed", **words)
    expired, expired_key = authority.issue(["www.example.com"], days=-0.01)
    with refused("MalformedCertificate", 400):
        iam.upload_server_certificate(ServerCertificateName="expired", CertificateBody=expired, PrivateKey=expired_key)


def test_a_key_of_another_certificate_is_refused(iam, authority):
    (body, _), (_, key) = authority.issue(["www.example.com"]), authority.issue(["www.example.com"])
    with refused("KeyPairMismatch", 400):
        iam.upload_server_certificate(ServerCertificateName="mismatch", CertificateBody=body, PrivateKey=key)


def test_the_quota_ends_uploads(tmp_path, authority):
    sandbox = Sandbox(tmp_path / "sandbox")
    try:
        iam = sandbox.client("iam")
        summary = iam.get_account_summary()["SummaryMap"]
        body, key = authority.issue(["www.example.com"])
        for number in range(summary["ServerCertificates"], summary["ServerCertificatesQuota"]):
            iam.upload_server_certificate(ServerCertificateName=f"n{number}", CertificateBody=body, PrivateKey=key)
        with refused("LimitExceeded", 409, saying="ServerCertificatesPerAccount"):
            iam.upload_server_certificate(ServerCertificateName="one-more", CertificateBody=body, PrivateKey=key)
        assert iam.get_account_summary()["SummaryMap"]["ServerCertificates"] == 20
    finally:
        assert sandbox.stop() in (0, 1)


def test_names_and_paths_have_a_grammar(iam, authority):
    body, key = authority.issue(["www.example.com"])
    for words in (dict(ServerCertificateName="star*"), dict(ServerCertificateName="fine", Path="/no-end")):
        with refused("ValidationError", 400):
            iam.upload_server_certificate(CertificateBody=body, PrivateKey=key, **words)


# Classic load balancers


def shown_at(sandbox, dns_name):
    """The leaf that a TLS client sees at this listener's port."""
    port = sandbox.places["listeners"][f"{dns_name}:443"]
    return ssl.get_server_certificate(("127.0.0.1", port), timeout=5)


def classic(sandbox, name):
    reply = sandbox.client("elb").describe_load_balancers(LoadBalancerNames=[name])
    return reply["LoadBalancerDescriptions"][0]


def test_a_fresh_certificate_is_found_late_then_bound_shown_and_kept_from_deletion(sandbox, iam, uploaded):
    elb = sandbox.client("elb")
    arn = uploaded("classic.example.com")
    bind = dict(LoadBalancerName="classic", LoadBalancerPort=443, SSLCertificateId=arn)
    _, times = eventually(lambda: elb.set_load_balancer_listener_ssl_certificate(**bind), "CertificateNotFound")
    assert times > 0, "a fresh certificate is found at once, which the real service does not promise"
    balancer = classic(sandbox, "classic")
    assert balancer["ListenerDescriptions"][0]["Listener"]["SSLCertificateId"] == arn
    assert names_of(shown_at(sandbox, balancer["DNSName"])) == ["classic.example.com"]
    with refused("DeleteConflict", 409, saying="in use"):
        iam.delete_server_certificate(ServerCertificateName=name_in(arn))
    successor = uploaded("next.example.com")
    bind["SSLCertificateId"] = successor
    eventually(lambda: elb.set_load_balancer_listener_ssl_certificate(**bind), "CertificateNotFound")
    _, times = eventually(lambda: iam.delete_server_certificate(ServerCertificateName=name_in(arn)), "DeleteConflict")
    assert times > 0, "a released certificate is free at once, which the real service does not promise"


def test_unknown_load_balancers_ports_and_certificates_are_refused(sandbox, uploaded):
    elb = sandbox.client("elb")
    arn = uploaded()
    with refused("LoadBalancerNotFound", 400):
        elb.describe_load_balancers(LoadBalancerNames=["nobody"])
    wrong = {
        "LoadBalancerNotFound": ("nobody", 443, arn),
        "ListenerNotFound": ("classic", 8443, arn),
        "CertificateNotFound": ("classic", 443, arn + "-not"),
    }
    for code, (name, port, certificate) in wrong.items():
        with refused(code, 400):
            elb.set_load_balancer_listener_ssl_certificate(
                LoadBalancerName=name, LoadBalancerPort=port, SSLCertificateId=certificate
            )


def test_classic_load_balancers_are_listed_page_by_page(sandbox):
    lists = sandbox.client("elb").get_paginator("describe_load_balancers")
    pages = list(lists.paginate(PaginationConfig={"PageSize": 2}))
    assert [[b["LoadBalancerName"] for b in p["LoadBalancerDescriptions"]] for p in pages] == [
        ["classic", "second"],
        ["third"],
    ]


# Application load balancers


@pytest.fixture
def listener(sandbox):
    """The listener of the application load balancer `web`; its ARN."""
    elbv2 = sandbox.client("elbv2")
    balancer = elbv2.describe_load_balancers(Names=["web"])["LoadBalancers"][0]["LoadBalancerArn"]
    return elbv2.describe_listeners(LoadBalancerArn=balancer)["Listeners"][0]["ListenerArn"]


def test_load_balancers_are_found_by_name_by_arn_and_page_by_page(sandbox):
    elbv2 = sandbox.client("elbv2")
    by_name = elbv2.describe_load_balancers(Names=["web"])["LoadBalancers"][0]
    assert (by_name["Type"], by_name["State"]["Code"]) == ("application", "active")
    assert elbv2.describe_load_balancers(LoadBalancerArns=[by_name["LoadBalancerArn"]])["LoadBalancers"][0] == by_name
    pages = elbv2.get_paginator("describe_load_balancers").paginate(PaginationConfig={"PageSize": 1})
    assert [b["LoadBalancerName"] for p in pages for b in p["LoadBalancers"]] == ["api", "web"]
    with refused("LoadBalancerNotFound", 400):
        elbv2.describe_load_balancers(Names=["nobody"])


def test_a_listener_is_described_changed_and_shows_its_default(sandbox, listener, uploaded):
    elbv2 = sandbox.client("elbv2")
    arn = uploaded("alb.example.com")
    change = dict(ListenerArn=listener, Certificates=[{"CertificateArn": arn}])
    reply, times = eventually(lambda: elbv2.modify_listener(**change), "CertificateNotFound")
    assert times > 0
    assert reply["Listeners"][0]["Certificates"] == [{"CertificateArn": arn}]
    described = elbv2.describe_listeners(ListenerArns=[listener])["Listeners"][0]
    assert (described["Port"], described["Protocol"]) == (443, "HTTPS")
    assert described["Certificates"] == [{"CertificateArn": arn}]
    balancer = elbv2.describe_load_balancers(LoadBalancerArns=[described["LoadBalancerArn"]])["LoadBalancers"][0]
    assert names_of(shown_at(sandbox, balancer["DNSName"])) == ["alb.example.com"]


def test_further_certificates_are_added_listed_and_removed(sandbox, listener, uploaded, iam):
    elbv2 = sandbox.client("elbv2")
    more = [uploaded(f"sni{i}.example.com") for i in range(3)]

    def listed():
        pages = elbv2.get_paginator("describe_listener_certificates").paginate(
            ListenerArn=listener, PaginationConfig={"PageSize": 2}
        )
        return [(c["CertificateArn"], c["IsDefault"]) for p in pages for c in p["Certificates"]]

    before = listed()
    add = dict(ListenerArn=listener, Certificates=[{"CertificateArn": arn} for arn in more])
    eventually(lambda: elbv2.add_listener_certificates(**add), "CertificateNotFound")
    elbv2.add_listener_certificates(**add)
    assert listed() == before + [(arn, False) for arn in more]
    with refused("DeleteConflict", 409):
        iam.delete_server_certificate(ServerCertificateName=name_in(more[0]))
    elbv2.remove_listener_certificates(**add)
    assert listed() == before


def test_the_default_certificate_is_not_removed_and_unknown_ones_are_not_found(sandbox, listener):
    elbv2 = sandbox.client("elbv2")
    default = elbv2.describe_listeners(ListenerArns=[listener])["Listeners"][0]["Certificates"][0]["CertificateArn"]
    with refused("OperationNotPermitted", 400):
        elbv2.remove_listener_certificates(ListenerArn=listener, Certificates=[{"CertificateArn": default}])
    unknown = listener[:-4] + "beef"
    for call in (
        lambda: elbv2.describe_listeners(ListenerArns=[unknown]),
        lambda: elbv2.modify_listener(ListenerArn=unknown, Certificates=[{"CertificateArn": default}]),
        lambda: elbv2.describe_listener_certificates(ListenerArn=unknown),
    ):
        with refused("ListenerNotFound", 400):
            call()
    with refused("CertificateNotFound", 400):
        elbv2.modify_listener(ListenerArn=listener, Certificates=[{"CertificateArn": default + "-not"}])


# S3


def test_an_object_is_written_once_and_replaced_by_its_version_alone(sandbox):
    s3 = sandbox.client("s3")
    where = dict(Bucket="state", Key="folder/record with blank+plus")
    first = s3.put_object(Body=b"one", IfNoneMatch="*", **where)["ETag"]
    with refused("PreconditionFailed", 412):
        s3.put_object(Body=b"other", IfNoneMatch="*", **where)
    second = s3.put_object(Body=b"two", IfMatch=first, **where)["ETag"]
    with refused("PreconditionFailed", 412):
        s3.put_object(Body=b"late", IfMatch=first, **where)
    read = s3.get_object(**where)
    assert (read["Body"].read(), read["ETag"]) == (b"two", second)
    assert s3.head_object(**where)["ContentLength"] == 3
    with refused("PreconditionFailed", 412):
        s3.delete_object(IfMatch=first, **where)
    s3.delete_object(IfMatch=second, **where)
    with refused("NoSuchKey", 404):
        s3.get_object(**where)
    with refused("NoSuchKey", 404):
        s3.put_object(Body=b"nothing there", IfMatch=second, **where)
    s3.delete_object(**where)


def test_writing_costs_no_wait_for_leave_to_send(sandbox):
    since = time.monotonic()
    sandbox.client("s3").put_object(Bucket="state", Key="quick", Body=b"x" * 100_000)
    assert time.monotonic() - since < 0.9, "Expect: 100-continue is not answered"


def test_objects_are_listed_below_a_prefix_page_by_page(sandbox):
    s3 = sandbox.client("s3")
    keys = [f"list/{i}/ä &{i}" for i in range(5)]
    for key in keys + ["list-not/0"]:
        s3.put_object(Bucket="state", Key=key, Body=b"x")
    pages = list(
        s3.get_paginator("list_objects_v2").paginate(Bucket="state", Prefix="list/", PaginationConfig={"PageSize": 2})
    )
    assert [p["KeyCount"] for p in pages] == [2, 2, 1]
    assert [o["Key"] for p in pages for o in p["Contents"]] == keys
    folders = s3.list_objects_v2(Bucket="state", Prefix="list/", Delimiter="/")["CommonPrefixes"]
    assert [f["Prefix"] for f in folders] == [f"list/{i}/" for i in range(5)]


def test_a_bucket_that_is_not_there_is_not_empty(sandbox):
    s3 = sandbox.client("s3")
    with refused("NoSuchBucket", 404):
        s3.list_objects_v2(Bucket="no-such-bucket")
    with refused("NoSuchBucket", 404):
        s3.get_object(Bucket="no-such-bucket", Key="any")


def test_a_bucket_says_whether_it_keeps_versions(sandbox):
    s3 = sandbox.client("s3")
    assert "Status" not in s3.get_bucket_versioning(Bucket="state")
    for status in ("Enabled", "Suspended"):
        s3.put_bucket_versioning(Bucket="state", VersioningConfiguration={"Status": status})
        assert s3.get_bucket_versioning(Bucket="state")["Status"] == status
    with refused("NoSuchBucket", 404):
        s3.get_bucket_versioning(Bucket="nobodys")


def test_load_balancers_say_how_many_certificates_they_take(sandbox):
    limits = sandbox.client("elbv2").describe_account_limits()["Limits"]
    assert {"Name": "certificates-per-application-load-balancer", "Max": "25"} in limits


# KMS


@pytest.fixture
def kms(sandbox):
    return sandbox.client("kms")


def test_what_is_encrypted_is_decrypted_in_the_same_context_alone(kms):
    context = {"certferry:key": "account/le", "b": "2"}
    sealed = kms.encrypt(KeyId="alias/certferry", Plaintext=b"secret", EncryptionContext=context)
    blob = sealed["CiphertextBlob"]
    assert ":key/" in sealed["KeyId"] and b"secret" not in blob
    opened = kms.decrypt(CiphertextBlob=blob, EncryptionContext=dict(reversed(context.items())))
    assert (opened["Plaintext"], opened["KeyId"]) == (b"secret", sealed["KeyId"])
    for other in ({}, {"certferry:key": "account/le"}, context | {"b": "3"}):
        with refused("InvalidCiphertextException", 400):
            kms.decrypt(CiphertextBlob=blob, EncryptionContext=other)
    with refused("InvalidCiphertextException", 400):
        kms.decrypt(CiphertextBlob=blob[:-1] + bytes([blob[-1] ^ 1]), EncryptionContext=context)
    with refused("IncorrectKeyException", 400):
        kms.decrypt(CiphertextBlob=blob, EncryptionContext=context, KeyId="alias/other")


def test_a_data_key_comes_plain_and_sealed(kms):
    context = {"certferry:key": "secret/www/1"}
    made = kms.generate_data_key(KeyId="alias/certferry", KeySpec="AES_256", EncryptionContext=context)
    assert len(made["Plaintext"]) == 32
    opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=context)
    assert opened["Plaintext"] == made["Plaintext"]


def test_kms_knows_its_limits(kms):
    kms.encrypt(KeyId="alias/certferry", Plaintext=b"x" * 4096)
    with refused("ValidationException", 400):
        kms.encrypt(KeyId="alias/certferry", Plaintext=b"x" * 4097)
    with refused("NotFoundException", 400):
        kms.encrypt(KeyId="alias/nobody", Plaintext=b"x")


# STS


def test_the_caller_is_the_sandboxs_user(sandbox):
    caller = sandbox.client("sts").get_caller_identity()
    assert (caller["Account"], caller["Arn"]) == ("123456789012", "arn:aws:iam::123456789012:user/sandbox")


def test_an_assumed_role_acts_with_its_own_keys_and_token(sandbox):
    made = sandbox.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="e2e", DurationSeconds=900)
    keys = made["Credentials"]
    session = dict(key=keys["AccessKeyId"], secret=keys["SecretAccessKey"], token=keys["SessionToken"])
    caller = sandbox.client("sts", **session).get_caller_identity()
    assert caller["Arn"] == "arn:aws:sts::210987654321:assumed-role/dns/e2e"
    assert caller["Account"] == "210987654321"
    assert sandbox.client("route53", **session).list_hosted_zones()["HostedZones"]
    with refused("InvalidClientTokenId", 403):
        sandbox.client("sts", **(session | {"token": "another"})).get_caller_identity()


def test_a_web_identity_token_is_exchanged_for_keys_that_work(sandbox):
    unsigned = boto_client(
        "sts", endpoint_url=sandbox.aws_environment["AWS_ENDPOINT_URL"], region_name="eu-west-1",
        config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}),
    )
    exchange = dict(WebIdentityToken="any token", RoleSessionName="pod", DurationSeconds=900)
    made = unsigned.assume_role_with_web_identity(RoleArn=ROLE, **exchange)["Credentials"]
    session = dict(key=made["AccessKeyId"], secret=made["SecretAccessKey"], token=made["SessionToken"])
    caller = sandbox.client("sts", **session).get_caller_identity()
    assert caller["Arn"] == "arn:aws:sts::210987654321:assumed-role/dns/pod"
    with refused("AccessDenied", 403):
        unsigned.assume_role_with_web_identity(RoleArn=ROLE + "-not", **exchange)


def test_the_policy_simulator_tells_what_an_identity_may(sandbox, iam):
    user = sandbox.client("sts").get_caller_identity()["Arn"]
    asked = dict(ActionNames=["iam:UploadServerCertificate", "route53:GetChange"], ResourceArns=["*"])
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=user, PaginationConfig={"PageSize": 1}, **asked
    )
    decisions = {r["EvalActionName"]: r["EvalDecision"] for page in pages for r in page["EvaluationResults"]}
    assert decisions == dict.fromkeys(asked["ActionNames"], "allowed"), "no policy is attached"
    with refused("NoSuchEntity", 404):
        iam.simulate_principal_policy(PolicySourceArn=ROLE + "-not", **asked)


def test_iam_tells_a_role_to_its_own_account_alone(sandbox, iam):
    keys = sandbox.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="e2e")["Credentials"]
    session = dict(key=keys["AccessKeyId"], secret=keys["SecretAccessKey"], token=keys["SessionToken"])
    role = sandbox.client("iam", **session).get_role(RoleName="dns")["Role"]
    assert (role["Arn"], role["Path"]) == (ROLE, "/")
    with refused("NoSuchEntity", 404):
        iam.get_role(RoleName="dns")


def operations_of_certferry():
    """(service, operation) of every call that src/aws can make."""
    source = "".join(file.read_text() for file in (pathlib.Path(__file__).parents[2] / "src" / "aws").glob("*.cpp"))
    session = botocore.session.get_session()
    for service in ("route53", "iam", "elb", "elbv2", "s3", "kms", "sts"):
        for operation in session.get_service_model(service).operation_names:
            if f'"{operation}"' in source:
                yield service, operation


def test_no_operation_of_certferry_is_left_to_itself():
    """By its name: that boto3 drives it is for the tests above and those of the zones to show."""
    driven = "".join(file.read_text() for file in pathlib.Path(__file__).parent.glob("*sandbox*.py"))
    operations = list(operations_of_certferry())
    assert len(operations) > 20
    assert [o for o in operations if not re.search(rf"\b{botocore.xform_name(o[1])}\b", driven)] == []


def test_a_role_that_nobody_made_may_not_be_assumed(sandbox):
    with refused("AccessDenied", 403):
        sandbox.client("sts").assume_role(RoleArn=ROLE + "-not", RoleSessionName="e2e")


# The mount


def test_a_foreign_host_name_reaches_nothing(sandbox):
    url = sandbox.places["aws_endpoint"]
    for host in ("rebound.example.org", "route53.amazonaws.com", "127.0.0.1:1"):
        reply = requests.get(url + "/2013-04-01/hostedzone", headers={"Host": host}, timeout=5)
        assert reply.status_code == 421, host
    reply = requests.get(
        sandbox.places["ca_directory"],
        headers={"Host": "rebound.example.org"},
        verify=sandbox.places["ca_root"],
        timeout=5,
    )
    assert reply.status_code == 421


def test_an_unsigned_request_is_refused(sandbox):
    reply = requests.get(sandbox.places["aws_endpoint"] + "/2013-04-01/hostedzone", timeout=5)
    assert reply.status_code == 403 and "MissingAuthenticationToken" in reply.text


@pytest.mark.parametrize("words", [("--kms-key", "certferry"), ("--role", "dns")], ids=["no alias", "no ARN"])
def test_what_can_not_stand_in_a_sandbox_is_refused_at_once(words):
    command = [os.environ["CERTFERRY_BINARY"], "sandbox", *words]
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    assert ran.returncode != 0 and "->" in ran.stderr, ran
    assert ran.stdout == ""
