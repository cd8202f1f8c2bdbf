"""Ctrl-C where a run waits: one message soon, no trace, the exit code, and the next run goes on. Where it asks somebody
instead is tried request by request in test_killed_everywhere."""

import json
import os
import re
import signal
import subprocess
import threading
import time

import pytest
from clear_ending import TRACES, messages
from conftest import certificate
from test_check import serving
from test_demo import sandboxes_of, start, started_sandbox, until
from test_sandbox_rehearsal import Rehearsal

SOON = 10  # what is waited for there takes longer, but for the demo

ANEW = "Run it again; it begins anew"  # what changes nothing does not go on


def ends_clearly(process, code=1, number=signal.SIGINT, group=False, goes_on="Run certferry again; it goes on where it stopped"):
    """Signalled, it ends soon, with one message and that exit code. What it wrote."""
    (os.killpg if group else os.kill)(process.pid, number)
    began = time.monotonic()
    out, err = process.communicate(timeout=30)
    assert time.monotonic() - began < SOON, out + err
    assert process.returncode == code, out + err
    assert messages(out, err) == [("stopped by a signal", goes_on)], out + err
    assert not re.search(TRACES + "|PRIVATE KEY", out + err), out + err
    return out, err


def pending(door):
    """A validation that the CA does not end: what it said of the order first, whenever it is read. How often it was."""
    asked = []

    def answers(method, path, *_):
        if not path.startswith("/my-order/"):
            return None
        asked.append(path)
        [order] = [body for said, status, body in door.replies if said == "/order-plz" and status == 201]
        return 200, "application/json", order.encode()

    door.answers = answers
    return asked


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_between_two_polls(certferry, aws, ca_door, number):
    name = f"polls-{number.name.lower()}.example.org"
    zone = aws.zone(name)
    certferry.configure(certificate("www", [f"www.{name}"], {"files": str(certferry.folder / "tls")}), ca=ca_door)
    asked = pending(ca_door)
    run = certferry.start("apply", "--config", str(certferry.config))
    until(lambda: len(asked) > 2, 30)  # each wait is longer than the one before, and than what is asked in between
    ends_clearly(run, number=number)
    assert len(aws.txt_sets(zone)) == 1, "parked: the validation may be under way"
    ca_door.answers = lambda *_: None
    certferry.apply()
    assert aws.txt_sets(zone) == []
    assert sum(path == "/order-plz" for _, path, _, _ in ca_door.requests) == 1, "the order was gone on with"
    assert (certferry.folder / "tls" / "live" / "fullchain.pem").exists()


def test_while_a_service_is_reloaded_that_is_down_meanwhile(certferry, aws, ca):
    aws.zone("reloading.example.org")
    service = certferry.folder / "service"
    reload = ["/bin/sh", "-c", f"echo stopped > {service}; sleep 3; echo up > {service}"]
    target = {"files": str(certferry.folder / "tls"), "reload": reload}
    certferry.configure(certificate("www", ["www.reloading.example.org"], target), ca=ca)
    run = certferry.start("apply", "--config", str(certferry.config))
    until(lambda: service.exists() and service.read_text() == "stopped\n", 30)
    ends_clearly(run, number=signal.SIGTERM)
    assert service.read_text() == "up\n"
    certferry.apply()


