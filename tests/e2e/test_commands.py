"""The other commands, by flags alone, and their exit codes."""

import json
import os
import re
import resource
import signal
import socket
import subprocess

import pytest
from clear_ending import ended_clearly
from conftest import certificate
from state_database import remove_entries
from test_nginx import Nginx


def issued(certferry, aws, name):
    aws.zone(f"{name}.example.org")
    certferry.configure(certificate(name, [f"www.{name}.example.org"], {"files": str(certferry.folder / "tls")}))
    certferry.apply()


def test_one_certificate_works_by_flags_alone(certferry, aws, ca):
    from certificates import Authority

    aws.zone("flags.example.org")
    chain, key = Authority("Placeholder").issue(["other.example.net"])
    aws.classic("flags", aws.upload("flags-old", chain, key))
    certferry.run(
        "apply", "--agree-to-terms", "--directory", ca.directory, "--trust", ca.trust, "--store", str(certferry.state),
        "--domain", "www.flags.example.org", "--elb", "flags:443",
    )
    assert "/certferry/" in aws.classic_certificate("flags")


def test_plan_says_what_apply_will_do_and_changes_nothing(certferry, aws, ca):
    zone = aws.zone("plan.example.org")
    certferry.configure(certificate("www", ["www.plan.example.org"], {"files": str(certferry.folder / "tls")}))
    before = len(ca.requests())
    out, _ = certferry.run("plan", "--config", str(certferry.config), "--detailed-exitcode", expect=2)
    assert "+ issue    www: there is none yet\n" in out and "Plan: 1 to issue, 1 to install, 0 to remove.\n" in out
    assert "/order-plz" not in ca.requests()[before:] and aws.txt_sets(zone) == []
    assert not (certferry.folder / "tls").exists() and not certferry.state.exists()
    certferry.apply()
    certferry.run("plan", "--config", str(certferry.config), "--detailed-exitcode", expect=0)


def test_check_speaks_the_monitoring_plugins_exit_codes(certferry, aws, ca):
    issued(certferry, aws, "checked")
    nginx = Nginx(certferry.folder, certferry.folder / "tls")
    nginx.start()
    try:
        host = f"127.0.0.1:{nginx.port}"
        out, _ = certferry.run("check", "--trust", ca.trust, "--json", host)
        assert json.loads(out)["hosts"][0]["names"] == ["www.checked.example.org"]
        certferry.run("check", "--trust", ca.trust, "--warn", "100", host, expect=1)
        certferry.run("check", "--trust", ca.trust, "--warn", "120", "--crit", "100", host, expect=2)
        out, _ = certferry.run("check", host, expect=2)
        assert "chain" in out, "nobody trusts this CA without being told"
        with open("/dev/full", "w") as full:
            ended = subprocess.run(
                [os.environ["CERTFERRY_BINARY"], "check", "--trust", ca.trust, host], env=certferry.environment,
                cwd=certferry.folder, stdout=full, stderr=subprocess.PIPE, text=True, timeout=30,
            )
        assert ended.returncode == 3 and "standard output" in ended.stderr, "1 would be a warning about the host"
    finally:
        nginx.stop()
    certferry.run("check", expect=3)


def test_a_quiet_apply_says_nothing_where_nothing_is_to_do(certferry, aws):
    issued(certferry, aws, "quiet")
    assert certferry.apply("--quiet") == ("", "")
    out, _ = certferry.apply("--quiet", "--renew", "quiet")
    assert "issued" in out
    assert json.loads(certferry.apply("--quiet", "--json")[0])["outcomes"] == []


def test_plan_says_that_the_terms_are_not_agreed_to_until_there_is_an_account(certferry, aws):
    aws.zone("agreement.example.org")
    certferry.configure(certificate("www", ["www.agreement.example.org"]))
    agreed = certferry.config.read_text()
    certferry.config.write_text(agreed.replace("agree_to_terms = true\n", ""))
    out, _ = certferry.run("plan", "--config", str(certferry.config))
    assert "agree_to_terms" in out
    certferry.config.write_text(agreed)
    out, _ = certferry.run("plan", "--config", str(certferry.config))
    assert "agree_to_terms" not in out
    certferry.apply()
    certferry.config.write_text(agreed.replace("agree_to_terms = true\n", ""))
    out, _ = certferry.run("plan", "--config", str(certferry.config), "--renew", "www")
    assert "agree_to_terms" not in out, "an account that exists needs no agreement"


def test_a_result_that_cannot_be_written_is_no_success(certferry):
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [os.environ["CERTFERRY_BINARY"], "status"], env=certferry.environment, cwd=certferry.folder,
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=30,
        )
    assert ended.returncode == 1 and "standard output" in ended.stderr


@pytest.mark.skipif("CERTFERRY_SANITIZED" in os.environ, reason="UBSan opens a pipe to look at an object")
def test_a_check_that_cannot_look_is_unknown_and_no_warning(certferry):
    ended = subprocess.run(
        [os.environ["CERTFERRY_BINARY"], "check", "--json", "127.0.0.1"], env=certferry.environment, cwd=certferry.folder,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (4, 4)), capture_output=True, text=True, timeout=30,
    )
    assert ended.returncode == 3 and "Too many open files" in json.loads(ended.stdout)["error"], ended.stderr


