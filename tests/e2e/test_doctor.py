"""`certferry doctor` against `certferry sandbox`: one thing is broken, and its row says so."""

import json
import os
import re
import subprocess

import pytest
from sandbox_peer import Sandbox, txt
from terminal import run_on_terminal

# As root, to whom files are open whatever their mode, but for these capabilities.
WITHOUT_PRIVILEGES = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()


class Practice:
    """A sandbox with everything that the configuration wants, and doctor in a shell."""

    def __init__(self, folder):
        self.folder = folder
        words = "--zone example.com --bucket state --kms-key alias/certferry"
        self.sandbox = Sandbox(folder / "sandbox", *words.split())
        self.sandbox.client("s3").put_bucket_versioning(
            Bucket="state", VersioningConfiguration={"Status": "Enabled"}
        )
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **self.sandbox.aws_environment}
        text = open(self.sandbox.places["configuration"]).read()
        account = '[account]\nkey = "s3://state/account.key"\n'
        # The region is the environment's to say.
        self.text, times = re.subn(r'\[aws\]\nregion = "[^"]*"\n\n(?=\[state\]\n)', account, text)
        assert times == 1

    def at_home(self):
        """The configuration with state, account key and certificate in files alone."""
        kept = self.text[: self.text.index("[[certificate.install]]")]
        text, times = re.subn(r"\[account\]\n.*\n\[state\]\n.*\n.*\n", f'[state]\nstore = "{self.folder}/state"\n', kept)
        assert times == 1
        return f'{text}[[certificate.install]]\nfiles = "{self.folder}/served"\n'

    def run(self, *arguments, text=None, environment=None, within=()):
        config = self.folder / "doctor.toml"
        config.write_text(text or self.text)
        return subprocess.run(
            [*within, os.environ["CERTFERRY_BINARY"], *arguments, "--config", str(config)],
            env=self.environment if environment is None else environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=90,
        )

    def doctor(self, expect, **words):
        """The rows, as JSON tells them."""
        ran = self.run("doctor", "--json", **words)
        assert ran.returncode == expect, f"exit {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
        said = json.loads(ran.stdout)
        for verdict in ("green", "yellow", "red"):
            assert said[verdict] == sum(row["verdict"] == verdict for row in said["findings"])
        assert all(bool(row["next"]) == (row["verdict"] != "green") for row in said["findings"]), said
        return said["findings"]


def row(rows, check, about=""):
    found = [one for one in rows if one["check"] == check and about in one["subject"]]
    assert found, f"no row of {check} about {about!r} in {json.dumps(rows, indent=1)}"
    return found[0]


@pytest.fixture
def practice(tmp_path):
    made = Practice(tmp_path)
    yield made
    made.sandbox.stop()


def test_all_is_green_before_and_after_apply_and_nothing_is_left(practice):
    rows = practice.doctor(expect=0)
    assert {one["verdict"] for one in rows} == {"green"}, rows
    assert row(rows, "identity")["found"].startswith("arn:aws:iam::123456789012:user/sandbox, by credentials of")
    assert "Contents" not in practice.sandbox.client("s3").list_objects_v2(Bucket="state")
    ran = practice.run("apply")
    assert ran.returncode == 0, ran.stderr
    rows = practice.doctor(expect=0)
    assert {one["verdict"] for one in rows} == {"green"}, rows


def test_text_has_a_line_for_each_row_and_no_colour_where_no_terminal_is(practice):
    practice.sandbox.client("s3").put_bucket_versioning(Bucket="state", VersioningConfiguration={"Status": "Suspended"})
    ran = practice.run("doctor")
    assert ran.returncode == 0 and "\x1b" not in ran.stdout
    assert "yellow  versions of bucket state: not kept" in ran.stdout
    assert "        -> Type: aws s3api put-bucket-versioning --bucket state" in ran.stdout
    assert re.search(r"^0 red, \d+ yellow, \d+ green$", ran.stdout, re.M)


