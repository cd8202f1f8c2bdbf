"""Services that refuse, fail or say nonsense, before the CA and before AWS: what the run says, and that nothing is lost.

Each passes through a door to the real peer but for what the test has the door answer itself, in the form that the
service has for it. Afterwards the door lets everything pass, and the next run ends what was begun."""

import itertools
import json
import re
import threading

import pytest
from certificates import Authority, public_key_of, public_key_of_certificate
from clear_ending import ended_clearly
from conftest import Certferry, certificate
from doorway import Doorway, Hold
from hurry import HURRY, hurried

TOKEN = "a-session-token-that-nobody-should-read"


class Doors:
    """Doors before Pebble and moto, and a configuration whose names and load balancers are its own."""

    def __init__(self, folder, aws, ca, name):
        self.aws, self.name = aws, name
        self.folder = folder
        hold = Hold()
        identity = (str(ca.folder / "server.pem"), str(ca.folder / "server.key"))
        self.ca_door = Doorway(("localhost", ca.port), hold, identity, ca.https_trust)
        self.aws_door = Doorway(("127.0.0.1", int(aws.url.rsplit(":", 1)[1])), hold)
        self.directory, self.trust = f"https://localhost:{self.ca_door.port}/dir", ca.trust
        self.zone_name = f"{name}.refusals.example.org"
        self.zone = aws.zone(self.zone_name)
        self.certferry = Certferry(folder, self, self)

    def environment(self):
        return {
            **self.aws.environment(),
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.aws_door.port}",
            "AWS_SESSION_TOKEN": TOKEN,
        }

    def placeholder(self):
        if not hasattr(self, "_placeholder"):
            chain, key = Authority("Placeholder").issue(["placeholder.example.org"])
            self._placeholder = self.aws.upload("refusals-" + self.name, chain, key)
        return self._placeholder

    def classic(self):
        self.aws.classic("refusals-" + self.name, self.placeholder())
        return {"elb": "refusals-" + self.name}

    def listener(self):
        return {"listener": self.aws.application("refusals-" + self.name, self.placeholder())}

    def files(self):
        return {"files": str(self.folder / "tls")}

    def bucket(self):
        self.aws.client("s3").create_bucket(
            Bucket="refusals-" + self.name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        return f"s3://refusals-{self.name}/certferry/"

    def configure(self, *installs, **words):
        self.certferry.configure(certificate("www", ["www." + self.zone_name], *installs), **words)

    def orders(self):
        return sum(path == "/order-plz" and status == 201 for _, path, _, status in self.ca_door.requests)

    def txt_sets(self):
        return self.aws.txt_sets(self.zone)

    def goes_on(self, orders=1):
        """What a run does once nobody refuses any longer: it ends what was begun, with the order that was made."""
        self.ca_door.answers = self.aws_door.answers = lambda *_: None
        self.certferry.apply("--retry")
        assert self.txt_sets() == []
        assert self.orders() == orders
        self.certferry.run("plan", "--config", str(self.certferry.config), "--detailed-exitcode", expect=0)

    def stop(self):
        self.ca_door.stop()
        self.aws_door.stop()


_numbers = itertools.count(1)


@pytest.fixture
def doors(tmp_path, aws, ca):
    place = Doors(tmp_path, aws, ca, f"n{next(_numbers)}")
    yield place
    place.stop()


# AWS


def service_of(headers):
    """The service of the signature's scope."""
    scope = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request", headers.get("Authorization", ""))
    return scope[1] if scope else ""


def operation_of(method, path, headers, body):
    """service:operation, as IAM policies call it."""
    service = service_of(headers)
    if service == "kms":
        return "kms:" + headers["X-Amz-Target"].split(".")[1]
    if service == "route53":
        if "/rrset" in path:
            return "route53:ChangeResourceRecordSets" if method == "POST" else "route53:ListResourceRecordSets"
        return "route53:ListHostedZones" if method == "GET" and "/hostedzone?" in path else "route53:" + path
    if service == "s3":
        return "s3:" + {"GET": "ListBucket" if "list-type=2" in path else "GetObject", "PUT": "PutObject"}.get(method, method)
    action = re.search(r"Action=(\w+)", body)
    return f"{service}:{action[1] if action else method}"


def refusal_in_the_form_of(service, code, message, status=403):
    if service == "kms":
        return 400, "application/x-amz-json-1.1", f'{{"__type":"{code}","message":"{message}"}}'.encode()
    if service == "s3":
        return status, "application/xml", f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    text = f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    return status, "text/xml", text.encode()


def denying(action):
    def answers(*request):
        if operation_of(*request) != action:
            return None
        service = action.split(":")[0]
        code = "AccessDeniedException" if service == "kms" else "AccessDenied"
        return refusal_in_the_form_of(service, code, f"User: somebody is not authorized to perform: {action}")

    return answers


@pytest.mark.parametrize(
    "action, said, advice",
    [
        ("route53:ListHostedZones", "Route 53 ListHostedZones", "route53:ListHostedZones"),
        ("route53:ChangeResourceRecordSets", "Route 53 ChangeResourceRecordSets on ", "route53:ChangeResourceRecordSets"),
        ("iam:UploadServerCertificate", "IAM UploadServerCertificate on ", "iam:UploadServerCertificate"),
        (
            "elasticloadbalancing:DescribeLoadBalancers",
            "Elastic Load Balancing DescribeLoadBalancers on ",
            "elasticloadbalancing:DescribeLoadBalancers",
        ),
        (
            "elasticloadbalancing:SetLoadBalancerListenerSSLCertificate",
            "Elastic Load Balancing SetLoadBalancerListenerSSLCertificate on ",
            "elasticloadbalancing:SetLoadBalancerListenerSSLCertificate",
        ),
    ],
)
def test_a_missing_permission_is_named_with_what_it_is_for(doors, action, said, advice):
    doors.configure(doors.classic())
    doors.aws_door.answers = denying(action)
    ended_clearly(
        doors.certferry, said, f"AccessDenied: User: somebody is not authorized to perform: {action}",
        advice=rf"Allow {advice}: `certferry policy` writes", secrets=[TOKEN],
    )
    assert doors.txt_sets() == []
    doors.goes_on()


def test_a_missing_permission_for_a_listener(doors):
    doors.configure(doors.listener())
    doors.aws_door.answers = denying("elasticloadbalancing:ModifyListener")
    ended_clearly(
        doors.certferry, "ModifyListener on ", "AccessDenied", advice="Allow elasticloadbalancing:ModifyListener: ",
        secrets=[TOKEN],
    )
    doors.goes_on()


@pytest.mark.parametrize("action", ["s3:ListBucket", "s3:GetObject", "s3:PutObject", "kms:GenerateDataKey"])
def test_a_missing_permission_for_the_state(doors, aws, action):
    key = aws.client("kms").create_key()["KeyMetadata"]["KeyId"]
    doors.configure(doors.files(), state=doors.bucket(), kms_key=key)
    doors.aws_door.answers = denying(action)
    ended_clearly(doors.certferry, "AccessDenied", action, advice=f"Allow .*{action}", secrets=[TOKEN])
    assert doors.txt_sets() == [] and doors.orders() == 0
    doors.goes_on()


def expired(*request):
    service = service_of(request[2])
    code = "ExpiredTokenException" if service == "kms" else "ExpiredToken"
    return refusal_in_the_form_of(service, code, "The security token included in the request is expired")


def test_credentials_that_have_expired_are_found_out_before_anything_is_spent(doors):
    doors.configure(doors.classic())
    doors.aws_door.answers = expired
    ended_clearly(
        doors.certferry, "ExpiredToken: The security token included in the request is expired",
        advice="Renew the credentials .*: they have expired", secrets=[TOKEN],
    )
    assert doors.orders() == 0
    doors.goes_on()


def test_credentials_that_expire_while_txt_values_stand_lose_nothing(doors):
    doors.configure(doors.classic())
    changes = []

    def expire_after_the_first_change(*request):
        if changes:
            return expired(*request)
        if operation_of(*request) == "route53:ChangeResourceRecordSets":
            changes.append(request)
        return None

    doors.aws_door.answers = expire_after_the_first_change
    ended_clearly(
        doors.certferry, "ExpiredToken", advice="Renew the credentials .*: they have expired", secrets=[TOKEN],
    )
    assert len(doors.txt_sets()) == 1, "nobody could take it away"
    doors.goes_on()


def test_a_bucket_of_another_region_is_told_with_that_region(doors, aws):
    key = aws.client("kms").create_key()["KeyMetadata"]["KeyId"]
    doors.configure(doors.files(), state=doors.bucket(), kms_key=key)
    text = (
        "<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region 'eu-west-1' is wrong; expecting 'eu-central-1'"
        "</Message><Region>eu-central-1</Region></Error>"
    )
    doors.aws_door.answers = lambda *request: (
        (400, "application/xml", text.encode()) if service_of(request[2]) == "s3" else None
    )
    ended_clearly(
        doors.certferry, "AuthorizationHeaderMalformed", "the bucket is in region eu-central-1",
        advice=r'Set region = "eu-central-1" in \[aws\] for the bucket refusals-', secrets=[TOKEN],
    )
    doors.goes_on()


def test_a_load_balancer_of_another_region_is_told_with_the_one_that_was_looked_in(doors):
    name = doors.classic()["elb"]
    doors.configure({"elb": name, "region": "us-east-1"})
    ended_clearly(
        doors.certferry, f"classic ELB {name}:443: there is no such load balancer in us-east-1",
        advice=r"Correct `elb` or `region` in \[\[certificate.install\]\]", secrets=[TOKEN],
    )
    assert doors.orders() == 0
    doors.configure({"elb": name})
    doors.goes_on()


# The CA

HTML = (200, "text/html", b"<html><body>Welcome to the hotel's network</body></html>")
BROKEN = (500, "text/plain", b"oops")


@pytest.mark.parametrize(
    "own, said, advice",
    [
        (HTML, "Welcome to the hotel", "directory"),
        (BROKEN, 'it answered 500 Internal Server Error, text/plain: "oops"', "Run certferry again later"),
        ("nothing", "the connection was closed without an answer", "Run it again"),
        ((200, "application/json", b""), "localhost", "directory"),
    ],
    ids=["html", "500", "nothing", "empty"],
)
def test_a_ca_whose_directory_is_none(doors, own, said, advice):
    doors.configure(doors.files())
    doors.ca_door.answers = lambda *_: own
    ended_clearly(doors.certferry, said, doors.directory.split("/dir")[0].removeprefix("https://"), advice=advice)
    assert doors.txt_sets() == []
    doors.goes_on()


@pytest.mark.parametrize(
    "where, on",
    [
        ("/order-plz", "newOrder for www."),
        ("/authZ/", "/authZ/"),
        ("/chalZ/", "answering the challenge for www."),
        ("/finalize-order/", "finalize for www."),
        ("/certZ/", "/certZ/"),
    ],
)
@pytest.mark.parametrize(
    "own, said", [(HTML, "<html>"), (BROKEN, "oops"), ("nothing", "the connection was closed without an answer")], ids=["html", "500", "nothing"]
)
def test_a_ca_that_answers_nonsense_in_the_middle(doors, where, on, own, said):
    doors.configure(doors.files())
    doors.ca_door.answers = lambda method, path, *_: own if path.startswith(where) else None
    ended_clearly(doors.certferry, on, said, advice="again")
    doors.goes_on()


@hurried
@pytest.mark.parametrize(
    "where, on",
    [
        ("/dir", "reading the ACME directory "),
        ("/order-plz", "newOrder for www."),
        ("/authZ/", "reading the authorization "),
        ("/chalZ/", "answering the challenge for www."),
        ("/my-order/", "reading the order "),
        ("/finalize-order/", "finalize for www."),
        ("/certZ/", "downloading the certificate "),
    ],
)
def test_a_ca_that_takes_requests_and_stays_silent(doors, where, on):
    """Until the run gives up by itself: its minutes pass in a twentieth of the time."""
    doors.configure(doors.files())
    over = threading.Event()

    def silent(method, path, *_):
        if not path.startswith(where):
            return None
        over.wait(60)
        return "nothing"

    doors.ca_door.answers = silent
    calm, doors.certferry.environment = doors.certferry.environment, doors.certferry.environment | HURRY
    ended_clearly(doors.certferry, on, "Operation timed out after ", advice="again")
    over.set()
    parked = where in ("/chalZ/", "/my-order/")  # a validation may be under way
    assert len(doors.txt_sets()) == parked
    doors.certferry.environment = calm
    doors.goes_on()


def test_status_tells_of_no_order_where_the_ca_refused_to_make_one(doors):
    doors.configure(doors.files())
    problem = b'{"type":"urn:ietf:params:acme:error:rejectedIdentifier","detail":"not that one"}'
    doors.ca_door.answers = lambda method, path, *_: (
        (400, "application/problem+json", problem) if path == "/order-plz" else None
    )
    ended_clearly(doors.certferry, "not that one", advice=".")
    words = ("status", "--config", str(doors.certferry.config))
    out, _ = doors.certferry.run(*words)
    assert "www: no certificate yet\n  1 failure(s), the last: " in out
    out, _ = doors.certferry.run(*words, "--json")
    assert json.loads(out)["certificates"][0]["order_under_way"] is False
    # What is under way is told as such.
    doors.ca_door.answers = lambda method, path, *_: BROKEN if path.startswith("/authZ/") else None
    doors.certferry.apply("--retry", expect=1)
    out, _ = doors.certferry.run(*words)
    assert "www: no certificate yet, an order is under way\n" in out
    doors.goes_on()


def test_a_certificate_for_another_key_is_told_and_never_installed(doors):
    doors.configure(doors.files())
    stranger = Authority("Somebody's CA")
    body, _ = stranger.issue(["www." + doors.zone_name], days=89)
    doors.ca_door.answers = lambda method, path, *_: (
        (200, "application/pem-certificate-chain", (body + stranger.pem).encode()) if path.startswith("/certZ/") else None
    )
    ended_clearly(
        doors.certferry, f"www: Verifying the certificate from https://localhost:{doors.ca_door.port}/certZ/",
        "it is for another key than the one that was sent", advice="Report it to the CA, or use another",
    )
    assert not (doors.folder / "tls" / "live").exists()
    assert doors.txt_sets() == []
    doors.goes_on(orders=2)
    chain, key = ((doors.folder / "tls" / "live" / name).read_text() for name in ("fullchain.pem", "privkey.pem"))
    assert public_key_of(key) == public_key_of_certificate(chain)
