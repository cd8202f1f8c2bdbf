"""A real nginx serves the files target through a renewal: no handshake fails, and the new certificate is served."""

import json
import pathlib
import socket
import ssl
import subprocess
import sys
import threading

import pytest

from aws_peer import free_port
from certificates import names_of
from clear_ending import ended_clearly
from conftest import CaDoor, Certferry, certificate
from pebble_peer import Pebble


class Nginx:
    def __init__(self, folder, tls):
        self.port, self.folder = free_port(), folder
        self.pid = folder / "nginx.pid"
        self.configuration = folder / "nginx.conf"
        self.configuration.write_text(
            f"""daemon on; worker_processes 1; pid {self.pid}; error_log {folder}/error.log;
            events {{ worker_connections 512; }}
            http {{
              access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
              uwsgi_temp_path {folder}; scgi_temp_path {folder};
              server {{
                listen 127.0.0.1:{self.port} ssl backlog=1024; server_name _; ssl_protocols TLSv1.2 TLSv1.3;
                ssl_certificate {tls}/live/fullchain.pem; ssl_certificate_key {tls}/live/privkey.pem;
                return 200 "ok";
              }}
            }}"""
        )

    def command(self, *arguments):
        return ["nginx", "-p", str(self.folder), "-c", str(self.configuration), *arguments]

    def start(self):
        subprocess.run(self.command(), check=True, capture_output=True)

    def stop(self):
        subprocess.run(self.command("-s", "quit"), check=True, capture_output=True)


def served(port, root):
    context = ssl.create_default_context(cadata=root)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname="www.nginx.example.org") as secured:
            return secured.getpeercert()["serialNumber"]


class Visitor(threading.Thread):
    """Handshakes without pause, with every certificate verified."""

    def __init__(self, port, root):
        super().__init__()
        self.port, self.root, self.serials, self.failed, self.stopped = port, root, [], [], threading.Event()

    def run(self):
        while not self.stopped.is_set():
            try:
                self.serials.append(served(self.port, self.root))
            except OSError as error:
                self.failed.append(repr(error))

    def finish(self):
        self.stopped.set()
        self.join(30)


def test_nginx_serves_through_a_renewal_without_a_failed_handshake(certferry, aws, ca):
    aws.zone("nginx.example.org")
    tls = certferry.folder / "tls"
    nginx = Nginx(certferry.folder, tls)
    target = {"files": str(tls)}
    certferry.configure(certificate("www", ["www.nginx.example.org"], target))
    certferry.apply()
    nginx.start()
    visitor = Visitor(nginx.port, ca.root)
    try:
        first = served(nginx.port, ca.root)
        target.update(reload=nginx.command("-s", "reload"), connect=f"127.0.0.1:{nginx.port}")
        certferry.configure(certificate("www", ["www.nginx.example.org"], target))
        visitor.start()
        certferry.apply("--renew", "www")
        second = served(nginx.port, ca.root)
        visitor.finish()
    finally:
        visitor.stopped.set()
        nginx.stop()
    assert second != first
    assert visitor.failed == []
    assert set(visitor.serials) <= {first, second} and len(visitor.serials) > 20


def test_a_reload_that_fails_puts_the_former_certificate_back(certferry, aws, ca):
    aws.zone("reload.example.org")
    tls = certferry.folder / "tls"
    certferry.configure(certificate("www", ["www.reload.example.org"], {"files": str(tls)}))
    certferry.apply()
    former = (tls / "live" / "fullchain.pem").read_text()
    certferry.configure(
        certificate("www", ["www.reload.example.org"], {"files": str(tls), "reload": ["/bin/sh", "-c", "echo once >> reloads; echo no such server; exit 3"]})
    )
    _, err = ended_clearly(
        certferry, "ended with 3", "no such server", advice="succeed, and run `certferry apply --retry`", arguments=("apply", "--renew", "www")
    )
    assert "live leads to" in err and "could not restore" not in err, "the link is back, whoever was not told of it"
    assert (tls / "live" / "fullchain.pem").read_text() == former
    assert pathlib.Path(tls / "live").is_symlink()
    reloads = (certferry.folder / "reloads").read_text()
    out, _ = certferry.apply()
    assert "rolled back: " in out and "certferry apply --retry" in out
    assert (certferry.folder / "reloads").read_text() == reloads, "nothing is reloaded again before its time"
    assert (tls / "live" / "fullchain.pem").read_text() == former
    out, _ = certferry.run("status", "--config", str(certferry.config))
    assert "rolled back: " in out


class Moods:
    """What a CA was seen to do, by its answers to orders each of which has all names of the one before."""

    def __init__(self, replies):
        self.nonces_refused = sum("urn:ietf:params:acme:error:badNonce" in body for _, _, body in replies)
        self.orders = [
            json.loads(body)["authorizations"] for path, status, body in replies if path == "/order-plz" and status == 201
        ]
        # How often a name had been proven for an earlier order, and how often the CA gave out that authorization again.
        self.proven_before = sum(len(urls) for urls in self.orders[:-1])
        self.reused = sum(len(urls) for urls in self.orders) - len({url for urls in self.orders for url in urls})

    def are_as_set(self, nonce_reject, authz_reuse):
        """Both happened that should have, and nothing else. Pebble compares so that 0 % is one in a hundred."""
        never_always_or_some = {0: self.reused * 10 <= self.proven_before, 100: self.reused == self.proven_before}
        return (self.nonces_refused > 0) == (nonce_reject > 0) and never_always_or_some.get(
            authz_reuse, 0 < self.reused < self.proven_before
        )


@pytest.mark.parametrize("nonce_reject, authz_reuse", [(15, 0), (0, 50), (15, 100)])
def test_a_ca_of_moods_is_borne(aws, tmp_path, nonce_reject, authz_reuse):
    moody = Pebble(tmp_path, aws.dns_port, nonce_reject=nonce_reject, authz_reuse=authz_reuse)
    door = CaDoor(moody)
    try:
        domain = f"moods{nonce_reject}-{authz_reuse}.example.org"
        zone = aws.zone(domain)
        (tmp_path / "home").mkdir()
        certferry = Certferry(tmp_path / "home", aws, moody)
        for runs in range(1, 13):  # three, and more where chance has not shown a mood yet
            names = [f"n{i}.{domain}" for i in range(runs + 1)]
            certferry.configure(certificate("moods", names, {"files": str(tmp_path / "tls")}), ca=door)
            certferry.apply()
            assert names_of((tmp_path / "tls" / "live" / "fullchain.pem").read_text()) == sorted(names)
            seen = Moods(door.replies)
            assert len(seen.orders) == runs, "each run survived it"
            if runs >= 3 and seen.are_as_set(nonce_reject, authz_reuse):
                break
        assert seen.are_as_set(nonce_reject, authz_reuse), vars(seen)
        assert aws.txt_sets(zone) == []
    finally:
        door.stop()
        moody.stop()


def test_a_reload_that_fails_is_one_where_whoever_started_us_ignores_its_children(certferry, aws, ca):
    aws.zone("children.example.org")
    ignores = "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    certferry.within = [sys.executable, "-c", ignores]
    target = {"files": str(certferry.folder / "tls"), "reload": ["/bin/sh", "-c", "sleep 0.1; exit 3"]}
    certferry.configure(certificate("www", ["www.children.example.org"], target))
    ended_clearly(certferry, "ended with 3", advice="succeed, and run `certferry apply --retry`")
