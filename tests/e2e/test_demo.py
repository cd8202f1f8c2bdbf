"""`certferry demo` by itself: it keeps its promises within its time and leaves nothing behind, however it ends."""

import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

LONGEST = 30


def environment(folder):
    """No AWS settings but such that would be found out if they were used."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "NO_COLOR": "1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "HTTPS_PROXY": "http://127.0.0.1:1",
    }


def start(folder, *options, **more):
    return subprocess.Popen(
        [os.environ["CERTFERRY_BINARY"], "demo", *options],
        env=environment(folder), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more,
    )


def sandboxes_of(pid):
    """Processes that were started as the companion of this one, whosever children they are by now."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"--companion-of" in words and words[words.index(b"--companion-of") + 1] == str(pid).encode():
            found.append((int(entry.parent.name), words[words.index(b"--directory") + 1].decode()))
    return found


def until(met, seconds=10):
    """The first true value of met() within so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := met():
            return value
        time.sleep(0.02)
    pytest.fail(f"did not come about within {seconds} s")


def started_sandbox(demo):
    """Its directory, when it answers and the demo is at work."""
    directory = until(lambda: sandboxes_of(demo.pid))[0][1]
    until(lambda: pathlib.Path(directory, "machine/etc/certferry/certferry.toml").exists())
    return pathlib.Path(directory)


def test_the_demo_keeps_its_promises_in_a_process_beside_its_sandbox(tmp_path):
    began = time.monotonic()
    demo = start(tmp_path)
    directory = started_sandbox(demo)
    out, err = demo.communicate(timeout=2 * LONGEST)
    took = time.monotonic() - began
    assert demo.returncode == 0, out + err
    assert re.search(r"[1-9]\d+ TLS handshakes meanwhile, 2 certificates seen: 0 failed handshakes", out), out
    assert "Nothing to do" in out and "All as promised" in out
    assert re.search(r"^ALB web/\w{16}: bind +done +\(.+s\)$", err, re.M), err
    assert took < LONGEST
    assert sandboxes_of(demo.pid) == [] and not directory.exists() and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_demo_takes_its_sandbox_with_it(tmp_path, by):
    demo = start(tmp_path, "--quiet")
    directory = started_sandbox(demo)
    demo.send_signal(by)
    out, err = demo.communicate(timeout=LONGEST)
    assert demo.returncode == (1 if by == signal.SIGINT else -signal.SIGKILL), out + err
    until(lambda: sandboxes_of(demo.pid) == [] and not directory.exists())


def test_a_companion_that_is_signalled_twice_still_takes_its_directory_with_it(tmp_path):
    directory = tmp_path / "kept"
    directory.mkdir()
    sandbox = subprocess.Popen(
        [os.environ["CERTFERRY_BINARY"], "sandbox", "--quiet", "--directory", str(directory),
         "--companion-of", str(os.getpid())],
        env=environment(tmp_path), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    until(lambda: (directory / "sandbox.json").exists())
    # Stopped, so that it finds both at once: so does one whose killed starter had several threads.
    for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGINT, signal.SIGCONT):
        sandbox.send_signal(number)
    sandbox.wait(timeout=LONGEST)
    assert not directory.exists()


def test_the_demo_fails_where_its_sandbox_ends_too_early(tmp_path):
    demo = start(tmp_path, "--quiet")
    directory = started_sandbox(demo)
    os.kill(sandboxes_of(demo.pid)[0][0], signal.SIGKILL)
    out, err = demo.communicate(timeout=LONGEST)
    assert demo.returncode == 1 and "The sandbox's process ended too early" in err, out + err
    assert not directory.exists()