@pytest.mark.parametrize("no_colour", ["", "1"])
def test_a_terminal_shows_colours_unless_told_not_to(practice, no_colour):
    config = practice.folder / "terminal.toml"
    config.write_text(practice.text)
    ran, shown = run_on_terminal(
        os.environ["CERTFERRY_BINARY"], "doctor", "--config", str(config),
        stream="stdout",
        env={**practice.environment, "TERM": "xterm", "NO_COLOR": no_colour},
        stderr=subprocess.DEVNULL,
    )
    assert ran.wait(timeout=60) == 0
    assert (b"\x1b[32mgreen" in shown) == (no_colour == "")


def test_a_caa_record_that_forbids_is_mended_by_the_one_that_is_told(practice):
    sandbox = practice.sandbox
    zone = sandbox.zone_id("example.com")
    sandbox.insync(sandbox.change(zone, txt("CREATE", "example.com", '0 issue "other.example"', kind="CAA"))["Id"])
    told = row(practice.doctor(expect=1), "caa", "CAA of example.com")
    assert told["verdict"] == "red"
    value = re.fullmatch(r"Add example\.com\. CAA (.*)", told["next"]).group(1)
    assert practice.run("apply").returncode == 1, "the CA heeds it"
    both = txt("UPSERT", "example.com", '0 issue "other.example"', value, kind="CAA")
    sandbox.insync(sandbox.change(zone, both)["Id"])
    assert row(practice.doctor(expect=0), "caa", "CAA of example.com")["verdict"] == "green"
    assert practice.run("apply", "--retry").returncode == 0


def test_a_cname_out_of_reach_is_told(practice):
    sandbox = practice.sandbox
    alias = txt("CREATE", "_acme-challenge.example.com", "elsewhere.example.org", kind="CNAME")
    sandbox.insync(sandbox.change(sandbox.zone_id("example.com"), alias)["Id"])
    told = row(practice.doctor(expect=1), "challenge")
    assert "elsewhere.example.org" in told["found"] and "[challenge] delegated" in told["next"]


def test_a_name_below_a_zone_that_was_cut_off_is_told(practice):
    sandbox = practice.sandbox
    cut = txt("CREATE", "sub.example.com", "ns1.elsewhere.example.", kind="NS")
    sandbox.insync(sandbox.change(sandbox.zone_id("example.com"), cut)["Id"])
    text = practice.text.replace('domains = ["example.com"', 'domains = ["www.sub.example.com", "example.com"')
    told = row(practice.doctor(expect=1, text=text), "challenge", "sub.example.com")
    assert "the world asks zone sub.example.com for it" in told["found"]


def test_a_name_of_no_zone_is_told(practice):
    text = practice.text.replace('domains = ["example.com"', 'domains = ["www.example.org", "example.com"')
    assert "no public hosted zone" in row(practice.doctor(expect=1, text=text), "challenge", "example.org")["found"]


# Bad input: a clear row each, and no secret.


def test_no_credentials(practice):
    environment = {k: v for k, v in practice.environment.items() if not k.startswith("AWS_ACCESS_KEY")}
    environment.pop("AWS_SECRET_ACCESS_KEY", None)
    rows = practice.doctor(expect=1, environment=environment)
    identity = row(rows, "identity")
    assert identity["verdict"] == "red"
    assert [one for one in rows if one["found"] == identity["found"]] == [identity], "it is said once"
    for check in ("zone", "state", "kms", "account-key", "account", "rate-limit", "target", "quota", "permission"):
        assert row(rows, check)["verdict"] == "yellow", check
        assert row(rows, check)["found"].startswith("not looked at, because "), check
    assert row(rows, "ca")["verdict"] == "green"


def test_what_is_not_configured_has_no_row(practice):
    environment = {k: v for k, v in practice.environment.items() if not k.startswith("AWS_ACCESS_KEY")}
    environment.pop("AWS_SECRET_ACCESS_KEY", None)
    rows = practice.doctor(expect=1, text=practice.at_home(), environment=environment)
    assert not {"kms", "quota", "versions"} & {one["check"] for one in rows}
    assert [one["subject"] for one in rows if one["check"] == "identity"] == ["identity"]
    assert {row(rows, check)["verdict"] for check in ("state", "account", "account-key", "target")} == {"green"}


