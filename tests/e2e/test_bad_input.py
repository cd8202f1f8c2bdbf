"""Bad input ends with one clear message, the right exit code, no trace and no secret."""

import http.server
import ssl
import threading

import pytest

from certificates import Authority
from clear_ending import ended_clearly
from conftest import certificate


def refused(certferry, text, place, *said, advice):
    """The configuration is refused, at this line and column of it, before anything is tried."""
    certferry.config.write_text(text)
    ended_clearly(certferry, f"{certferry.config}:{place}: ", *said, advice=advice, code=2)
    assert not certferry.state.exists()


@pytest.mark.parametrize(
    "text, place, said, advice",
    [
        ('[[certificate]]\ndomains = ["a.example.org"]\ncolour = "red"\n', "3:1", 'unknown key "colour" in [[certificate]]', "^Use one of domains, "),
        ('[[certificate]]\ndomains = "a.example.org"\n', "2:11", "domains is a string and must be a list", r"^Write domains = \["),
        ('[[certificate]]\ndomains = ["not a domain"]\n', "2:12", '"not a domain" is no DNS name', "^Write a DNS name such as "),
        (
            '[[certificate]]\nname = "a"\ndomains = ["a.example.org"]\n[[certificate]]\nname = "a"\ndomains = ["b.example.org"]\n',
            "4:1", 'certificate "a" stands at ', "^Give one of the two another name$",
        ),
        ('[state]\nstore = "s3://bucket/prefix/"\n[[certificate]]\ndomains = ["a.example.org"]\n', "2:9", "has no kms_key", "^Add kms_key = "),
        ("[ca\n", "1:4", "expected ']'", "^Correct the TOML there; "),
    ],
)
def test_a_configuration_error_names_file_line_and_what(certferry, text, place, said, advice):
    refused(certferry, text, place, said, advice=advice)


def test_one_slot_in_two_certificates_is_refused(certferry):
    one, two = (
        f'[[certificate]]\nname = "{n}"\ndomains = ["{n}.example.org"]\n[[certificate.install]]\nelb = "lb"\n' for n in "ab"
    )
    refused(certferry, one + two, "9:1", 'elb/lb:443 serves certificate "a" already, at ', advice="^Leave it in one certificate: ")


@pytest.mark.parametrize(
    "text, place, said, advice",
    [
        ('[ca]\ntrust = "/none.pem"\n', "2:9", 'trust = "/none.pem" is not there', "^Write the path of a PEM file"),
        ('[ca]\ntrust = "/etc/hostname"\n', "2:9", 'trust = "/etc/hostname": Reading trusted roots: ', "^Write the path of a PEM file"),
        ('[ca]\ntrust = "/etc"\n', "2:9", 'trust = "/etc": Reading /etc: Is a directory', "^Write the path of a PEM file"),
        ('[aws]\nprofile = "nobody"\n', "2:11", "AWS profile nobody is neither in ", r"^Add it, or correct profile in \[aws\]$"),
    ],
)
def test_what_the_configuration_leads_to_is_wrong_at_its_place(certferry, text, place, said, advice):
    del certferry.environment["AWS_REGION"]
    text += f'[state]\nstore = "{certferry.state}"\n[[certificate]]\ndomains = ["a.example.org"]\n'
    refused(certferry, text, place, said, advice=advice)
    certferry.run("plan", "--config", str(certferry.config), expect=2)


def test_roots_that_a_flag_names_and_are_not_there(certferry):
    _, err = certferry.run("apply", "--store", str(certferry.state), "-d", "a.example.org", "--trust", "/none.pem", expect=2)
    assert err == 'certferry: --trust: "/none.pem" is not there\n  -> Name a PEM file with the roots to trust\n'
    _, err = certferry.run("account", "--directory", "https://127.0.0.1:1/dir", "--trust", "/none.pem", expect=2)
    assert err == 'certferry: --trust: "/none.pem" is not there\n  -> Name a PEM file with the roots to trust\n'
    _, err = certferry.run("check", "--trust", "/none.pem", "127.0.0.1:1", expect=3)
    assert err == 'certferry: --trust: "/none.pem" is not there\n  -> Name a PEM file with the roots to trust\n'


