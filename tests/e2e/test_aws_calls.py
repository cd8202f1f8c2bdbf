"""Every operation of the AWS clients: what is asked is what botocore asks for the same input, botocore reads what the
sandbox answers, and certferry reads the same in it; so for every page of what comes in pages, and for what is refused.
One table; a new operation adds a row (and a line in caller.cpp)."""

import base64
import functools
import http.client
import io
import json
import os
import pathlib
import re
import subprocess
import urllib.parse
import xml.etree.ElementTree as ElementTree

import botocore.session
import pytest
import urllib3
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError, DataNotFoundError
from certificates import Authority
from sandbox_peer import REGION, Sandbox, eventually

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

    def listener(self, balancer="web"):
        """The load balancer's ARN, and that of its first listener."""
        elbv2 = self.sandbox.client("elbv2")
        arn = elbv2.describe_load_balancers(Names=[balancer])["LoadBalancers"][0]["LoadBalancerArn"]
        return arn, elbv2.describe_listeners(LoadBalancerArn=arn)["Listeners"][0]["ListenerArn"]

    def listener_with_two(self):
        """The ARN of one that serves a second certificate beside its default."""
        listener = self.listener()[1]
        if not hasattr(self, "beside"):
            self.beside = self.upload("beside")
            elbv2 = self.sandbox.client("elbv2")
            add = dict(ListenerArn=listener, Certificates=[{"CertificateArn": self.beside}])
            eventually(lambda: elbv2.add_listener_certificates(**add), "CertificateNotFound")
        return listener

    def upload(self, name):
        reply = self.sandbox.client("iam").upload_server_certificate(
            Path="/calls/", ServerCertificateName=name, CertificateBody=self.leaf, PrivateKey=self.key
        )
        return reply["ServerCertificateMetadata"]["Arn"]

    def object(self):
        """The key of one in the bucket."""
        key = "refused/there"
        self.sandbox.client("s3").put_object(Bucket="state", Key=key, Body=b"there")
        return key

    @functools.cached_property
    def sealed(self):
        """By alias/certferry, in CONTEXT."""
        kms = self.sandbox.client("kms")
        return kms.encrypt(KeyId="alias/certferry", Plaintext=b"a key", EncryptionContext=CONTEXT)["CiphertextBlob"]

    def fill_the_quota(self):
        """Uploads until IAM has no room; what one more would be called."""
        for number in range(100):
            try:
                self.upload(f"one-of-many-{number}")
            except ClientError as error:
                assert error.response["Error"]["Code"] == "LimitExceeded"
                break
        return "one-too-many"

    def certificate(self):
        """The ARN of one that load balancers know of."""
        if not hasattr(self, "seasoned"):
            self.seasoned = self.upload("seasoned")
            elb = self.sandbox.client("elb")
            bind = dict(LoadBalancerName="classic", LoadBalancerPort=443, SSLCertificateId=self.seasoned)
            eventually(lambda: elb.set_load_balancer_listener_ssl_certificate(**bind), "CertificateNotFound")
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


def record_set(values, weighted=None):
    """weighted: (identifier, weight)"""
    extra = {"SetIdentifier": weighted[0], "Weight": weighted[1]} if weighted else {}
    return {"Name": CHALLENGE, "Type": "TXT"} | extra | {"TTL": 60, "ResourceRecords": [{"Value": v} for v in values]}


def plain_change(create, values, weighted=None):
    change = {"create": create, "name": CHALLENGE, "type": "TXT", "ttl": 60, "values": values}
    if weighted:
        change |= {"set_identifier": weighted[0], "other": f"<Other><Weight>{weighted[1]}</Weight></Other>"}
    return change


def batch(comment, *changes):
    return {"Comment": comment, "Changes": [{"Action": action, "ResourceRecordSet": sets} for action, sets in changes]}


