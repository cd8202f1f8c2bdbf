"""Every operation of the AWS clients: what is asked is what botocore asks for the same input, botocore reads what the
sandbox answers, and certferry reads the same in it; so for every page of what comes in pages, and for what is refused.
The table is aws_operations.py."""

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

import pytest
import urllib3
from aws_operations import CONTEXT, IAM, IDLE, REFUSED, ROLE, ROUTE53, ROWS, SESSION, b64, of
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError
from certificates import Authority
from sandbox_peer import REGION, Sandbox, eventually

# Of the fields that an operation asks with, and that are no matter of transport.
TELLING = ["content-type", "x-amz-target", "if-match", "if-none-match", "x-amz-checksum-sha256", "x-amz-sso_bearer_token"]


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
