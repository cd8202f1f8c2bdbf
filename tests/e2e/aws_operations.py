"""Every operation of the AWS clients, and what each service refuses: one table for test_aws_calls.py. A new operation
adds a row here (and a line in caller.cpp)."""

import base64
import hashlib
import json

import botocore.session
from botocore.exceptions import DataNotFoundError
from sandbox_peer import REGION

SESSION = botocore.session.get_session()  # reads each model once
ROLE = "arn:aws:iam::210987654321:role/dns"
CHALLENGE = "_acme-challenge.www.example.com"


def b64(data):
    return base64.b64encode(data).decode()


def digest(body):
    return b64(hashlib.sha256(body).digest())


def second(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


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
    Row("record_sets_from", (ROUTE53, "list_resource_record_sets"),
        lambda w: {"zone": w.zone, "name": CHALLENGE},
        lambda w: {"HostedZoneId": w.zone, "StartRecordName": CHALLENGE, "MaxItems": "300"},
        lambda reply: [set_shown(s) for s in reply["ResourceRecordSets"]]),
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
        {}, {"PageSize": 50}, each(classic_shown, "LoadBalancerDescriptions"), paged=True),
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
    Row("elbv2.remove_certificate", (V2, "remove_listener_certificates"),
        lambda w: {"arn": w.listener()[1], "certificate": NO_CERTIFICATE},
        lambda w: {"ListenerArn": w.listener()[1], "Certificates": [{"CertificateArn": NO_CERTIFICATE}]},
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
         "ContentType": "application/octet-stream", "ChecksumSHA256": digest(b"")},
        lambda reply: reply["ETag"]),
    Row("s3.put", (S3, "put_object"),
        {"bucket": "state", "key": KEY, "body": "one"},
        {"Bucket": "state", "Key": KEY, "Body": b"one", "IfNoneMatch": "*",
         "ContentType": "application/octet-stream", "ChecksumSHA256": digest(b"one")},
        lambda reply: reply["ETag"]),
    Row("s3.put", (S3, "put_object"),
        lambda w: {"bucket": "state", "key": KEY, "body": "two", "if_match": w.etag},
        lambda w: {"Bucket": "state", "Key": KEY, "Body": b"two", "IfMatch": w.etag,
                   "ContentType": "application/octet-stream", "ChecksumSHA256": digest(b"two")},
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


MALFORMED = (
    b'<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type>'
    b"<Code>MalformedCertificate</Code><Message>it has not begun</Message></Error>"
    b"<RequestId>r</RequestId></ErrorResponse>"
)
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
    Refused("MalformedCertificate", "iam.upload", (IAM, "upload_server_certificate"),
            lambda w: {"path": "/calls/", "name": "not-yet", "leaf": w.leaf, "key": w.key, "chain": ""},
            lambda w: {"Path": "/calls/", "ServerCertificateName": "not-yet", "CertificateBody": w.leaf,
                       "PrivateKey": w.key},
            canned=(400, [("Content-Type", "text/xml")], MALFORMED)),
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
                       "ContentType": "application/octet-stream", "ChecksumSHA256": digest(b"two")}, result=None),
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
