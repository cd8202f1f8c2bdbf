"""A state that cannot be reached: one clear message, exit 1, and with --json one document that says so."""

import json
import sqlite3

import pytest

from conftest import certificate


def refusal(certferry, *arguments):
    out, err = certferry.apply("--json", *arguments, expect=1)
    document = json.loads(out)
    assert document["error"] in err and document["next"], out + err
    return document["error"]


@pytest.mark.parametrize("command", ["apply", "plan", "status"])
def test_a_bucket_that_does_not_answer(certferry, command):
    certferry.configure(certificate("www", ["www.example.org"]), state="s3://bucket/certferry/", kms_key="alias/none")
    certferry.environment["AWS_ENDPOINT_URL_S3"] = "http://127.0.0.1:9"
    out, err = certferry.run(command, "--json", "--config", str(certferry.config), expect=1)
    assert "127.0.0.1" in json.loads(out)["error"] and "127.0.0.1" in err


def test_a_bucket_that_is_not_there(certferry):
    certferry.configure(certificate("www", ["www.example.org"]), state="s3://no-such-bucket/certferry/", kms_key="alias/none")
    assert "no-such-bucket" in refusal(certferry)


def test_a_database_that_another_process_has_locked(certferry):
    certferry.configure(certificate("www", ["www.example.org"]))
    certferry.state.mkdir(mode=0o700)
    file = certferry.state / "state.db"
    file.touch(mode=0o600)
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("BEGIN EXCLUSIVE")
    assert "locked" in refusal(certferry)
    database.close()
