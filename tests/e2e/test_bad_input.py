"""Bad input ends with one clear message, the right exit code, no trace and no secret."""

import http.server
import ssl
import threading

import pytest

from certificates import Authority
from clear_ending import ended_clearly
from conftest import certificate


def refused(certferry, text, *expected):
    certferry.config.write_text(text)
    out, err = certferry.apply(expect=2)
    for words in expected:
        assert words in out + err, out + err
    return out + err


@pytest.mark.parametrize(
    "text, words",
    [
        ('[[certificate]]\ndomains = ["a.example.org"]\ncolour = "red"\n', "colour"),
        ('[[certificate]]\ndomains = "a.example.org"\n', "domains"),
        ('[[certificate]]\ndomains = ["not a domain"]\n', "not a domain"),
        ('[[certificate]]\nname = "a"\ndomains = ["a.example.org"]\n[[certificate]]\nname = "a"\ndomains = ["b.example.org"]\n', '"a"'),
        ('[state]\nstore = "s3://bucket/prefix/"\n[[certificate]]\ndomains = ["a.example.org"]\n', "kms_key"),
        ("[ca\n", "certferry.toml:1"),
    ],
)
def test_a_configuration_error_names_file_line_and_what(certferry, text, words):
    refused(certferry, text, "certferry.toml:", words)


def test_one_slot_in_two_certificates_is_refused(certferry):
    one, two = (
        f'[[certificate]]\nname = "{n}"\ndomains = ["{n}.example.org"]\n[[certificate.install]]\nelb = "lb"\n' for n in "ab"
    )
    refused(certferry, one + two, "lb:443")


@pytest.mark.parametrize(
    "text, words",
    [
        ('[ca]\ntrust = "/none.pem"\n', '2:9: trust = "/none.pem" is not there'),
        ('[ca]\ntrust = "/etc/hostname"\n', '2:9: trust = "/etc/hostname": '),
        ('[ca]\ntrust = "/etc"\n', '2:9: trust = "/etc": '),
        ('[aws]\nprofile = "nobody"\n', "2:11: AWS profile nobody is neither in "),
        ('[aws]\n', "1:1: no AWS region is known"),
        ("", "1:1: no AWS region is known"),
    ],
)
def test_what_the_configuration_leads_to_is_wrong_at_its_place(certferry, text, words):
    del certferry.environment["AWS_REGION"]
    text += f'[state]\nstore = "{certferry.state}"\n[[certificate]]\ndomains = ["a.example.org"]\n'
    refused(certferry, text, f"certferry: {certferry.config}:{words}")
    certferry.run("plan", "--config", str(certferry.config), expect=2)
    certferry.run("apply", "--store", str(certferry.state), "-d", "a.example.org", "--trust", "/none.pem", expect=2)


def test_one_listener_in_two_certificates_is_refused_though_its_region_is_left_away_in_one(certferry, aws):
    aws.classic("shared")
    one, two = (certificate(name, [f"{name}.shared.example.org"], {"elb": "shared"}) for name in ("one", "two"))
    certferry.configure(one, two + f'region = "{aws.region}"\n')
    out, err = certferry.run("plan", "--config", str(certferry.config), expect=2)
    assert "classic ELB shared:443 serves certificate \"one\" already, at " in err


def test_terms_that_are_not_agreed_to_are_named_by_their_url(certferry, aws, ca):
    aws.zone("terms.example.org")
    certferry.configure(certificate("www", ["www.terms.example.org"], {"files": str(certferry.folder / "tls")}))
    certferry.config.write_text(certferry.config.read_text().replace("agree_to_terms = true", "agree_to_terms = false"))
    out, err = certferry.apply(expect=1)
    assert "agree_to_terms" in out + err and "data:text/plain" in out + err  # Pebble's terms


def test_a_name_without_a_zone_is_said_plainly(certferry):
    certferry.configure(certificate("www", ["www.no-zone-here.example.net"], {"files": str(certferry.folder / "tls")}))
    ended_clearly(certferry, "no public hosted zone", "www.no-zone-here.example.net", advice="Create the zone in Route 53")


class Broken:
    """A CA that answers every request the same way."""

    def __init__(self, folder, status, content_type, body):
        authority = Authority("Broken CA root")
        certificate_pem, key = authority.issue(["localhost"], addresses=["127.0.0.1"])
        (folder / "broken.pem").write_text(certificate_pem + key)
        (folder / "broken-root.pem").write_text(authority.pem)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_HEAD = do_GET

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "broken.pem")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.directory = f"https://localhost:{self.server.server_port}/dir"
        self.trust = str(folder / "broken-root.pem")


@pytest.mark.parametrize(
    "status, content_type, body",
    [(200, "text/html", b"<html>Welcome</html>"), (500, "text/plain", b"oops"), (200, "application/json", b"")],
)
def test_a_ca_that_answers_nonsense_ends_clearly(certferry, aws, tmp_path, status, content_type, body):
    broken = Broken(tmp_path, status, content_type, body)
    certferry.configure(
        certificate("www", ["www.broken.example.org"], {"files": str(certferry.folder / "tls")}), ca=broken
    )
    out, err = certferry.apply(expect=1)
    assert "localhost" in out + err
    assert "Traceback" not in out + err and "terminate" not in out + err
    broken.server.shutdown()


def test_an_aws_endpoint_is_believed_by_the_roots_of_its_bundle_alone(certferry, tmp_path):
    endpoint = Broken(tmp_path, 404, "text/plain", b"nobody")
    certferry.environment["AWS_ENDPOINT_URL"] = endpoint.directory.removesuffix("/dir")
    certferry.configure(certificate("www", ["www.bundle.example.org"], {"elb": "bundle"}))
    out, err = certferry.run("plan", "--config", str(certferry.config), expect=1)
    assert "name its roots in AWS_CA_BUNDLE" in out + err and "HTTP 404" not in out + err
    certferry.environment["AWS_CA_BUNDLE"] = endpoint.trust
    out, err = certferry.run("plan", "--config", str(certferry.config), expect=1)
    assert "HTTP 404" in out + err and "AWS_CA_BUNDLE" not in out + err
    endpoint.server.shutdown()


def test_missing_credentials_name_every_place_that_was_looked_at(certferry):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del certferry.environment[name]
    certferry.configure(certificate("www", ["www.creds.example.org"], {"elb": "creds"}))
    out, err = certferry.apply(expect=1)
    assert "AWS_ACCESS_KEY_ID" in out + err