class Row:
    """operation: as caller.cpp names it; api: (service, botocore's name of it); given: certferry's input; words:
    botocore's; read: botocore's reply as certferry shows what it reads. given and words may be functions of the world.
    canned: the answer, where the sandbox has no such service. paged: the world has so much of it that it can be had in
    two pages."""

    def __init__(self, operation, api, given, words, read, canned=None, paged=False):
        self.operation, (self.service, self.method) = operation, api
        self.given, self.words, self.read, self.paged = given, words, read, paged
        self.canned = canned and (200, [("Content-Type", "application/json")], json.dumps(canned).encode())

    def name(self):
        """Of the operation, as the service's model has it."""
        names = SESSION.get_service_model(self.service).operation_names
        return next(name for name in names if botocore.xform_name(name) == self.method)

    def paginator(self):
        """What botocore's model says of its pages; None where there are none."""
        try:
            return SESSION.get_paginator_model(self.service).get_paginator(self.name())
        except (DataNotFoundError, ValueError):
            return None


class Refused(Row):
    """What a service refuses: with which code, and what certferry makes of it where that is no failure."""

    def __init__(self, code, operation, api, given, words, canned=None, **made):
        super().__init__(operation, api, given, words, None)
        self.code, self.made, self.canned = code, made, canned


def of(world, what):
    return what(world) if callable(what) else what


VALUES = ['"one two"', r'"back\\slash \"quoted\" \303\244 <&>"']
IDLE = "arn:aws:iam::123456789012:role/idle"  # may do next to nothing
ASKED_OF = ["route53:ChangeResourceRecordSets", "route53:ListResourceRecordSets"]
KEY = "folder/a record *+é&=~/x"
CONTEXT = {"certferry": "secret/www/1", "a": 'quote " and ü'}
ROUTE53, IAM, ELB, V2, S3, KMS, STS = "route53", "iam", "elb", "elbv2", "s3", "kms", "sts"

ROWS = [
    Row("zones", (ROUTE53, "list_hosted_zones"), {}, {"MaxItems": "100"}, each(zone_shown, "HostedZones"), paged=True),
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
                   "changes": [plain_change(False, VALUES), plain_change(True, ['"theirs"'], ("blue", 7)),
                               plain_change(True, ['"others"'], ("green", 3))]},
        lambda w: {"HostedZoneId": w.zone,
                   "ChangeBatch": batch("swap", ("DELETE", record_set(VALUES)),
                                        ("CREATE", record_set(['"theirs"'], ("blue", 7))),
                                        ("CREATE", record_set(['"others"'], ("green", 3))))},
        change_shown),
    Row("record_sets", (ROUTE53, "list_resource_record_sets"),
        lambda w: {"zone": w.zone, "name": CHALLENGE, "type": "TXT"},
        lambda w: {"HostedZoneId": w.zone, "StartRecordName": CHALLENGE, "StartRecordType": "TXT", "MaxItems": "300"},
        lambda reply: [set_shown(s) for s in reply["ResourceRecordSets"] if s["Name"] == CHALLENGE + "."], paged=True),
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
    Row("iam.role_arn", (IAM, "get_role"),
        {"name": "idle"}, {"RoleName": "idle"}, lambda reply: reply["Role"]["Arn"]),
    Row("iam.denied", (IAM, "simulate_principal_policy"),
        {"principal": IDLE, "actions": ASKED_OF, "resources": ["arn:aws:route53:::hostedzone/Z1"]},
        {"PolicySourceArn": IDLE, "ActionNames": ASKED_OF, "ResourceArns": ["arn:aws:route53:::hostedzone/Z1"],
         "ContextEntries": [{"ContextKeyName": "route53:ChangeResourceRecordSetsRecordTypes",
                             "ContextKeyType": "stringList", "ContextKeyValues": ["TXT"]}]},
        lambda reply: [f"{one['EvalActionName']} on {one['EvalResourceName']}"
                       for one in reply["EvaluationResults"] if one["EvalDecision"] != "allowed"], paged=True),
    Row("elb.describe", (ELB, "describe_load_balancers"),
        {"name": "classic"}, {"LoadBalancerNames": ["classic"]}, first(classic_shown, "LoadBalancerDescriptions")),
    Row("elb.describe_all", (ELB, "describe_load_balancers"),
        {}, {"PageSize": 400}, each(classic_shown, "LoadBalancerDescriptions"), paged=True),
    Row("elb.set_certificate", (ELB, "set_load_balancer_listener_ssl_certificate"),
        lambda w: {"name": "classic", "port": 443, "certificate": w.certificate()},
        lambda w: {"LoadBalancerName": "classic", "LoadBalancerPort": 443, "SSLCertificateId": w.certificate()},
        nothing),
    Row("elbv2.load_balancers", (V2, "describe_load_balancers"),
        {}, {"PageSize": 400}, each(balancer_shown, "LoadBalancers"), paged=True),
    Row("elbv2.load_balancer_named", (V2, "describe_load_balancers"),
        {"name": "web"}, {"Names": ["web"]}, first(balancer_shown, "LoadBalancers")),
    Row("elbv2.load_balancer", (V2, "describe_load_balancers"),
        lambda w: {"arn": w.listener()[0]}, lambda w: {"LoadBalancerArns": [w.listener()[0]]},
        first(balancer_shown, "LoadBalancers")),
    Row("elbv2.listeners", (V2, "describe_listeners"),
        lambda w: {"arn": w.listener("two")[0]}, lambda w: {"LoadBalancerArn": w.listener("two")[0]},
        each(listener_shown, "Listeners"), paged=True),
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
        lambda w: {"arn": w.listener_with_two()}, lambda w: {"ListenerArn": w.listener_with_two()},
        lambda reply: list(dict.fromkeys(c["CertificateArn"] for c in reply["Certificates"])), paged=True),
    Row("elbv2.account_limits", (V2, "describe_account_limits"), {}, {},
        lambda reply: {limit["Name"]: int(limit["Max"]) for limit in reply["Limits"]}, paged=True),
    Row("s3.versioned", (S3, "get_bucket_versioning"), {"bucket": "state"}, {"Bucket": "state"},
        lambda reply: reply.get("Status") == "Enabled"),
    Row("s3.put", (S3, "put_object"),
        {"bucket": "state", "key": "folder/a root", "body": ""},
        {"Bucket": "state", "Key": "folder/a root", "Body": b"", "IfNoneMatch": "*",
         "ContentType": "application/octet-stream"},
        lambda reply: reply["ETag"]),
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
        each(lambda found: found["Key"], "Contents"), paged=True),
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