def test_as_it_ends_having_done_its_work(certferry, aws, ca, aws_door):
    """Its heartbeat, which it removes last, is long in going: nothing is left to be stopped."""
    aws.zone("last.example.org")
    aws.client("s3").create_bucket(Bucket="last-moment", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    removed, go_on = threading.Event(), threading.Event()

    def answers(method, path, *_):
        if method == "DELETE" and "/instance/" in path:
            removed.set()
            go_on.wait(30)

    aws_door.answers = answers
    certferry.configure(
        certificate("www", ["www.last.example.org"], {"files": str(certferry.folder / "tls")}),
        state="s3://last-moment/", kms_key=aws.client("kms").create_key()["KeyMetadata"]["KeyId"],
    )
    run = certferry.start("apply", "--json", "--config", str(certferry.config))
    assert removed.wait(60)
    run.send_signal(signal.SIGTERM)
    until(lambda: "stopping" in run.stderr.readline(), 10)
    go_on.set()
    out, err = run.communicate(timeout=30)
    assert run.returncode == 0, out + err
    assert json.loads(out)["outcomes"][0]["outcome"] == "issued"


def test_while_another_instance_is_waited_for(certferry, aws, ca_door):
    zone = aws.zone("claims.example.org")
    certferry.configure(
        certificate("www", ["www.claims.example.org"], {"files": str(certferry.folder / "tls")}), ca=ca_door
    )
    asked = pending(ca_door)
    command = ("apply", "--config", str(certferry.config))
    at_work = certferry.start(*command)
    until(lambda: asked, 30)
    second = certferry.start(*command, "--wait", "5m")
    said = []

    def listen():
        for line in second.stderr:
            said.append(line)

    listening = threading.Thread(target=listen, daemon=True)
    listening.start()
    until(lambda: any("is at work: waiting up to 5 min until it has ended" in line for line in said), 30)
    began = time.monotonic()
    second.send_signal(signal.SIGINT)
    assert second.wait(timeout=30) == 1 and time.monotonic() - began < SOON
    listening.join(timeout=10)
    err = "".join(said)
    assert messages("", err) == [("stopped by a signal", "Run certferry again; it goes on where it stopped")], err
    assert not re.search(TRACES, err), err
    second.stdout.close()
    assert at_work.poll() is None, "the other one goes on"
    ca_door.answers = lambda *_: None
    out, err = at_work.communicate(timeout=60)
    assert at_work.returncode == 0, out + err
    assert aws.txt_sets(zone) == []
    assert sum(path == "/order-plz" for _, path, _, _ in ca_door.requests) == 1


@pytest.mark.parametrize("words", [[], ["--json"]], ids=["text", "json"])
def test_while_hundreds_of_hosts_are_looked_at(certferry, tmp_path, words):
    """Unknown is what a monitor is told: a warning would be about the hosts."""
    here = threading.Semaphore(0)

    def says_nothing(connection):
        connection.recv(1)
        here.release()
        while connection.recv(1 << 16):
            pass

    with serving(says_nothing) as port:
        (tmp_path / "hosts.txt").write_text(f"127.0.0.1:{port}\n" * 300)
        run = certferry.start("check", *words, "--from-file", str(tmp_path / "hosts.txt"))
        for _ in range(60):
            assert here.acquire(timeout=20), "sixty at once"
        out, _ = ends_clearly(run, code=3, goes_on=ANEW)
    if words:
        assert "stopped by a signal" in json.loads(out)["error"]
    else:
        assert out == ""


def test_while_the_demo_plays(tmp_path):
    """As a terminal does it: its sandbox hears the signal too."""
    demo = start(tmp_path, start_new_session=True)
    directory = started_sandbox(demo)
    ends_clearly(demo, group=True, goes_on=ANEW)
    until(lambda: sandboxes_of(demo.pid) == [] and not directory.exists())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.alone
def test_a_second_time_ends_it_at_once_and_the_next_run_cleans_up(tmp_path):
    rehearsal = Rehearsal(tmp_path)
    sandbox, zone = rehearsal.sandbox, rehearsal.sandbox.zone_id("example.com")
    try:
        run = subprocess.Popen(
            [os.environ["CERTFERRY_BINARY"], "apply", "--config", rehearsal.config],
            env=rehearsal.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        until(lambda: sandbox.txt_sets(zone), 20)
        # Stopped, so that it finds both at once, whatever it would have had done between them.
        for number in (signal.SIGSTOP, signal.SIGINT, signal.SIGTERM, signal.SIGCONT):
            run.send_signal(number)
        out, err = run.communicate(timeout=30)
        assert run.returncode in (128 + signal.SIGINT, 128 + signal.SIGTERM), out + err
        assert "certferry: stopping; once more ends it at once\n" in err and not re.search(TRACES, out + err), out + err
        assert len(sandbox.txt_sets(zone)) == 1, "nobody took them away"
        rehearsal.apply()
        assert sandbox.txt_sets(zone) == {}
        assert all(":server-certificate/certferry/" in arn for arn in rehearsal.bound().values())
    finally:
        sandbox.stop()
