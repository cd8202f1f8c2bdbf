"""What the environment says of the way to AWS."""

import http.server
import threading

import pytest
from conftest import certificate


class Listening:
    """A server that keeps what it was asked, as `METHOD target`, and by whom, and refuses it."""

    def __init__(self):
        self.asked = []
        self.agents = set()
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def refuse(self):
                server.asked.append(f"{self.command} {self.path}")
                server.agents.add(self.headers["User-Agent"])
                self.send_response(403)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST = do_PUT = do_CONNECT = refuse

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def listening():
    server = Listening()
    yield server
    server.stop()


def planned(certferry, **environment):
    certferry.environment |= environment
    certferry.configure(certificate("www", ["www.environment.example.org"], {"elb": "environment"}))
    out, err = certferry.run("plan", "--config", str(certferry.config), expect=1)
    return out + err


def test_aws_is_reached_through_the_proxy(certferry, listening):
    del certferry.environment["AWS_ENDPOINT_URL"]
    said = planned(certferry, HTTPS_PROXY=listening.url)
    assert "(the proxy of HTTPS_PROXY answered 403)" in said
    assert set(listening.asked) == {"CONNECT sts.eu-west-1.amazonaws.com:443"}


def test_a_proxy_that_cannot_be_reached_is_named_by_its_variable(certferry):
    del certferry.environment["AWS_ENDPOINT_URL"]
    said = planned(certferry, https_proxy="http://127.0.0.1:1")
    assert "Check that the proxy of https_proxy can be reached" in said


def test_a_bundle_of_roots_that_is_not_there_is_named_by_its_variable(certferry, listening):
    said = planned(certferry, AWS_ENDPOINT_URL=listening.url.replace("http:", "https:"), AWS_CA_BUNDLE="/nonexistent")
    assert "/nonexistent" in said and "Check that the file that AWS_CA_BUNDLE names exists" in said


def test_fips_and_dual_stack_endpoints_are_asked_where_the_environment_wants_them(certferry, listening):
    del certferry.environment["AWS_ENDPOINT_URL"]
    wanted = dict(AWS_USE_FIPS_ENDPOINT="true", AWS_USE_DUALSTACK_ENDPOINT="true", AWS_REGION="us-east-2")
    planned(certferry, HTTPS_PROXY=listening.url, **wanted)
    assert set(listening.asked) == {"CONNECT sts-fips.us-east-2.api.aws:443"}


def test_aws_hears_the_application_that_the_environment_names(certferry, listening):
    planned(certferry, AWS_ENDPOINT_URL=listening.url)
    [alone] = listening.agents
    listening.agents.clear()
    planned(certferry, AWS_ENDPOINT_URL=listening.url, AWS_SDK_UA_APP_ID="shop (7)/" + 50 * "x")
    assert listening.agents == {f"{alone} app/shop--7--{41 * 'x'}"}


def test_no_proxy_spares_a_host(certferry, listening):
    endpoint = f"http://localhost:{listening.server.server_port}"
    other = Listening()
    planned(certferry, AWS_ENDPOINT_URL=endpoint, http_proxy=other.url, NO_PROXY="localhost")
    assert listening.asked and other.asked == []
    other.stop()