def test_a_store_that_does_not_open_is_one_row_and_the_rest_is_looked_at(practice):
    state = practice.folder / "state"
    state.mkdir(mode=0o700)
    database = state / "state.db"
    database.write_bytes(b"this is no database, and never was" * 500)
    database.chmod(0o600)
    rows = practice.doctor(expect=1, text=practice.at_home())
    assert [one["verdict"] for one in rows if one["check"] == "state"] == ["red"]
    assert str(database) in row(rows, "state")["found"] and row(rows, "state")["next"]
    for check in ("account", "rate-limit", "account-key"):
        assert row(rows, check)["found"] == "not looked at, because it takes a state that can be read"
    for check in ("identity", "ca", "zone", "target"):
        assert row(rows, check)["verdict"] == "green", row(rows, check)
    assert database.read_bytes().startswith(b"this is no database"), "nothing is mended behind somebody's back"


def stored_at(practice, place):
    text, times = re.subn(r'store = ".*"', f'store = "{place}"', practice.at_home())
    assert times == 1
    return text


@pytest.mark.parametrize("place", ["file", "file/below", "closed/below", "astray", "astray/below", "open", "open/below",
                                   "/proc/certferry"])
def test_a_store_that_cannot_be_made_is_red(practice, place):
    (practice.folder / "file").write_text("a file")
    (practice.folder / "open").mkdir()
    (practice.folder / "open").chmod(0o777)
    (practice.folder / "closed").mkdir(mode=0o500)
    (practice.folder / "astray").symlink_to("nowhere")
    store = practice.folder / place
    words = {"text": stored_at(practice, store), "within": WITHOUT_PRIVILEGES}
    rows = practice.doctor(expect=1, **words)
    told = [one for one in rows if one["check"] == "state"]
    assert [one["verdict"] for one in told] == ["red"], told
    assert told[0]["subject"] == f"state {store}"
    assert row(rows, "account")["found"] == "not looked at, because it takes a state that can be read"
    assert practice.run("apply", **words).returncode == 1, "apply makes none there either"


def test_a_served_certificate_is_no_word_about_a_store_that_cannot_be_made(practice):
    assert practice.run("apply", text=practice.at_home()).returncode == 0
    (practice.folder / "file").write_text("a file")
    rows = practice.doctor(expect=1, text=stored_at(practice, practice.folder / "file"))
    assert [one["verdict"] for one in rows if one["check"] == "state"] == ["red"], rows


@pytest.mark.parametrize("place", ["missing/and/below", "link", "link/below"])
def test_a_store_that_can_be_made_is_green(practice, place):
    (practice.folder / "there").mkdir(mode=0o700)
    (practice.folder / "link").symlink_to("there")
    words = {"text": stored_at(practice, practice.folder / place), "within": WITHOUT_PRIVILEGES}
    assert row(practice.doctor(expect=0, **words), "state")["verdict"] == "green"
    assert practice.run("apply", **words).returncode == 0


def test_a_reload_command_is_found_beyond_a_directory_that_may_not_be_read(practice):
    closed = practice.folder / "closed"
    closed.mkdir(mode=0)
    environment = {**practice.environment, "PATH": f"{closed}:/usr/bin:/bin"}
    words = {"environment": environment, "within": WITHOUT_PRIVILEGES}
    target = "files " + str(practice.folder / "served")
    try:
        text = practice.at_home() + 'reload = ["true"]\n'
        assert row(practice.doctor(expect=0, text=text, **words), "target", target)["verdict"] == "green"
        assert practice.run("apply", text=text, **words).returncode == 0
        for program in ("no-such-program", f"{closed}/true"):
            text = practice.at_home() + f'reload = ["{program}"]\n'
            told = row(practice.doctor(expect=1, text=text, **words), "target", target)
            assert told["verdict"] == "red" and program in told["found"], told
            assert told["subject"] == target and f"{closed}/" in told["found"] and "Permission denied" in told["found"]
    finally:
        closed.chmod(0o700)


