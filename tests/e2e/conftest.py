import json
import os
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from aws_peer import AwsPeer  # noqa: E402
from doorway import Doorway, Hold  # noqa: E402
from pebble_peer import Pebble  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes minutes")
    config.addinivalue_line("markers", "alone: must see something within seconds, which a loaded machine may not show")


def pytest_collection_modifyitems(items):
    """What takes longest begins first, so that nothing is waited for alone at the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


class Certferry:
    """The shipped binary, with a home, a state and a configuration of its own."""

    def __init__(self, folder, aws, ca):
        self.folder, self.aws, self.ca = folder, aws, ca
        self.config = folder / "certferry.toml"
        self.state = folder / "state"
        self.within = []  # words of a command that runs it somewhere else than in this process's surroundings
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "NO_COLOR": "1",
            **aws.environment(),
        }

    def configure(self, *certificates, trust=None, account="", state=None, kms_key=None, ca=None, extra=""):
        ca = ca or self.ca
        store = f'store = "{state or self.state}"\n' + (f'kms_key = "{kms_key}"\n' if kms_key else "")
        text = (
            f'[ca]\ndirectory = "{ca.directory}"\nagree_to_terms = true\ntrust = "{trust or ca.trust}"\n'
            f"[account]\n{account}\n[state]\n{store}\n{extra}\n" + "\n".join(certificates)
        )
        self.config.write_text(text)

    def start(self, *arguments):
        return subprocess.Popen(
            [*self.within, os.environ["CERTFERRY_BINARY"], *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments, expect=0, timeout=45):
        process = self.start(*arguments)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            pytest.fail(f"certferry {' '.join(arguments)} took over {timeout} s\n{out}\n{err}")
        assert expect is None or process.returncode == expect, f"exit {process.returncode}\n{out}\n{err}"
        return out, err

    def apply(self, *arguments, expect=0):
        return self.run("apply", "--config", str(self.config), *arguments, expect=expect)

    def apply_report(self, *arguments, expect=0):
        out, _ = self.apply("--json", *arguments, expect=expect)
        return json.loads(out)


def certificate(name, domains, *installs):
    """One [[certificate]] of a configuration; installs: dictionaries."""
    text = f'[[certificate]]\nname = "{name}"\ndomains = {json.dumps(domains)}\n'
    for install in installs:
        if "elb" in install or "listener" in install:
            # Their DNS names would be looked up outside this machine.
            install = {"verify": "api", **install}
        text += "[[certificate.install]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in install.items())
    return text


@pytest.fixture(scope="session")
def aws():
    peer = AwsPeer()
    yield peer
    peer.stop()


@pytest.fixture(scope="session")
def ca(aws, tmp_path_factory):
    peer = Pebble(tmp_path_factory.mktemp("pebble"), aws.dns_port)
    yield peer
    peer.stop()


@pytest.fixture
def certferry(tmp_path, aws, ca):
    return Certferry(tmp_path, aws, ca)


class CaDoor(Doorway):
    """A door before Pebble, with `directory` and the rest as a CA has them."""

    def __init__(self, ca):
        identity = (str(ca.folder / "server.pem"), str(ca.folder / "server.key"))
        self.hold, self.trust, self.https_trust, self.root = Hold(), ca.trust, ca.https_trust, ca.root
        super().__init__(("localhost", ca.port), self.hold, identity, ca.https_trust)
        self.directory = f"https://localhost:{self.port}/dir"


@pytest.fixture
def ca_door(ca):
    door = CaDoor(ca)
    yield door
    door.stop()


@pytest.fixture
def aws_door(certferry, aws):
    """A door before moto, through which this certferry speaks to it."""
    door = Doorway(("127.0.0.1", int(aws.url.rsplit(":", 1)[1])), Hold())
    certferry.environment["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{door.port}"
    yield door
    door.stop()
