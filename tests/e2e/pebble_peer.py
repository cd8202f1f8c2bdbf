"""Pebble as the CA, its validation answered by a DNS server of the test's choice."""

import json
import os
import re
import ssl
import subprocess
import time
import urllib.request

from aws_peer import free_port
from certificates import Authority


class Pebble:
    def __init__(self, folder, dns_port, nonce_reject=0, authz_reuse=0, retry_after=1, binary=None):
        """retry_after: what it sends, in seconds, while an authorization or an order is worked on; None: nothing.
        binary: another Pebble than the installed peer."""
        self.folder = folder
        self.port, management = free_port(), free_port()
        authority = Authority("Test HTTPS root")
        certificate, key = authority.issue(["localhost"], addresses=["127.0.0.1"])
        for name, text in (("server.pem", certificate), ("server.key", key), ("https-root.pem", authority.pem)):
            (folder / name).write_text(text)
        config = {
            "pebble": {
                "listenAddress": f"127.0.0.1:{self.port}",
                "managementListenAddress": f"127.0.0.1:{management}",
                "certificate": str(folder / "server.pem"),
                "privateKey": str(folder / "server.key"),
                "httpPort": free_port(),
                "tlsPort": free_port(),
                "ocspResponderURL": "",
                "externalAccountBindingRequired": False,
                "keyAlgorithm": "ecdsa",
                **({"retryAfter": {"authz": retry_after, "order": retry_after}} if retry_after else {}),
                "profiles": {"default": {"description": "the only one", "validityPeriod": 7776000}},
            }
        }
        (folder / "pebble.json").write_text(json.dumps(config))
        self.log = folder / "pebble.log"
        self.process = subprocess.Popen(
            [
                binary or os.path.join(os.environ["CERTFERRY_PEERS"], "bin", "pebble"),
                "-config", str(folder / "pebble.json"),
                "-dnsserver", f"127.0.0.1:{dns_port}",
            ],
            stdout=self.log.open("wb"),
            stderr=subprocess.STDOUT,
            env={
                **os.environ,
                "PEBBLE_VA_NOSLEEP": "1",
                "PEBBLE_WFE_NONCEREJECT": str(nonce_reject),
                "PEBBLE_AUTHZREUSE": str(authz_reuse),
            },
        )
        self.directory = f"https://localhost:{self.port}/dir"
        self._context = ssl.create_default_context(cafile=str(folder / "https-root.pem"))
        self._management = f"https://localhost:{management}"
        self._await_start(management)
        self.root = self._get(f"https://localhost:{management}/roots/0").decode()
        # Whom a client that trusts this CA's chains trusts, and whom one that only trusts its HTTPS.
        (folder / "trusted.pem").write_text(authority.pem + self.root)
        self.trust, self.https_trust = str(folder / "trusted.pem"), str(folder / "https-root.pem")

    def _get(self, url):
        request = urllib.request.Request(url, headers={"User-Agent": "test"})
        return urllib.request.urlopen(request, context=self._context, timeout=5).read()

    def _await_start(self, management):
        until = time.monotonic() + 20
        while True:
            try:
                self._get(self.directory)
                self._get(f"https://localhost:{management}/roots/0")
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError("Pebble did not start: " + self.log.read_text())
                time.sleep(0.02)

    def suggest_window(self, chain, start, end, explanation):
        """What the CA says from now on of when to renew the first certificate of `chain`."""
        leaf = chain[: chain.index("-----END CERTIFICATE-----")] + "-----END CERTIFICATE-----\n"
        answer = {"suggestedWindow": {"start": start, "end": end}, "explanationURL": explanation}
        body = json.dumps({"certificate": leaf, "ariResponse": json.dumps(answer)}).encode()
        request = urllib.request.Request(self._management + "/set-renewal-info/", data=body, method="POST")
        urllib.request.urlopen(request, context=self._context, timeout=5).read()

    def stop(self):
        self.process.terminate()
        self.process.wait(10)

    def requests(self):
        """What was asked of the CA so far, one path a request."""
        return re.findall(r"(?:GET|POST|HEAD) (/\S+) -> calling handler", self.log.read_text())