@pytest.mark.parametrize("given, taken", [((64, 4096), 4096), ((64, 9000), 8192), ((8500, 9000), 8500)])
def test_as_many_files_are_opened_as_looks_take(certferry, given, taken):
    listening = socket.create_server(("127.0.0.1", 0))
    process = subprocess.Popen(
        [os.environ["CERTFERRY_BINARY"], "check", f"127.0.0.1:{listening.getsockname()[1]}"], env=certferry.environment,
        cwd=certferry.folder, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, given),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    try:
        listening.accept()
        assert resource.prlimit(process.pid, resource.RLIMIT_NOFILE) == (taken, given[1])
    finally:
        process.kill()
        process.wait(timeout=30)


def test_a_check_that_is_stopped_is_unknown(certferry):
    listening = socket.create_server(("127.0.0.1", 0))
    process = certferry.start("check", f"127.0.0.1:{listening.getsockname()[1]}")
    listening.accept()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 3


def test_a_signal_is_told_with_what_comes_next(certferry, aws):
    aws.zone("stopped.example.org")
    listening = socket.create_server(("127.0.0.1", 0))
    silent = f"https://127.0.0.1:{listening.getsockname()[1]}/dir"
    process = certferry.start("account", "--directory", silent)
    listening.accept()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert err.endswith("certferry: stopped by a signal\n  -> Run it again; it begins anew\n")


def test_status_knows_a_certificate_from_the_state_alone(certferry, aws):
    issued(certferry, aws, "known")
    certferry.environment["AWS_ENDPOINT_URL"] = "http://127.0.0.1:1"
    out, _ = certferry.run("status", "--config", str(certferry.config), "--json")
    assert "www.known.example.org" in json.dumps(json.loads(out))


def test_status_says_the_same_by_the_index_and_by_the_records(certferry, aws):
    issued(certferry, aws, "index")
    words = ("status", "--config", str(certferry.config), "--json")
    by_index, _ = certferry.run(*words)
    assert remove_entries(certferry.state / "state.db", "index/") == 1
    by_record, _ = certferry.run(*words)
    assert json.loads(by_index) == json.loads(by_record)
    assert "serves the newest" in by_index


def test_what_is_no_longer_configured_stays_served_until_it_is_forgotten(certferry, aws):
    issued(certferry, aws, "gone")
    certferry.configure(certificate("other", ["other.gone.example.org"], {"files": str(certferry.folder / "other")}))
    out, _ = certferry.run("plan", "--config", str(certferry.config))
    assert "no longer configured" in out
    certferry.apply()
    assert (certferry.folder / "tls" / "live" / "fullchain.pem").exists()
    certferry.run("forget", "--config", str(certferry.config), "gone")
    out, _ = certferry.run("status", "--config", str(certferry.config))
    assert "www.gone.example.org" not in out
    ended_clearly(certferry, "gone", advice="certferry status", arguments=("forget", "gone"))
    for _ in range(2):
        out, _ = certferry.run("plan", "--config", str(certferry.config))
        [told] = [line for line in out.splitlines() if "generation 1 of gone" in line]
        assert f"generation 1 of gone in files {certferry.folder}/tls is no certificate's any longer, and stays" in told
        assert told.strip().startswith("keep") and "no longer needed" not in out
        certferry.apply()
        assert (certferry.folder / "tls" / "live" / "fullchain.pem").exists()


def test_plan_says_what_waits_to_be_removed_and_from_where(certferry, aws):
    issued(certferry, aws, "waits")
    certferry.apply("--renew", "waits")
    out, _ = certferry.run("plan", "--config", str(certferry.config))
    assert re.search(rf"wait +\S+: generation 1 of waits in files {certferry.folder}/tls is no longer needed; kept until ", out), out


def test_an_unknown_option_is_a_usage_error(certferry):
    ended_clearly(certferry, "--no-such-option", advice="^See certferry apply --help$", code=2, arguments=("apply", "--no-such-option"))


def test_an_unknown_command_is_a_usage_error_though_help_is_asked_for(certferry):
    for words in (["aply"], ["aply", "--help"], ["--help", "aply"]):
        assert certferry.run(*words, expect=2) == (
            "", 'certferry: there is no command "aply"; did you mean apply?\n  -> See certferry --help\n'
        )


def test_a_sandbox_of_nonsense_is_a_usage_error(certferry):
    for words, said in (
        (["--zone", "no zone"], '--zone: "no zone" is no DNS name'),
        (["--region", "Ireland"], '--region: "Ireland" is no region'),
        (["--account", "12"], '--account: "12" is no AWS account'),
    ):
        out, err = certferry.run("sandbox", *words, expect=2)
        assert out == "" and err.startswith(f"certferry: {said}") and "\n  -> Write " in err
    out, _ = certferry.run("sandbox", "--help")
    assert "--zone" in out and "companion" not in out


def test_a_usage_error_is_one_json_object_where_json_is_asked_for(certferry):
    for words, exit, said in (
        (["apply", "--json", "--bogus"], 2, "--bogus"),
        (["apply", "--bogus", "--json"], 2, "--bogus"),
        (["--json", "aply"], 2, "did you mean apply?"),
        (["check", "--json"], 3, "which host?"),
        (["apply", "--json", "--wait", "soon"], 2, "no duration"),
    ):
        out, err = certferry.run(*words, expect=exit)
        document = json.loads(out)
        assert said in document["error"] and document["next"].startswith("See certferry"), out
        assert document["error"] in err


def test_a_target_is_called_the_same_where_aws_cannot_be_asked(certferry, aws):
    certferry.configure(certificate("www", ["www.unreachable.example.org"], {"elb": "my-lb"}))
    certferry.environment["AWS_ENDPOINT_URL"] = "http://127.0.0.1:1"
    out, _ = certferry.run("plan", "--config", str(certferry.config), expect=1)
    assert "x trouble  classic ELB my-lb:443: " in out and "elb/my-lb" not in out, out
