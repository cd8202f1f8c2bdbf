"""A listener that is told of its new certificate, and goes on showing the former one: verification by handshake fails
after its five minutes, and the former is put back."""

import re
import socket
import ssl
import threading
import urllib.request

import pytest
from certificates import Authority
from clear_ending import ended_clearly
from conftest import certificate
from hurry import HURRY, hurried
from test_listeners import https_root, trusting
from test_refusals import operation_of

LOOK = "elasticloadbalancing:DescribeLoadBalancers"
DOMAIN = "www.showing.example.org"


class Listener(threading.Thread):
    """On a port of 127.0.0.1: shows the certificate of the file that `choose` names at each handshake."""

    def __init__(self, choose):
        super().__init__(daemon=True)
        self._choose, self._server = choose, socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                plain, _ = self._server.accept()
            except OSError:
                return
            with plain:
                try:
                    plain.settimeout(10)
                    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    context.load_cert_chain(*self._choose())
                    with context.wrap_socket(plain, server_side=True) as secured:
                        secured.recv(1)
                except OSError:
                    pass  # a client that has seen what it wanted

    def stop(self):
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()


def led_to_this_machine(aws):
    """What the door answers to a look: what moto answers, but for the load balancer's DNS name, which leads here."""

    def answer(method, path, headers, body):
        if operation_of(method, path, headers, body) != LOOK:
            return None
        request = urllib.request.Request(aws.url + path, body.encode(), dict(headers), method=method)
        with urllib.request.urlopen(request, timeout=10) as reply:
            text = reply.read().decode()
        return 200, "text/xml", re.sub(r"<DNSName>[^<]*</DNSName>", "<DNSName>127.0.0.1</DNSName>", text).encode()

    return answer


@pytest.fixture
def elsewhere():
    return Authority("Some other CA")


def shown_at(port):
    """The certificate that a handshake shows, whoever vouches for it."""
    return ssl.get_server_certificate(("127.0.0.1", port), timeout=10)


def first_of(chain):
    return ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert(chain[: chain.index("-----END") + 25].strip() + "\n"))


@hurried
def test_a_listener_that_goes_on_showing_the_former_one_is_put_back(certferry, aws, ca, aws_door, elsewhere):
    aws.zone("showing.example.org")
    chain, key = elsewhere.issue([DOMAIN], days=300)
    former, live = certferry.folder / "former.pem", certferry.folder / "tls" / "live"
    former.write_text(chain + key)
    old = aws.upload("showing-old", chain, key)
    stuck = threading.Event()
    stuck.set()

    def choose():
        if stuck.is_set() or aws.classic_certificate("showing") == old:
            return [former]
        return [live / "fullchain.pem", live / "privkey.pem"]

    listener = Listener(choose)
    aws.classic("showing", old, port=listener.port)
    aws_door.answers = led_to_this_machine(aws)
    certferry.configure(
        certificate(
            "www", [DOMAIN],
            {"elb": "showing", "port": listener.port, "verify": "auto"},
            {"files": str(certferry.folder / "tls")},  # where the listener has the key from, once it follows
        ),
        trust=trusting(certferry, ca, https_root(ca), ca.root, elsewhere.pem),
    )
    certferry.environment |= HURRY
    since = len(ca.requests())
    where = f"127.0.0.1:{listener.port}"

    _, err = ended_clearly(
        certferry, f"classic ELB showing:{listener.port}", "did not show the new certificate 3 times in a row within 5 min",
        f"{where} shows a certificate of Some other CA", "; what it served before is back", advice=f"^Look with `certferry check {where}` who answers there$",
    )
    assert re.search(r": verify +failed  \((4 min|5 min)", err) and re.search(r": restore +done", err), err
    assert aws.classic_certificate("showing") == old and shown_at(listener.port) == first_of(chain)
    assert any(c["Arn"] == old for c in aws.server_certificates())

    out, _ = certferry.apply()
    assert "rolled back: " in out and "certferry apply --retry" in out, "it says why it waits"
    assert aws.classic_certificate("showing") == old, "and nothing is tried before its time"

    stuck.clear()
    report = certferry.apply_report("--retry")
    assert [o["what"] for o in report["outcomes"] if o["outcome"] == "installed"] == ["served and verified"], report
    assert "/certferry/" in aws.classic_certificate("showing")
    assert shown_at(listener.port) == first_of((live / "fullchain.pem").read_text())
    assert sum("order-plz" in path for path in ca.requests()[since:]) == 1, "one certificate, however often it was tried"
    listener.stop()
