"""Every operation of the AWS clients: what is asked is what botocore asks for the same input, botocore reads what the
sandbox answers, and certferry reads the same in it. One table; a new operation adds a row (and a line in caller.cpp)."""

import base64
import http.client
import io
import json
import os
import pathlib
import re
import subprocess
import time
import urllib.parse
import xml.etree.ElementTree as ElementTree

import botocore.session
import pytest
import urllib3
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from certificates import Authority
from sandbox_peer import REGION, Sandbox

SESSION = botocore.session.get_session()  # reads each model once
ROLE = "arn:aws:iam::210987654321:role/dns"
CHALLENGE = "_acme-challenge.www.example.com"
# Of the fields that an operation asks with, and that are no matter of transport.
TELLING = ["content-type", "x-amz-target", "if-match", "if-none-match", "x-amz-sso_bearer_token"]


def b64(data):
    return base64.b64encode(data).decode()


def second(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Exchange:
    """Stands between botocore and its endpoint: keeps what is asked, and what is answered as it comes."""

    def __init__(self, canned=None):
        self.canned, self.asked, self.answered = canned, None, None

    def __call__(self, request, **_):
        url = urllib.parse.urlsplit(request.url)
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else body.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        headers = {name: value.decode() if isinstance(value, bytes) else value for name, value in headers.items()}
        self.asked = dict(method=request.method, path=url.path, query=url.query, headers=headers, body=b64(body))
        status, fields, content = self.canned or self.sandbox(url, request.method, headers, body)
        self.answered = dict(status=status, headers=fields, body=b64(content))
        raw = urllib3.HTTPResponse(io.BytesIO(content), headers=dict(fields), status=status, preload_content=False)
        return AWSResponse(request.url, status, urllib3.HTTPHeaderDict(fields), raw)

    @staticmethod
    def sandbox(url, method, headers, body):
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=10)
        try:
            target = url.path + ("?" + url.query if url.query else "")
            headers = {name: value for name, value in headers.items() if name not in ("expect", "content-length")}
            connection.request(method, target, body or None, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()


class World:
    """A sandbox, and what earlier rows made in it."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.authority = Authority("Somebody's CA")
        self.leaf, self.key = self.authority.issue(["www.example.com"])
        self.zone = sandbox.zone_id("example.com")

    def settled(self, read, wanted, within=15):
        """What read() says, once `wanted` holds for it."""
        until = time.monotonic() + within
        while not wanted(found := read()):
            assert time.monotonic() < until, found
            time.sleep(0.1)
        return found

    def listener(self):
        elbv2 = self.sandbox.client("elbv2")
        balancer = elbv2.describe_load_balancers(Names=["web"])["LoadBalancers"][0]["LoadBalancerArn"]
        return balancer, elbv2.describe_listeners(LoadBalancerArn=balancer)["Listeners"][0]["ListenerArn"]

    def certificate(self):
        """The ARN of one that load balancers know of."""
        if not hasattr(self, "seasoned"):
            self.seasoned = self.sandbox.client("iam").upload_server_certificate(
                Path="/calls/", ServerCertificateName="seasoned", CertificateBody=self.leaf, PrivateKey=self.key
            )["ServerCertificateMetadata"]["Arn"]
            bind = dict(LoadBalancerName="classic", LoadBalancerPort=443, SSLCertificateId=self.seasoned)
            elb = self.sandbox.client("elb")

            def bound():
                try:
                    return elb.set_load_balancer_listener_ssl_certificate(**bind)
                except elb.exceptions.CertificateNotFoundException:
                    return None

            self.settled(bound, lambda done: done is not None)
        return self.seasoned


def zone_shown(zone):
    return {
        "id": zone["Id"].split("/")[-1],
        "name": zone["Name"].rstrip("."),
        "private": zone["Config"]["PrivateZone"],
    }


def change_shown(reply):
    info = reply["ChangeInfo"]
    return {"id": info["Id"].split("/")[-1], "insync": info["Status"] == "INSYNC"}


def set_shown(found):
    values = [record["Value"] for record in found["ResourceRecords"]]
    return {"name": found["Name"].rstrip("."), "type": found["Type"], "ttl": found["TTL"], "values": values}


def metadata_shown(meta):
    return {
        "arn": meta["Arn"],
        "name": meta["ServerCertificateName"],
        "path": meta["Path"],
        "id": meta["ServerCertificateId"],
    }


def classic_shown(found):
    listeners = [entry["Listener"] for entry in found["ListenerDescriptions"]]
    return {
        "name": found["LoadBalancerName"],
        "dns_name": found["DNSName"],
        "listeners": [[one["LoadBalancerPort"], one["Protocol"], one.get("SSLCertificateId", "")] for one in listeners],
    }


def balancer_shown(found):
    return {
        "arn": found["LoadBalancerArn"],
        "name": found["LoadBalancerName"],
        "dns_name": found["DNSName"],
        "type": found["Type"],
    }


def listener_shown(found):
    certificates = found.get("Certificates") or [{"CertificateArn": ""}]
    return {
        "arn": found["ListenerArn"],
        "load_balancer": found["LoadBalancerArn"],
        "port": found["Port"],
        "protocol": found["Protocol"],
        "certificate": certificates[0]["CertificateArn"],
    }


def credentials_shown(made):
    return {
        "id": made["AccessKeyId"],
        "secret": made["SecretAccessKey"],
        "token": made["SessionToken"],
        "expires": second(made["Expiration"]),
    }


def nothing(_):
    return None


def each(shown, *path):
    """A list at `path` of the reply, each element as it is shown."""

    def read(reply):
        for key in path:
            reply = reply[key]
        return [shown(element) for element in reply]

    return read


def first(shown, list_name):
    return lambda reply: shown(reply[list_name][0])


def record_set(values, weight=None):
    extra = {"SetIdentifier": "blue", "Weight": weight} if weight is not None else {}
    return {"Name": CHALLENGE, "Type": "TXT"} | extra | {"TTL": 60, "ResourceRecords": [{"Value": v} for v in values]}


def plain_change(create, values, weight=None):
    change = {"create": create, "name": CHALLENGE, "type": "TXT", "ttl": 60, "values": values}
    if weight is not None:
        change |= {"set_identifier": "blue", "other": f"<Other><Weight>{weight}</Weight></Other>"}
    return change


def batch(comment, *changes):
    return {"Comment": comment, "Changes": [{"Action": action, "ResourceRecordSet": sets} for action, sets in changes]}


class Row:
    """operation: as caller.cpp names it; api: (service, botocore's name of it); given: certferry's input; words:
    botocore's; read: botocore's reply as certferry shows what it reads. given and words may be functions of the world.
    canned: the answer, where the sandbox has no such service."""

    def __init__(self, operation, api, given, words, read, canned=None):
        self.operation, (self.service, self.method) = operation, api
        self.given, self.words, self.read, self.canned = given, words, read, canned


def of(world, what):
    return what(world) if callable(what) else what


VALUES = ['"one two"', r'"back\\slash \"quoted\" \303\244 <&>"']
USER = "arn:aws:iam::123456789012:user/sandbox"
KEY = "folder/a record *+é&=~/x"
CONTEXT = {"certferry": "secret/www/1", "a": 'quote " and ü'}
ROUTE53, IAM, ELB, V2, S3, KMS, STS = "route53", "iam", "elb", "elbv2", "s3", "kms", "sts"

ROWS = [
    Row("zones", (ROUTE53, "list_hosted_zones"), {}, {"MaxItems": "100"}, each(zone_shown, "HostedZones")),
    Row("name_servers", (ROUTE53, "get_hosted_zone"),
        lambda w: {"zone": w.zone}, lambda w: {"Id": w.zone}, lambda reply: reply["DelegationSet"]["NameServers"]),
    Row("change", (ROUTE53, "change_resource_record_sets"),
        lambda w: {"zone": w.zone, "comment": "a <comment> & more", "changes": [plain_change(True, VALUES)]},
        lambda w: {"HostedZoneId": w.zone,
                   "ChangeBatch": batch("a <comment> & more", ("CREATE", record_set(VALUES)))},
        change_shown),
    Row("record_sets", (ROUTE53, "list_resource_record_sets"),
        lambda w: {"zone": w.zone, "name": CHALLENGE, "type": "TXT"},
        lambda w: {"HostedZoneId": w.zone, "StartRecordName": CHALLENGE, "StartRecordType": "TXT", "MaxItems": "300"},
        lambda reply: [set_shown(s) for s in reply["ResourceRecordSets"] if s["Name"] == CHALLENGE + "."]),
    Row("change", (ROUTE53, "change_resource_record_sets"),
        lambda w: {"zone": w.zone, "comment": "swap",
                   "changes": [plain_change(False, VALUES), plain_change(True, ['"theirs"'], weight=7)]},
        lambda w: {"HostedZoneId": w.zone,
                   "ChangeBatch": batch("swap", ("DELETE", record_set(VALUES)),
                                        ("CREATE", record_set(['"theirs"'], weight=7)))},
        change_shown),
    Row("get_change", (ROUTE53, "get_change"),
        lambda w: {"id": w.change_id}, lambda w: {"Id": w.change_id}, change_shown),
    Row("iam.upload", (IAM, "upload_server_certificate"),
        lambda w: {"path": "/calls/", "name": "www,+=.@-1", "leaf": w.leaf, "key": w.key, "chain": w.authority.pem},
        lambda w: {"Path": "/calls/", "ServerCertificateName": "www,+=.@-1", "CertificateBody": w.leaf,
                   "PrivateKey": w.key, "CertificateChain": w.authority.pem},
        lambda reply: metadata_shown(reply["ServerCertificateMetadata"])),
    Row("iam.get", (IAM, "get_server_certificate"),
        {"name": "www,+=.@-1"}, {"ServerCertificateName": "www,+=.@-1"},
        lambda reply: metadata_shown(reply["ServerCertificate"]["ServerCertificateMetadata"])
        | {"body": reply["ServerCertificate"]["CertificateBody"],
           "chain": reply["ServerCertificate"]["CertificateChain"]}),
    Row("iam.remove", (IAM, "delete_server_certificate"),
        {"name": "www,+=.@-1"}, {"ServerCertificateName": "www,+=.@-1"}, lambda _: 0),
    Row("iam.quota", (IAM, "get_account_summary"), {}, {},
        lambda reply: [reply["SummaryMap"]["ServerCertificates"], reply["SummaryMap"]["ServerCertificatesQuota"]]),
    Row("iam.denied", (IAM, "simulate_principal_policy"),
        {"principal": USER, "action": "route53:ChangeResourceRecordSets", "resource": "arn:aws:route53:::hostedzone/Z1"},
        {"PolicySourceArn": USER, "ActionNames": ["route53:ChangeResourceRecordSets"],
         "ResourceArns": ["arn:aws:route53:::hostedzone/Z1"],
         "ContextEntries": [{"ContextKeyName": "route53:ChangeResourceRecordSetsRecordTypes",
                             "ContextKeyType": "stringList", "ContextKeyValues": ["TXT"]}]},
        lambda reply: [f"{one['EvalActionName']} on {one['EvalResourceName']}"
                       for one in reply["EvaluationResults"] if one["EvalDecision"] != "allowed"]),
    Row("elb.describe", (ELB, "describe_load_balancers"),
        {"name": "classic"}, {"LoadBalancerNames": ["classic"]}, first(classic_shown, "LoadBalancerDescriptions")),
    Row("elb.describe_all", (ELB, "describe_load_balancers"),
        {}, {"PageSize": 400}, each(classic_shown, "LoadBalancerDescriptions")),
    Row("elb.set_certificate", (ELB, "set_load_balancer_listener_ssl_certificate"),
        lambda w: {"name": "classic", "port": 443, "certificate": w.certificate()},
        lambda w: {"LoadBalancerName": "classic", "LoadBalancerPort": 443, "SSLCertificateId": w.certificate()},
        nothing),
    Row("elbv2.load_balancers", (V2, "describe_load_balancers"),
        {}, {"PageSize": 400}, each(balancer_shown, "LoadBalancers")),
    Row("elbv2.load_balancer_named", (V2, "describe_load_balancers"),
        {"name": "web"}, {"Names": ["web"]}, first(balancer_shown, "LoadBalancers")),
    Row("elbv2.load_balancer", (V2, "describe_load_balancers"),
        lambda w: {"arn": w.listener()[0]}, lambda w: {"LoadBalancerArns": [w.listener()[0]]},
        first(balancer_shown, "LoadBalancers")),
    Row("elbv2.listeners", (V2, "describe_listeners"),
        lambda w: {"arn": w.listener()[0]}, lambda w: {"LoadBalancerArn": w.listener()[0]},
        each(listener_shown, "Listeners")),
    Row("elbv2.set_default_certificate", (V2, "modify_listener"),
        lambda w: {"arn": w.listener()[1], "certificate": w.certificate()},
        lambda w: {"ListenerArn": w.listener()[1], "Certificates": [{"CertificateArn": w.certificate()}]},
        nothing),
    Row("elbv2.modify_nothing", (V2, "modify_listener"),
        lambda w: {"arn": w.listener()[1]}, lambda w: {"ListenerArn": w.listener()[1]}, nothing),
    Row("elbv2.listener", (V2, "describe_listeners"),
        lambda w: {"arn": w.listener()[1]}, lambda w: {"ListenerArns": [w.listener()[1]]},
        first(listener_shown, "Listeners")),
    Row("elbv2.certificates", (V2, "describe_listener_certificates"),
        lambda w: {"arn": w.listener()[1]}, lambda w: {"ListenerArn": w.listener()[1]},
        lambda reply: list(dict.fromkeys(c["CertificateArn"] for c in reply["Certificates"]))),
    Row("elbv2.account_limits", (V2, "describe_account_limits"), {}, {},
        lambda reply: {limit["Name"]: int(limit["Max"]) for limit in reply["Limits"]}),
    Row("s3.versioned", (S3, "get_bucket_versioning"), {"bucket": "state"}, {"Bucket": "state"},
        lambda reply: reply.get("Status") == "Enabled"),
    Row("s3.put", (S3, "put_object"),
        {"bucket": "state", "key": KEY, "body": "one"},
        {"Bucket": "state", "Key": KEY, "Body": b"one", "IfNoneMatch": "*",
         "ContentType": "application/octet-stream"},
        lambda reply: reply["ETag"]),
    Row("s3.put", (S3, "put_object"),
        lambda w: {"bucket": "state", "key": KEY, "body": "two", "if_match": w.etag},
        lambda w: {"Bucket": "state", "Key": KEY, "Body": b"two", "IfMatch": w.etag,
                   "ContentType": "application/octet-stream"},
        lambda reply: reply["ETag"]),
    Row("s3.get", (S3, "get_object"),
        {"bucket": "state", "key": KEY}, {"Bucket": "state", "Key": KEY},
        lambda reply: {"body": b64(reply["Body"].read()), "etag": reply["ETag"]}),
    Row("s3.list", (S3, "list_objects_v2"),
        {"bucket": "state", "prefix": "folder/a r"}, {"Bucket": "state", "Prefix": "folder/a r"},
        each(lambda found: found["Key"], "Contents")),
    Row("s3.remove", (S3, "delete_object"),
        lambda w: {"bucket": "state", "key": KEY, "if_match": w.etag},
        lambda w: {"Bucket": "state", "Key": KEY, "IfMatch": w.etag}, lambda _: True),
    Row("kms.generate_data_key", (KMS, "generate_data_key"),
        {"key": "alias/certferry", "context": CONTEXT},
        {"KeyId": "alias/certferry", "EncryptionContext": CONTEXT, "KeySpec": "AES_256"},
        lambda reply: {"plain": b64(reply["Plaintext"]), "sealed": b64(reply["CiphertextBlob"])}),
    Row("kms.encrypt", (KMS, "encrypt"),
        {"key": "alias/certferry", "context": CONTEXT, "plain": "a key"},
        {"KeyId": "alias/certferry", "EncryptionContext": CONTEXT, "Plaintext": b"a key"},
        lambda reply: b64(reply["CiphertextBlob"])),
    Row("kms.decrypt", (KMS, "decrypt"),
        lambda w: {"key": "alias/certferry", "context": CONTEXT, "sealed": b64(w.sealed)},
        lambda w: {"KeyId": "alias/certferry", "EncryptionContext": CONTEXT, "CiphertextBlob": w.sealed},
        lambda reply: reply["Plaintext"].decode()),
    Row("kms.key_arn", (KMS, "describe_key"),
        {"key": "alias/certferry"}, {"KeyId": "alias/certferry"}, lambda reply: reply["KeyMetadata"]["Arn"]),
    Row("sts.caller_identity", (STS, "get_caller_identity"),
        {}, {}, lambda reply: [reply["Account"], reply["Arn"], reply["UserId"]]),
    Row("sts.assume_role", (STS, "assume_role"),
        {"role": ROLE, "session": "certferry"},
        {"RoleArn": ROLE, "RoleSessionName": "certferry", "DurationSeconds": 3600},
        lambda reply: credentials_shown(reply["Credentials"])),
    Row("sts.assume_role", (STS, "assume_role"),
        {"role": ROLE, "session": "certferry", "external_id": "x & =1"},
        {"RoleArn": ROLE, "RoleSessionName": "certferry", "DurationSeconds": 3600, "ExternalId": "x & =1"},
        lambda reply: credentials_shown(reply["Credentials"])),
    Row("sts.assume_role_with_web_identity", (STS, "assume_role_with_web_identity"),
        {"role": ROLE, "session": "pod", "token": "a.b.c+/="},
        {"RoleArn": ROLE, "RoleSessionName": "pod", "WebIdentityToken": "a.b.c+/="},
        lambda reply: credentials_shown(reply["Credentials"])),
    Row("sso.role_credentials", ("sso", "get_role_credentials"),
        {"account": "123456789012", "role": "Dns & more", "token": "the-token"},
        {"accountId": "123456789012", "roleName": "Dns & more", "accessToken": "the-token"},
        lambda reply: {"id": reply["roleCredentials"]["accessKeyId"],
                       "secret": reply["roleCredentials"]["secretAccessKey"],
                       "token": reply["roleCredentials"]["sessionToken"], "expires": "2026-11-23T13:00:00Z"},
        canned={"roleCredentials": {"accessKeyId": "ASIA1", "secretAccessKey": "secret/+", "sessionToken": "t/+=",
                                    "expiration": 1795438800000}}),
    Row("sso_oidc.refresh", ("sso-oidc", "create_token"),
        {"client_id": "client", "secret": "client-secret", "token": "refresh-token"},
        {"clientId": "client", "clientSecret": "client-secret", "grantType": "refresh_token",
         "refreshToken": "refresh-token"},
        lambda reply: [reply["accessToken"], reply["refreshToken"], reply["expiresIn"]],
        canned={"accessToken": "fresh", "tokenType": "Bearer", "expiresIn": 28800, "refreshToken": "another"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    words = "--zone example.com --elb classic --elb second --alb web --alb api --bucket state --kms-key alias/certferry"
    peer = Sandbox(tmp_path_factory.mktemp("calls"), *words.split(), "--role", ROLE)
    yield World(peer)
    peer.stop()


@pytest.fixture(scope="module")
def caller():
    program = os.environ.get("CERTFERRY_CALLER", "")
    assert pathlib.Path(program).is_file(), f"no caller at {program}: ./dev test e2e builds it"
    process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def call(operation, given, answer):
        process.stdin.write(json.dumps(dict(operation=operation, input=given, answer=answer)) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    yield call
    process.stdin.close()
    process.wait(timeout=10)


def by_botocore(world, row, words):
    """The request, the answer as it came, and what botocore reads in it."""
    canned = row.canned and (200, [("Content-Type", "application/json")], json.dumps(row.canned).encode())
    exchange = Exchange(canned)
    client = SESSION.create_client(
        row.service,
        endpoint_url=world.sandbox.aws_environment["AWS_ENDPOINT_URL"],
        # Of an endpoint that is given by hand, botocore does not know that it stands for one of no region.
        region_name="us-east-1" if row.service in (ROUTE53, IAM) else REGION,
        aws_access_key_id=world.sandbox.aws_environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=world.sandbox.aws_environment["AWS_SECRET_ACCESS_KEY"],
        config=Config(
            retries={"total_max_attempts": 1}, request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )  # fmt: skip
    client.meta.events.register("before-send.*.*", exchange)
    return exchange, getattr(client, row.method)(**words)


def canonical_body(asked):
    """The body's meaning: XML without blanks between elements, JSON and forms without order."""
    body = base64.b64decode(asked["body"])
    kind = asked["headers"].get("content-type", "")
    if body.startswith(b"<"):
        return ElementTree.canonicalize(body.decode(), strip_text=True)
    if "json" in kind:
        return json.loads(body)
    if "urlencoded" in kind:
        return sorted(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))
    return body


def canonical(asked):
    """What is compared of a request: all but what transports and signers add."""
    headers = {name.lower(): value for name, value in asked["headers"].items()}
    told = {name: headers[name] for name in TELLING if name in headers}
    if base64.b64decode(asked["body"]).startswith(b"<"):
        told.pop("content-type", None)  # botocore sends none with XML, and the services read it without
    scope = re.search(r"Credential=[^/]+/\d+/([^,]+),", headers.get("authorization", ""))
    return {
        "method": asked["method"],
        "path": asked["path"],
        "query": sorted(pair if "=" in pair else pair + "=" for pair in asked["query"].split("&")),
        "headers": told,
        "body": canonical_body({"headers": headers, "body": asked["body"]}),
        "signed for": scope and scope.group(1),
    }


def remember(world, row, reply):
    """For the rows that follow."""
    if row.method == "change_resource_record_sets":
        world.change_id = reply["ChangeInfo"]["Id"].split("/")[-1]
    if row.method == "put_object":
        world.etag = reply["ETag"]
    if row.method == "encrypt":
        world.sealed = reply["CiphertextBlob"]


def test_every_operation_is_asked_and_read_as_botocore_does(world, caller):
    for number, row in enumerate(ROWS):
        where = f"row {number}, {row.operation}"
        given, words = of(world, row.given), of(world, row.words)
        exchange, reply = by_botocore(world, row, words)
        ours = caller(row.operation, given, exchange.answered)
        assert "failure" not in ours, f"{where}: {ours}\n{base64.b64decode(exchange.answered['body'])}"
        assert len(ours["requests"]) == 1, where
        assert canonical(ours["requests"][0]) == canonical(exchange.asked), where
        assert ours["result"] == row.read(reply), where
        remember(world, row, reply)


def test_the_table_has_every_operation_of_the_sources():
    source = "".join(file.read_text() for file in (pathlib.Path(__file__).parents[2] / "src" / "aws").glob("*.cpp"))
    asked = {(row.service, row.method) for row in ROWS}
    # Both have DescribeAccountLimits, by one endpoint; certferry asks the newer one.
    asked |= {("elb", method) for service, method in asked if service == "elbv2"}
    missing = [
        (service, operation)
        for service in sorted({row.service for row in ROWS})
        for operation in SESSION.get_service_model(service).operation_names
        if f'"{operation}"' in source and (service, botocore.xform_name(operation)) not in asked
    ]
    assert missing == []