def json_refusal(status, code, **body):
    return status, [("Content-Type", "application/json"), ("x-amzn-ErrorType", code)], json.dumps(body).encode()


PRIOR = (
    b'<ErrorResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Error><Type>Sender</Type>'
    b"<Code>PriorRequestNotComplete</Code><Message>a prior request is being processed</Message></Error>"
    b"<RequestId>r</RequestId></ErrorResponse>"
)
NO_LISTENER = f"arn:aws:elasticloadbalancing:{REGION}:123456789012:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2"
NO_BALANCER = f"arn:aws:elasticloadbalancing:{REGION}:123456789012:loadbalancer/app/none/50dc6c495c0c9188"
NO_CERTIFICATE = "arn:aws:iam::123456789012:server-certificate/none"

REFUSED = [
    Refused("NoSuchHostedZone", "name_servers", (ROUTE53, "get_hosted_zone"), {"zone": "Z00NONE"}, {"Id": "Z00NONE"}),
    Refused("InvalidChangeBatch", "change", (ROUTE53, "change_resource_record_sets"),
            lambda w: {"zone": w.zone, "comment": "none", "changes": [plain_change(False, VALUES)]},
            lambda w: {"HostedZoneId": w.zone, "ChangeBatch": batch("none", ("DELETE", record_set(VALUES)))}),
    Refused("PriorRequestNotComplete", "change", (ROUTE53, "change_resource_record_sets"),
            lambda w: {"zone": w.zone, "comment": "soon", "changes": [plain_change(True, VALUES)]},
            lambda w: {"HostedZoneId": w.zone, "ChangeBatch": batch("soon", ("CREATE", record_set(VALUES)))},
            canned=(400, [("Content-Type", "text/xml")], PRIOR)),
    Refused("NoSuchChange", "get_change", (ROUTE53, "get_change"), {"id": "C00NONE"}, {"Id": "C00NONE"}),
    Refused("NoSuchEntity", "iam.get", (IAM, "get_server_certificate"),
            {"name": "none"}, {"ServerCertificateName": "none"}, result=None),
    Refused("NoSuchEntity", "iam.remove", (IAM, "delete_server_certificate"),
            {"name": "none"}, {"ServerCertificateName": "none"}, result=1),
    Refused("DeleteConflict", "iam.remove", (IAM, "delete_server_certificate"),
            lambda w: {"name": w.certificate().rsplit("/", 1)[1]},
            lambda w: {"ServerCertificateName": w.certificate().rsplit("/", 1)[1]}, result=2),
    Refused("EntityAlreadyExists", "iam.upload", (IAM, "upload_server_certificate"),
            lambda w: {"path": "/calls/", "name": "seasoned", "leaf": w.leaf, "key": w.key, "chain": ""},
            lambda w: {"Path": "/calls/", "ServerCertificateName": "seasoned", "CertificateBody": w.leaf,
                       "PrivateKey": w.key}),
    Refused("LimitExceeded", "iam.upload", (IAM, "upload_server_certificate"),
            lambda w: {"path": "/calls/", "name": w.fill_the_quota(), "leaf": w.leaf, "key": w.key, "chain": ""},
            lambda w: {"Path": "/calls/", "ServerCertificateName": "one-too-many", "CertificateBody": w.leaf,
                       "PrivateKey": w.key}),
    Refused("NoSuchEntity", "iam.role_arn", (IAM, "get_role"), {"name": "none"}, {"RoleName": "none"}),
    Refused("NoSuchEntity", "iam.denied", (IAM, "simulate_principal_policy"),
            {"principal": ROLE + "-none", "actions": ASKED_OF, "resources": ["*"]},
            {"PolicySourceArn": ROLE + "-none", "ActionNames": ASKED_OF, "ResourceArns": ["*"],
             "ContextEntries": [{"ContextKeyName": "route53:ChangeResourceRecordSetsRecordTypes",
                                 "ContextKeyType": "stringList", "ContextKeyValues": ["TXT"]}]}),
    Refused("LoadBalancerNotFound", "elb.describe", (ELB, "describe_load_balancers"),
            {"name": "none"}, {"LoadBalancerNames": ["none"]}, result=None),
    Refused("CertificateNotFound", "elb.set_certificate", (ELB, "set_load_balancer_listener_ssl_certificate"),
            {"name": "classic", "port": 443, "certificate": NO_CERTIFICATE},
            {"LoadBalancerName": "classic", "LoadBalancerPort": 443, "SSLCertificateId": NO_CERTIFICATE}),
    Refused("LoadBalancerNotFound", "elbv2.load_balancer", (V2, "describe_load_balancers"),
            {"arn": NO_BALANCER}, {"LoadBalancerArns": [NO_BALANCER]}, result=None),
    Refused("ListenerNotFound", "elbv2.listener", (V2, "describe_listeners"),
            {"arn": NO_LISTENER}, {"ListenerArns": [NO_LISTENER]}, result=None),
    Refused("ListenerNotFound", "elbv2.modify_nothing", (V2, "modify_listener"),
            {"arn": NO_LISTENER}, {"ListenerArn": NO_LISTENER}),
    Refused("CertificateNotFound", "elbv2.set_default_certificate", (V2, "modify_listener"),
            lambda w: {"arn": w.listener()[1], "certificate": NO_CERTIFICATE},
            lambda w: {"ListenerArn": w.listener()[1], "Certificates": [{"CertificateArn": NO_CERTIFICATE}]}),
    Refused("NoSuchKey", "s3.get", (S3, "get_object"),
            {"bucket": "state", "key": "none"}, {"Bucket": "state", "Key": "none"}, result=None),
    Refused("PreconditionFailed", "s3.put", (S3, "put_object"),
            lambda w: {"bucket": "state", "key": w.object(), "body": "two"},
            lambda w: {"Bucket": "state", "Key": w.object(), "Body": b"two", "IfNoneMatch": "*",
                       "ContentType": "application/octet-stream"}, result=None),
    Refused("NoSuchBucket", "s3.list", (S3, "list_objects_v2"),
            {"bucket": "nowhere", "prefix": ""}, {"Bucket": "nowhere", "Prefix": ""}),
    Refused("NotFoundException", "kms.key_arn", (KMS, "describe_key"),
            {"key": "alias/none"}, {"KeyId": "alias/none"}),
    Refused("IncorrectKeyException", "kms.decrypt", (KMS, "decrypt"),
            lambda w: {"key": "alias/another", "context": CONTEXT, "sealed": b64(w.sealed)},
            lambda w: {"KeyId": "alias/another", "EncryptionContext": CONTEXT, "CiphertextBlob": w.sealed}),
    Refused("InvalidCiphertextException", "kms.decrypt", (KMS, "decrypt"),
            lambda w: {"key": "alias/certferry", "context": {}, "sealed": b64(w.sealed)},
            lambda w: {"KeyId": "alias/certferry", "CiphertextBlob": w.sealed}),
    Refused("AccessDenied", "sts.assume_role", (STS, "assume_role"),
            {"role": ROLE + "-none", "session": "certferry"},
            {"RoleArn": ROLE + "-none", "RoleSessionName": "certferry", "DurationSeconds": 3600}),
    Refused("UnauthorizedException", "sso.role_credentials", ("sso", "get_role_credentials"),
            {"account": "123456789012", "role": "Dns", "token": "over"},
            {"accountId": "123456789012", "roleName": "Dns", "accessToken": "over"},
            canned=json_refusal(401, "UnauthorizedException:http://internal.amazon.com/",
                                message="Session token not found or invalid")),
    Refused("InvalidGrantException", "sso_oidc.refresh", ("sso-oidc", "create_token"),
            {"client_id": "client", "secret": "client-secret", "token": "used"},
            {"clientId": "client", "clientSecret": "client-secret", "grantType": "refresh_token",
             "refreshToken": "used"},
            canned=json_refusal(400, "InvalidGrantException", error="invalid_grant",
                                error_description="Invalid refresh token")),
]  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    words = "--zone example.com --zone example.org --elb classic --elb second --alb web --alb api --bucket state"
    keys = "--kms-key alias/certferry --kms-key alias/another"
    of_two = f"arn:aws:elasticloadbalancing:{REGION}:123456789012:listener/app/two/50dc6c495c0c9188/"
    listeners = ["--listener", of_two + "f2f7dc8efc522ab2", "--listener", of_two + "f2f7dc8efc522ab3"]
    folder = tmp_path_factory.mktemp("calls")
    little = folder / "little.json"
    statement = {"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"}
    little.write_text(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    roles = ["--role", ROLE, "--role", IDLE, "--policy", f"{IDLE}={little}"]
    peer = Sandbox(folder, *words.split(), *keys.split(), *listeners, *roles)
    yield World(peer)
    peer.stop()


@pytest.fixture(scope="module")
def caller():
    program = os.environ.get("CERTFERRY_CALLER", "")
    assert pathlib.Path(program).is_file(), f"no caller at {program}: ./dev test e2e builds it"
    process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def call(operation, given, *answers):
        process.stdin.write(json.dumps(dict(operation=operation, input=given, answers=answers)) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    yield call
    process.stdin.close()
    process.wait(timeout=10)


def stub(world, row):
    """An exchange, and botocore's operation, which goes through it."""
    exchange = Exchange(row.canned)
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
    return exchange, getattr(client, row.method)


def by_botocore(world, row, words):
    """The request and the answer as it came, and what botocore reads in it."""
    exchange, operation = stub(world, row)
    return exchange, operation(**words)


def refused_by(world, row, words):
    """The same, of what the service refuses: the error as botocore reads it."""
    exchange, operation = stub(world, row)
    try:
        reply = operation(**words)
    except ClientError as error:
        return exchange, error.response["Error"]
    pytest.fail(f"{row.operation} is not refused with {row.code}: {reply}")


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


def as_list(value):
    return value if isinstance(value, list) else [value]


def together(row, replies):
    """What certferry reads of all pages."""
    pages = [row.read(reply) for reply in replies]
    assert all(pages), pages
    return pages[0] | pages[1] if isinstance(pages[0], dict) else pages[0] + pages[1]


def check_pages(world, caller, row, given, words, where):
    """The same answer, in a first page of one and a second of all the rest: the second request is compared too."""
    model = row.paginator()
    limit = model["limit_key"]
    first = by_botocore(world, row, words | {limit: "1" if isinstance(words.get(limit), str) else 1})
    # Route 53 writes names with a final dot, and takes them without.
    told = [first[1].get(name, "").rstrip(".") for name in as_list(model["output_token"])]
    next_page = dict(zip(as_list(model["input_token"]), told, strict=True))
    second = by_botocore(world, row, words | next_page)
    ours = caller(row.operation, given, first[0].answered, second[0].answered)
    assert "failure" not in ours, f"{where}: {ours}"
    assert len(ours["requests"]) == 2, where
    assert canonical(ours["requests"][1]) == canonical(second[0].asked), where
    assert ours["result"] == together(row, [first[1], second[1]]), where


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
        if row.paged:
            check_pages(world, caller, row, given, words, where)
        remember(world, row, reply)


def test_every_refusal_is_read_as_botocore_does(world, caller):
    for number, row in enumerate(REFUSED):
        where = f"row {number}, {row.operation}: {row.code}"
        given, words = of(world, row.given), of(world, row.words)
        exchange, error = refused_by(world, row, words)
        assert error["Code"] == row.code, where
        ours = caller(row.operation, given, exchange.answered)
        assert len(ours["requests"]) == 1, where
        assert canonical(ours["requests"][0]) == canonical(exchange.asked), where
        if row.made:
            assert ours.get("result", "failed") == row.made["result"], f"{where}: {ours}"
        else:
            assert ours.get("code") == row.code, f"{where}: {ours}"
            assert error["Message"] in ours["failure"], f"{where}: {ours}"


SOURCES = pathlib.Path(__file__).parents[2] / "src"
SOURCE = "".join(file.read_text() for file in sorted((SOURCES / "aws").glob("*.cpp")))


def found_in(source, *patterns):
    return {found for pattern in patterns for found in re.findall(pattern, source)}


def test_the_table_has_every_service_and_operation_of_the_sources():
    """By the places where the sources make calls, and by the services' models: an operation that is written in another
    way is known by its name."""
    asked = {(row.service, row.name()) for row in ROWS}
    services = found_in(
        SOURCE, r'\b(?:query_call|json_call|rest_json_call|rest_xml_call)\("([a-z0-9-]+)"', r'\.service = "([a-z0-9-]+)"',
    )  # fmt: skip
    assert services == {row.service for row in ROWS}
    called = found_in(
        SOURCE, r'\b\w+_(?:call|read)\(\s*"([A-Z]\w+)"', r'->call\("([A-Z]\w+)"', r'\.operation = "([A-Z]\w+)"',
        r'rest_(?:json|xml)_call\("[a-z0-9-]+", "([A-Z]\w+)"', r'all_pages\(\w+, "([A-Z]\w+)"',
    )  # fmt: skip
    assert called == {operation for _, operation in asked}
    # Both have DescribeAccountLimits, by one endpoint; certferry asks the newer one.
    asked |= {("elb", operation) for service, operation in asked if service == "elbv2"}
    written = {
        (service, operation)
        for service in services
        for operation in SESSION.get_service_model(service).operation_names
        if f'"{operation}"' in SOURCE
    }
    assert written - asked == set()


def test_the_table_has_every_function_of_the_clients():
    """Whatever asks a service is a function that awaits, in the header of the service's client."""
    lines = (SOURCES.parent / "tests" / "e2e" / "caller.cpp").read_text()
    for client in ["Route53", "Iam", "Elb", "ElbV2", "S3", "Kms", "Sts", "Sso", "SsoOidc"]:
        header = next(
            text for file in (SOURCES / "aws").glob("*.h") if f"class {client} {{" in (text := file.read_text())
        )
        public = header.split(f"class {client} {{")[1].split(" private:")[0]
        offered = found_in(public, r"Task<.*> (\w+)\(")
        assert offered and offered == found_in(lines, rf"\b{client}\{{\w+\}}\.(\w+)\("), client
    assert found_in(lines, r'^    \{"([\w.]+)",'.replace("^", "(?m)^")) == {row.operation for row in ROWS}


def test_every_operation_with_pages_is_asked_for_two():
    in_pages = {(row.service, row.name()) for row in ROWS if row.paginator()}
    assert in_pages == {(row.service, row.name()) for row in ROWS if row.paged}


def test_every_service_refuses_and_so_with_every_code_that_the_sources_look_at():
    assert {row.service for row in REFUSED} == {row.service for row in ROWS}
    rooms = "".join(file.read_text() for room in ["aws", "dns", "deploy"] for file in (SOURCES / room).glob("*.cpp"))
    looked_at = found_in(rooms, r'code\(\) [!=]= "(\w+)"')
    # CNAME is certferry's own word.
    assert looked_at - {"CNAME"} - {row.code for row in REFUSED} == set()
