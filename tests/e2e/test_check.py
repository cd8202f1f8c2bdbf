"""`certferry check` against servers of other protocols, and against hundreds of hosts at once."""

import contextlib
import imaplib
import json
import smtplib
import socket
import ssl
import threading

import pytest
from certificates import Authority
from clear_ending import ended_clearly
from conftest import certificate
from hurry import HURRY, SANITIZED, hurried


@pytest.fixture(scope="module")
def authority():
    return Authority("Some CA")


@pytest.fixture
def server_context(authority, tmp_path):
    certificate, key = authority.issue(["mail.example.org"], days=40, addresses=["127.0.0.1"])
    (tmp_path / "server.pem").write_text(certificate + key)
    (tmp_path / "root.pem").write_text(authority.pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    return context


@contextlib.contextmanager
def serving(conversation):
    """A server on loopback that has this conversation with each who connects; its port."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)

    def one(connection):
        with connection, contextlib.suppress(OSError):
            connection.settimeout(20)
            conversation(connection)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=one, args=(listening.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def line(connection):
    text = b""
    while not text.endswith(b"\r\n"):
        octet = connection.recv(1)
        if not octet:
            raise OSError("closed")
        text += octet
    return text.decode().strip()


def exactly(connection, size):
    octets = b""
    while len(octets) < size:
        octets += connection.recv(size - len(octets)) or pytest.fail("closed")
    return octets


def secured(connection, context):
    with context.wrap_socket(connection, server_side=True) as tls:
        tls.recv(1)  # until the other side goes


def smtp(context, connection):  # RFC 3207
    connection.sendall(b"220-mail.example.org\r\n220 ready\r\n")
    while (said := line(connection).upper()) != "STARTTLS":
        assert said.startswith(("EHLO", "HELO"))
        connection.sendall(b"250-mail.example.org\r\n250-SIZE 1000\r\n250 STARTTLS\r\n")
    connection.sendall(b"220 go ahead\r\n")
    secured(connection, context)


def imap(context, connection):  # RFC 3501 section 6.2.1
    connection.sendall(b"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n")
    while True:
        tag, command = line(connection).split(maxsplit=1)
        if command.upper() == "CAPABILITY":
            connection.sendall(b"* CAPABILITY IMAP4rev1 STARTTLS\r\n")
        connection.sendall(f"{tag} OK done\r\n".encode())
        if command.upper() == "STARTTLS":
            connection = context.wrap_socket(connection, server_side=True)


def ldap(context, connection):  # RFC 4511 section 4.14
    tag, size = exactly(connection, 2)
    assert tag == 0x30 and size < 128
    request = exactly(connection, size)
    assert b"1.3.6.1.4.1.1466.20037" in request and request[:2] == b"\x02\x01"
    connection.sendall(b"\x30\x0c\x02\x01" + request[2:3] + b"\x78\x07\x0a\x01\x00\x04\x00\x04\x00")
    secured(connection, context)


def postgres(context, connection):  # PostgreSQL, Message Formats: SSLRequest
    assert exactly(connection, 8) == b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
    connection.sendall(b"S")
    secured(connection, context)


PROTOCOLS = {"smtp": smtp, "imap": imap, "ldap": ldap, "postgres": postgres}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_starttls_is_spoken_before_the_certificate_is_looked_at(certferry, server_context, tmp_path, protocol):
    words = ("check", "--json", "--trust", str(tmp_path / "root.pem"), "--starttls", protocol)
    with serving(lambda connection: PROTOCOLS[protocol](server_context, connection)) as port:
        out, _ = certferry.run(*words, f"127.0.0.1:{port}")
        (host,) = json.loads(out)["hosts"]
        assert (host["state"], host["names"], host["problems"]) == ("ok", ["mail.example.org"], [])
        assert host["days_left"] in (39, 40)
        certferry.run(*words, "--warn", "50", f"127.0.0.1:{port}", expect=1)


def test_the_servers_of_these_tests_are_understood_by_others_too(server_context, tmp_path):
    context = ssl.create_default_context(cafile=str(tmp_path / "root.pem"))
    with serving(lambda connection: smtp(server_context, connection)) as port:
        client = smtplib.SMTP("127.0.0.1", port, timeout=10)
        assert client.starttls(context=context)[0] == 220
        client.close()
    with serving(lambda connection: imap(server_context, connection)) as port:
        client = imaplib.IMAP4("127.0.0.1", port, timeout=10)
        assert client.starttls(context)[0] == "OK"
        client.shutdown()


def test_a_server_that_declines_is_critical_and_said(certferry, tmp_path, server_context):
    def declines(connection):
        connection.sendall(b"220 ready\r\n")
        line(connection)
        connection.sendall(b"250 nothing of that\r\n")
        line(connection)
        connection.sendall(b"502 no\r\n")

    with serving(declines) as port:
        out, _ = certferry.run("check", "--json", "--starttls", "smtp", f"127.0.0.1:{port}", expect=2)
    (host,) = json.loads(out)["hosts"]
    assert host["state"] == "critical" and "STARTTLS" in host["problems"][0]


def test_hundreds_of_hosts_are_looked_at_at_once(certferry, server_context, tmp_path):
    """The server goes on with none of them before sixty are there: one after the other would never end."""
    together = threading.Barrier(60)

    def waits_for_others(connection):
        together.wait(timeout=20)
        secured(connection, server_context)

    with serving(waits_for_others) as port:
        (tmp_path / "hosts.txt").write_text(f"127.0.0.1:{port}  # one of many\n" * 300)
        out, _ = certferry.run(
            "check", "--json", "--trust", str(tmp_path / "root.pem"), "--from-file", str(tmp_path / "hosts.txt")
        )
    hosts = json.loads(out)["hosts"]
    assert len(hosts) == 300
    assert {(host["state"], *host["names"]) for host in hosts} == {("ok", "mail.example.org")}


def test_a_name_that_is_not_covered_and_a_host_that_is_not_there_are_critical(certferry, server_context, tmp_path):
    with serving(lambda connection: secured(connection, server_context)) as port:
        out, _ = certferry.run(
            "check", "--json", "--trust", str(tmp_path / "root.pem"), f"localhost:{port}", f"127.0.0.1:{port}", "127.0.0.1:1",
            expect=2,
        )
    localhost, good, gone = json.loads(out)["hosts"]
    assert "does not cover localhost" in localhost["problems"] and localhost["state"] == "critical"
    assert good["state"] == "ok" and good["names"] == ["mail.example.org"]
    assert gone["state"] == "critical" and "127.0.0.1" in gone["problems"][0]


def speaks_plain_http(connection):
    connection.recv(1 << 16)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def says_nothing(connection):
    while connection.recv(1 << 16):
        pass


NO_TLS = [
    (speaks_plain_http, "what answers there speaks no TLS"),
    pytest.param(says_nothing, "connected, but not done within 10 s", marks=pytest.mark.skipif(SANITIZED, reason="ASan wants to be the first library")),
    (None, "Connection refused"),
]


@contextlib.contextmanager
def port_of(conversation):
    """A port with this conversation; one that nobody listens on where there is none."""
    if conversation:
        with serving(conversation) as port:
            yield port
        return
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.mark.parametrize("conversation, said", NO_TLS)
def test_a_port_that_speaks_no_tls_is_critical_in_one_sentence(certferry, conversation, said):
    if conversation is says_nothing:
        certferry.environment |= HURRY
    with port_of(conversation) as port:
        out, err = certferry.run("check", f"127.0.0.1:{port}", expect=2)
    where = f"127.0.0.1:{port}"
    assert out.splitlines() == [f"critical  {where}", f"          TLS handshake with {where} (no SNI, p256 key): {said}"]
    assert err == ""


@hurried
@pytest.mark.parametrize("conversation, said", NO_TLS)
def test_a_certificate_is_not_taken_for_served_where_no_tls_is_spoken(certferry, aws, conversation, said):
    """Five minutes are looked, in a twentieth of the time; there was nothing before, so nothing can be put back."""
    name = f"no-tls-{len(said)}.example.org"
    aws.zone(name)
    certferry.environment |= HURRY
    with port_of(conversation) as port:
        tls = {"files": str(certferry.folder / "tls"), "connect": f"127.0.0.1:{port}", "verify": "handshake"}
        certferry.configure(certificate("www", [f"www.{name}"], tls))
        ended_clearly(
            certferry, f"127.0.0.1:{port} did not show the new certificate 3 times in a row within 5 min: ", said,
            advice=f"Look with `certferry check 127.0.0.1:{port}` who answers there",
        )
    assert aws.txt_sets(aws.client("route53").list_hosted_zones_by_name(DNSName=name)["HostedZones"][0]["Id"]) == []
    # It is issued, and in its place once it is not to be proven.
    certferry.configure(certificate("www", [f"www.{name}"], {"files": str(certferry.folder / "tls")}))
    report = certferry.apply_report("--retry")
    assert [o["outcome"] for o in report["outcomes"]] == ["installed"]
