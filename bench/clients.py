"""The ACME clients that are measured. Each has its account already when it obtains a certificate."""

import json
import os
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
PEERS = pathlib.Path(os.environ["CERTFERRY_PEERS"])

UACME_HOOK = """#!/bin/bash
# method type identifier token answer
[ "$2" = dns-01 ] || exit 1
case "$1" in begin) action=UPSERT ;; *) action=DELETE ;; esac
exec curl -sSf -o /dev/null --aws-sigv4 aws:amz:us-east-1:route53 --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \\
  -H 'Content-Type: text/xml' "$AWS_ENDPOINT_URL/2013-04-01/hostedzone/$ZONE_ID/rrset/" --data-binary \\
  '<ChangeResourceRecordSetsRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><ChangeBatch><Changes><Change>'\\
"<Action>$action</Action><ResourceRecordSet><Name>_acme-challenge.$3.</Name><Type>TXT</Type><TTL>60</TTL>"\\
"<ResourceRecords><ResourceRecord><Value>\\"$5\\"</Value></ResourceRecord></ResourceRecords>"\\
'</ResourceRecordSet></Change></Changes></ChangeBatch></ChangeResourceRecordSetsRequest>'
"""


class Client:
    """One client on one rig. `command` gives what obtains a certificate for the names, all in one zone."""

    attempts = 1  # tries for one success

    def __init__(self, rig, folder):
        self.rig, self.folder = rig, folder
        folder.mkdir()
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "NO_COLOR": "1", **rig.aws.environment}

    def _prepare(self, *command):
        done = subprocess.run(self.wrapped(list(command)), env=self.environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")

    def wrapped(self, command):
        return command


class Certferry(Client):
    name = "certferry"
    binary = os.environ["CERTFERRY_BINARY"]

    @staticmethod
    def installed():
        return True

    @staticmethod
    def version():
        return subprocess.run([Certferry.binary, "--version"], capture_output=True, text=True).stdout.split()[-1]

    def __init__(self, rig, folder):
        super().__init__(rig, folder)
        zone = rig.zone("warm.example.org")
        self._prepare(*self.command(["warm.example.org"], zone))  # registers the account
        (folder / "state").rename(folder / "prepared")

    def command(self, names, zone_id):
        if (self.folder / "prepared").exists():
            shutil.rmtree(self.folder / "state", ignore_errors=True)
            shutil.copytree(self.folder / "prepared", self.folder / "state")
        config = self.folder / "certferry.toml"
        config.write_text(
            f'[ca]\ndirectory = "{self.rig.ca.directory}"\nagree_to_terms = true\ntrust = "{self.rig.ca.trust}"\n'
            f'[state]\nstore = "{self.folder / "state"}"\n'
            f'[[certificate]]\nname = "measured"\ndomains = {json.dumps(names)}\nkey = "p256"\n'
            f'[[certificate.install]]\nfiles = "{self.folder / "tls" / names[0]}"\n'
        )
        return [self.binary, "apply", "--config", str(config)]


class Uacme(Client):
    name = "uacme"
    attempts = 25  # 1.7.4 stops at a challenge without a token, and Pebble lists one of those at a random place

    @staticmethod
    def installed():
        return shutil.which("uacme") is not None and os.geteuid() == 0 and shutil.which("curl") is not None

    @staticmethod
    def version():
        return subprocess.run(["uacme", "-V"], capture_output=True, text=True).stderr.split()[2]

    def __init__(self, rig, folder):
        super().__init__(rig, folder)
        self.hook = folder / "hook"
        self.hook.write_text(UACME_HOOK)
        self.hook.chmod(0o700)
        self._prepare(*self._uacme("-y", "new"))

    def _uacme(self, *arguments):
        return ["uacme", "-a", self.rig.ca.directory, "-c", str(self.folder / "ua"), "-t", "EC", *arguments]

    def wrapped(self, command):
        """It takes no option for the CA's root: a name space of its own, with other system roots."""
        mount = 'mount --bind "$0" /etc/ssl/certs/ca-certificates.crt && exec "$@"'
        return ["unshare", "-m", "sh", "-c", mount, self.rig.ca.trust, *command]

    def command(self, names, zone_id):
        self.environment["ZONE_ID"] = zone_id
        return self._uacme("-h", str(self.hook), "issue", *names)


class Lego(Client):
    name = "lego"

    @staticmethod
    def binary():
        beside = PEERS / "bin" / "lego"
        return str(beside) if beside.exists() else shutil.which("lego")

    @staticmethod
    def installed():
        return Lego.binary() is not None

    @staticmethod
    def version():
        return subprocess.run([Lego.binary(), "--version"], capture_output=True, text=True).stdout.split()[2]

    def __init__(self, rig, folder):
        super().__init__(rig, folder)
        self.environment["LEGO_CA_CERTIFICATES"] = rig.ca.trust
        self.environment["AWS_POLLING_INTERVAL"] = "1"
        zone = rig.zone("warm-lego.example.org")
        self._prepare(*self.command(["warm-lego.example.org"], zone))

    def command(self, names, zone_id):
        named = [word for name in names for word in ("-d", name)]
        resolver = f"127.0.0.1:{self.rig.aws.dns_port}"
        return [
            self.binary(), "run", "-s", self.rig.ca.directory, "--path", str(self.folder / "lego"),
            "-m", "bench@example.org", "--accept-tos", "--dns", "route53", "--dns.resolvers", resolver,
            "--dns.propagation.disable-ans", *named,
        ]


CLIENTS = [Certferry, Uacme, Lego]
