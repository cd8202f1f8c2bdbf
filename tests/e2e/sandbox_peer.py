"""`certferry sandbox` as a process of its own, spoken to by tools that share no code with it."""

import contextlib
import json
import os
import queue
import signal
import ssl
import subprocess
import threading
import time
import urllib.request

import pytest
from aws_peer import boto_client
from botocore.config import Config
from botocore.exceptions import ClientError
from dnslib import RCODE, DNSRecord

REGION = "eu-west-1"


class Sandbox:
    """The process and its places, as it prints them; ended by stop()."""

    def __init__(self, folder, *options):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.errors = open(folder / "sandbox.err", "w")
        self.process = subprocess.Popen(
            [os.environ["CERTFERRY_BINARY"], "sandbox", "--json", "--directory", str(folder), *options],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )
        lines = queue.Queue()
        threading.Thread(target=lambda: lines.put(self.process.stdout.readline()), daemon=True).start()
        try:
            self.places = json.loads(lines.get(timeout=20))
        except (queue.Empty, ValueError):
            self.stop()
            pytest.fail(f"the sandbox did not say where it is\n{(folder / 'sandbox.err').read_text()}")
        self.aws_environment = self.places["environment"]

    def stop(self):
        """Its exit code; SIGINT as a person would send it, SIGKILL where that does not end it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            self.process.stdout.close()
            self.errors.close()

    def client(self, service, key=None, secret=None, token=None, region=REGION):
        """Every answer is the sandbox's first: a client that tries again would hide what it does not understand."""
        return boto_client(
            service,
            endpoint_url=self.aws_environment["AWS_ENDPOINT_URL"],
            region_name=region,
            aws_access_key_id=key or self.aws_environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=secret or self.aws_environment["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=token,
            config=Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 1}, proxies={}),
        )

    def requests(self):
        """How many requests it was sent so far: "route53 ListHostedZones" -> 2."""
        context = ssl.create_default_context(cafile=self.places["ca_root"])
        with urllib.request.urlopen(self.places["seen"], context=context, timeout=10) as reply:
            return json.load(reply)["requests"]

    def zone_id(self, name):
        reply = self.client("route53").list_hosted_zones_by_name(DNSName=name, MaxItems="1")
        assert reply["HostedZones"][0]["Name"] == name + "."
        return reply["HostedZones"][0]["Id"].split("/")[-1]

    def txt_sets(self, zone_id):
        """name -> (TTL, sorted values)"""
        pages = self.client("route53").get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone_id)
        return {
            s["Name"].rstrip("."): (s["TTL"], sorted(v["Value"] for v in s["ResourceRecords"]))
            for page in pages
            for s in page["ResourceRecordSets"]
            if s["Type"] == "TXT"
        }

    def change(self, zone_id, *changes, comment=""):
        """One batch; its ChangeInfo."""
        # boto3 writes members in the order of the dictionary, and Route 53 documents an order.
        batch = ({"Comment": comment} if comment else {}) | {"Changes": list(changes)}
        reply = self.client("route53").change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch=batch)
        return reply["ChangeInfo"]

    def insync(self, change_id, within=15):
        until = time.monotonic() + within
        while self.client("route53").get_change(Id=change_id)["ChangeInfo"]["Status"] != "INSYNC":
            assert time.monotonic() < until, f"{change_id} is not INSYNC after {within} s"
            time.sleep(0.1)

    def ask(self, name, kind="TXT"):
        """What the sandbox's name server answers, over UDP: ("NOERROR", sorted texts of the answers)."""
        question = DNSRecord.question(name, kind)
        reply = DNSRecord.parse(question.send("127.0.0.1", self.places["dns_port"], timeout=5))
        return RCODE[reply.header.rcode], sorted(str(record.rdata) for record in reply.rr)


def txt(action, name, *values, ttl=60, kind="TXT"):
    """One change of a record set, as boto3 wants it; TXT values in quotes."""
    records = [{"Value": f'"{v}"' if kind == "TXT" and not v.startswith('"') else v} for v in values]
    return {"Action": action, "ResourceRecordSet": {"Name": name, "Type": kind, "TTL": ttl, "ResourceRecords": records}}


@contextlib.contextmanager
def refused(code, status=None, saying=""):
    """The service refuses, with this code, as boto3 reads it."""
    with pytest.raises(ClientError) as caught:
        yield caught
    error = caught.value.response
    assert error["Error"]["Code"] == code, error
    assert status in (None, error["ResponseMetadata"]["HTTPStatusCode"]), error
    assert saying in error["Error"].get("Message", ""), error


def eventually(attempt, code, within=10):
    """attempt()'s answer, once the service no longer says `code`; how often it said so."""
    until = time.monotonic() + within
    times = 0
    while True:
        try:
            return attempt(), times
        except ClientError as error:
            assert error.response["Error"]["Code"] == code, error
            assert time.monotonic() < until, f"{code} for {within} s"
            times += 1
            time.sleep(0.1)