def test_a_reload_command_whose_interpreter_is_not_there_is_red(practice):
    script, target = practice.folder / "reload.sh", "files " + str(practice.folder / "served")
    text = practice.at_home() + f'reload = ["{script}"]\n'
    for first, verdict in (("#!/bin/sh", "green"), ("#! /bin/sh -e", "green"), ("#!/bin/sh\r", "red"), ("#!/bin/none -e", "red")):
        script.write_text(first + "\nexit 0\n", newline="")
        script.chmod(0o755)
        told = row(practice.doctor(expect=0 if verdict == "green" else 1, text=text), "target", target)
        assert told["verdict"] == verdict, (first, told)
        assert verdict == "green" or "its first line names /bin/" in told["found"], told


def test_no_region(practice):
    environment = {k: v for k, v in practice.environment.items() if k not in ("AWS_REGION", "AWS_DEFAULT_REGION")}
    rows = practice.doctor(expect=1, environment=environment)
    assert "no AWS region is known" in row(rows, "identity")["found"]


def test_roots_that_are_not_there_are_one_row_and_the_rest_is_looked_at(practice):
    text, times = re.subn(r'trust = "[^"]*"', 'trust = "/nowhere/ca.pem"', practice.text)
    assert times == 1
    rows = practice.doctor(expect=1, text=text)
    assert row(rows, "ca", "[ca] trust")["verdict"] == "red" and "/nowhere/ca.pem" in row(rows, "ca", "[ca] trust")["found"]
    assert row(rows, "zone")["verdict"] == "green"


def test_a_wrong_secret(practice):
    environment = {**practice.environment, "AWS_SECRET_ACCESS_KEY": "a-wrong-secret-of-somebody"}
    ran = practice.run("doctor", environment=environment)
    assert ran.returncode == 1
    assert "red     identity: " in ran.stdout and "SignatureDoesNotMatch" in ran.stdout
    assert "a-wrong-secret-of-somebody" not in ran.stdout + ran.stderr


def test_a_session_that_aws_does_not_know(practice):
    environment = {
        **practice.environment,
        "AWS_ACCESS_KEY_ID": "ASIAGONE",
        "AWS_SECRET_ACCESS_KEY": "secret-of-the-session-gone",
        "AWS_SESSION_TOKEN": "token-of-the-session-gone",
    }
    ran = practice.run("doctor", environment=environment)
    assert ran.returncode == 1
    assert "red     identity: " in ran.stdout and "InvalidClientTokenId" in ran.stdout
    assert "-of-the-session-gone" not in ran.stdout + ran.stderr


def test_a_wrong_region(practice):
    environment = {**practice.environment, "AWS_REGION": "us-west-2"}
    rows = practice.doctor(expect=1, environment=environment)
    assert any(one["verdict"] == "red" for one in rows)


@pytest.mark.parametrize(
    "wrong, right, check, found",
    [
        ("s3://nowhere/certferry/", "s3://state/certferry/", "state", "NoSuchBucket"),
        ("alias/nobodys", "alias/certferry", "kms", "NotFoundException"),
        ('elb = "gone"', 'elb = "classic"', "target", "there is no such load balancer"),
    ],
    ids=["no such bucket", "no such key", "no such load balancer"],
)
def test_what_is_not_there_is_named(practice, wrong, right, check, found):
    assert right in practice.text
    rows = practice.doctor(expect=1, text=practice.text.replace(right, wrong))
    assert any(one["check"] == check and found in one["found"] for one in rows), rows


def test_words_that_are_wrong_are_usage(practice):
    assert practice.run("doctor", "--no-such-flag").returncode == 2
    assert practice.run("doctor", text="[ca]\ndirectory = 7\n").returncode == 2
