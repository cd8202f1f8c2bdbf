"""A disk that is full: one clear message, nothing lost, and a later run with space ends what was begun."""

import json
import os
import resource
import subprocess

import pytest

from conftest import certificate


def apply(certferry, **more):
    return subprocess.run(
        [*certferry.within, os.environ["CERTFERRY_BINARY"], "apply", "--json", "--config", str(certferry.config)],
        cwd=certferry.folder,
        env=certferry.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        **more,
    )


def complaint(ended):
    """The one thing that --json says went wrong: one document, whether the run got as far as a report or not."""
    assert ended.returncode == 1, ended.stdout + ended.stderr
    document = json.loads(ended.stdout)
    if "error" in document:
        return document["error"], document["next"]
    told = [(outcome["what"], outcome["next"]) for outcome in document["outcomes"] if outcome["outcome"] == "failed"]
    assert len(told) == 1, told
    return told[0]


def orders(ca, since):
    return [path for path in ca.requests()[since:] if "order-plz" in path]


def ends_well(certferry, aws, ca, zone, since):
    certferry.apply()
    assert aws.txt_sets(zone) == []
    assert (certferry.folder / "tls" / "live" / "fullchain.pem").exists()
    assert len(orders(ca, since)) == 1, "the order that was begun was gone on with"


class Mounts:
    """A mount namespace, kept by a process that does nothing in it: what is mounted there is seen, and left, by nobody
    else. In a user namespace of its own, where anybody may mount; else as the superuser that we may be."""

    def __init__(self):
        refusals = []
        for kinds in (["--user", "--mount"], ["--mount"]):
            mapped = ["--map-root-user"] if "--user" in kinds else []
            self._keeper = subprocess.Popen(
                ["unshare", *kinds, *mapped, "sh", "-c", "mount -t tmpfs none /mnt && echo there && exec cat"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
            if self._keeper.stdout.readline():
                preserved = ["--preserve-credentials"] if "--user" in kinds else []
                self.within = ["nsenter", "--target", str(self._keeper.pid), *kinds, *preserved, "--wdns=."]
                return
            refusals.append(self._keeper.communicate()[1].strip())
        pytest.fail("no file system can be mounted here, so nothing is known of full disks: " + "; ".join(refusals))

    def run(self, *words):
        subprocess.run([*self.within, *words], check=True, capture_output=True)

    def end(self):
        self._keeper.communicate()


@pytest.fixture
def small_disk(certferry):
    certferry.state.mkdir(mode=0o700)
    mounts = Mounts()
    certferry.within = mounts.within

    def sized(kilobytes, option=""):
        mounts.run("mount", "-t", "tmpfs", "-o", f"{option}size={kilobytes}k,mode=0700", "none", str(certferry.state))

    yield sized
    mounts.end()


# How far a run comes before there is no room for what it has to remember next: by the last that it asked of the CA.
NOWHERE, TO_THE_ACCOUNT, TO_THE_ORDER, TO_THE_CERTIFICATE = [], ["/sign-me-up"], ["/authZ/"], ["/certZ/"]
FULL, NO_ROOM_AT_ALL = "database or disk is full", "disk I/O error: No space left on device"


@pytest.mark.parametrize(
    "kilobytes, reached, said",
    [
        (16, NOWHERE, NO_ROOM_AT_ALL),  # not even for what SQLite shares between processes
        (104, TO_THE_ACCOUNT, FULL),
        (136, TO_THE_ORDER, FULL),
        (200, TO_THE_CERTIFICATE, FULL),
        (240, TO_THE_CERTIFICATE, FULL),
    ],
)
def test_the_states_disk_is_full(certferry, aws, ca, small_disk, kilobytes, reached, said):
    zone = aws.zone(f"full{kilobytes}.example.org")
    certferry.configure(
        certificate("www", [f"www.full{kilobytes}.example.org"], {"files": str(certferry.folder / "tls")})
    )
    small_disk(kilobytes)
    before = len(ca.requests())
    ended = apply(certferry)
    assert complaint(ended) == (
        f"The state database {certferry.state}/state.db: {said}", "Free space on its file system."
    )
    assert ca.requests()[before:][-1:] == reached
    small_disk(64 * 1024, "remount,")
    ends_well(certferry, aws, ca, zone, before)


@pytest.mark.parametrize(
    "octets, reached",
    [(0, NOWHERE), (40000, TO_THE_ACCOUNT), (90000, TO_THE_ORDER), (200000, TO_THE_CERTIFICATE)],
)
def test_files_may_not_grow_any_more(certferry, aws, ca, octets, reached):
    zone = aws.zone(f"limit{octets}.example.org")
    certferry.configure(certificate("www", [f"www.limit{octets}.example.org"], {"files": str(certferry.folder / "tls")}))
    before = len(ca.requests())
    ended = apply(certferry, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (octets, octets)))
    assert complaint(ended) == (
        f"The state database {certferry.state}/state.db: disk I/O error",
        "Look at the disk, the limit of file sizes (ulimit -f) and the kernel's log, then run certferry again.",
    )
    assert ca.requests()[before:][-1:] == reached
    ends_well(certferry, aws, ca, zone, before)