@pytest.mark.parametrize(
    "variables, said, advice",
    [
        ({}, "no AWS region is known", r"^Set region in \[aws\], or AWS_REGION, "),
        (
            {"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": "localhost:1"},
            'AWS_ENDPOINT_URL: the URL "localhost:1"', "^Give an endpoint such as ",
        ),
        (
            {"AWS_REGION": "eu-west-1", "AWS_PROFILE": "nobody"},
            "AWS profile nobody is neither in ", "^Add it, or correct AWS_PROFILE$",
        ),
    ],
)  # fmt: skip
def test_what_the_environment_says_wrong_is_not_laid_to_the_configuration(certferry, variables, said, advice):
    del certferry.environment["AWS_REGION"]
    certferry.environment.update(variables)
    text = f'[aws]\n[state]\nstore = "{certferry.state}"\n[[certificate]]\ndomains = ["a.example.org"]\n'
    certferry.config.write_text(text)
    _, err = ended_clearly(certferry, advice=advice, code=2)
    assert err.startswith(f"certferry: {said}")
    assert not certferry.state.exists()


def test_one_listener_in_two_certificates_is_refused_though_its_region_is_left_away_in_one(certferry, aws):
    aws.classic("shared")
    one, two = (certificate(name, [f"{name}.shared.example.org"], {"elb": "shared"}) for name in ("one", "two"))
    certferry.configure(one, two + f'region = "{aws.region}"\n')
    ended_clearly(
        certferry, "classic ELB shared:443 serves certificate \"one\" already, at ", advice="^Leave it in one certificate: ", code=2, arguments=("plan",)
    )


def test_terms_that_are_not_agreed_to_are_named_by_their_url(certferry, aws, ca):
    aws.zone("terms.example.org")
    certferry.configure(certificate("www", ["www.terms.example.org"], {"files": str(certferry.folder / "tls")}))
    certferry.config.write_text(certferry.config.read_text().replace("agree_to_terms = true", "agree_to_terms = false"))
    ended_clearly(certferry, "data:text/plain", advice="agree_to_terms = true")  # Pebble's terms


def test_a_name_without_a_zone_is_said_plainly(certferry):
    certferry.configure(certificate("www", ["www.no-zone-here.example.net"], {"files": str(certferry.folder / "tls")}))
    ended_clearly(certferry, "no public hosted zone", "www.no-zone-here.example.net", advice="Create the zone in Route 53")


def test_two_zones_of_one_name_that_nobody_delegates_to(certferry, aws):
    """moto's zones name servers of Amazon's; whoever is asked here names another."""
    create = aws.client("route53").create_hosted_zone
    zones = [create(Name="twice.example.org", CallerReference=f"twice {n}")["HostedZone"]["Id"].split("/")[-1] for n in range(2)]
    www = certificate("www", ["www.twice.example.org"], {"files": str(certferry.folder / "tls")})
    resolver = f'[challenge]\nresolvers = ["127.0.0.1:{aws.dns_port}"]\n'
    certferry.configure(www, extra=resolver)
    ended_clearly(
        certferry, "twice.example.org has 2 public hosted zones (", *zones, "and its parent delegates to none of them",
        advice=r'^Say which of them the world is to ask: \[\[zone\]\] name = "twice\.example\.org" and its id$',
    )
    assert [aws.txt_sets(zone) for zone in zones] == [[], []]
    certferry.configure(www, extra=resolver + f'[[zone]]\nname = "twice.example.org"\nid = "{zones[1]}"\n')
    certferry.apply("--retry")


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
    "status, content_type, body, said, advice",
    [
        (200, "text/html", b"<html>Welcome</html>", "no JSON", r"^Check \[ca\] directory: "),
        (500, "text/plain", b"oops", "500 Internal Server Error", "^Run certferry again later"),
        (200, "application/json", b"", "application/json: nothing", r"^Check \[ca\] directory: "),
    ],
)
def test_a_ca_that_answers_nonsense_ends_clearly(certferry, aws, tmp_path, status, content_type, body, said, advice):
    broken = Broken(tmp_path, status, content_type, body)
    certferry.configure(
        certificate("www", ["www.broken.example.org"], {"files": str(certferry.folder / "tls")}), ca=broken
    )
    ended_clearly(certferry, said, broken.directory, advice=advice)
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
    home = certferry.folder
    out, _ = ended_clearly(
        certferry, "classic ELB creds:443: no AWS credentials: ", "AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE",
        f"{home}/.aws/config", f"{home}/.aws/credentials", "container", "instance metadata", advice="^Set AWS_PROFILE or ",
    )
    assert "held      www: no order is spent" in out and out.count("-> Set AWS_PROFILE") == 1, "one cause is told once"
