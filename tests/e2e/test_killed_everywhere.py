"""SIGKILL, and Ctrl-C, at every request that the shipped binary sends, before its server hears of it and after, in its first issue
and in a renewal, against the sandbox and against Pebble with moto; each time a rerun, and the same questions."""

import contextlib
import itertools
import pathlib
import re
import signal
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from certificates import Authority, names_of
from clear_ending import TRACES
from conftest import Certferry, certificate
from doorway import Doorway, Hold
from sandbox_peer import Sandbox

pytestmark = pytest.mark.long


class SandboxOutside:
    """A sandbox of its own; it counts, and checks the invariants that CA and AWS can see."""

    names = ["example.com", "*.example.com"]

    def __init__(self, folder, *options):
        self.peer = Sandbox(folder / "sandbox", "--speed", "50", *options)
        self.directory, self.trust = self.peer.places["ca_directory"], self.peer.places["ca_root"]
        self.client, self.environment = self.peer.client, lambda: self.peer.aws_environment
        self.classic, self.listener = self.peer.places["elb"][0], self.peer.places["listener_arns"][0]
        self.zone = self.peer.zone_id("example.com")

    def _ask(self, method, path):
        url = self.peer.places["seen"].replace("/seen", path)
        return requests.request(method, url, verify=self.trust, timeout=60)

    def hold(self, moment, nth):
        assert self._ask("POST", f"/hold?{moment}={nth}").status_code == 204

    def held(self):
        return self._ask("GET", "/held").status_code == 200

    def let_go(self):
        self._ask("POST", "/drop")

    def release(self):
        self._ask("POST", "/release")

    def seen(self):
        return self._ask("GET", "/seen").json()

    def changes(self):
        return self.seen()["changes"]

    def counted(self):
        of = self.seen()["requests"].get
        return {kind: of(f"acme {name}", 0) for kind, name in (("orders", "newOrder"), ("answers", "challenge"))}

    def violations(self):
        return self.seen()["violations"]

    def can_be_gone_on_with(self):
        return True

    def stop(self):
        self.peer.stop()


class PebbleAndMoto:
    """Doors before both; names of its own in what the whole session shares, and a region: who removes a certificate looks
    at every load balancer of the region, and one that goes meanwhile means "later"."""

    rounds = itertools.count()
    regions = [f"{place}-{n}" for place in ("eu-west", "us-east", "us-west", "ap-southeast") for n in (1, 2)]

    def __init__(self, folder, aws, ca):
        self.number = next(self.rounds)
        self.aws = aws = aws.in_region(self.regions[self.number % len(self.regions)])
        apex = f"n{self.number}.everywhere.example.org"
        self.names = [apex, "*." + apex]
        self.gate = Hold()
        identity = (str(ca.folder / "server.pem"), str(ca.folder / "server.key"))
        self.ca_door = Doorway(("localhost", ca.port), self.gate, identity, ca.https_trust)
        self.aws_door = Doorway(("127.0.0.1", int(aws.url.rsplit(":", 1)[1])), self.gate)
        self.directory, self.trust = f"https://localhost:{self.ca_door.port}/dir", ca.trust
        self.client = aws.client
        self.zone = aws.zone(apex)
        self.classic = f"everywhere-{self.number}"
        chain, key = Authority("Placeholder").issue(["placeholder.example.org"])
        placeholder = aws.upload(self.classic, chain, key)
        aws.classic(self.classic, placeholder)
        self.listener = aws.application(self.classic, placeholder)
        self.let_go = self.gate.let_go
        self.moment, self.at_the_kill = "", ("", "", "", 0)

    def environment(self):
        return {**self.aws.environment(), "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.aws_door.port}"}

    def hold(self, moment, nth):
        self.moment = moment
        self.gate.ask(moment, nth)

    def held(self):
        reached = self.gate.held()
        self.at_the_kill = self.gate.requests[-1] if reached and self.gate.requests else self.at_the_kill
        return reached

    def changes(self):
        def changing(method, body):
            action = re.search(r"Action=(\w+)", body)
            return not re.match("Describe|List|Get", action[1]) if action else method != "GET"

        asked = sum(changing(method, body) for method, _, body, _ in self.aws_door.requests)
        return asked + sum(method == "POST" for method, *_ in self.ca_door.requests)

    def counted(self):
        def of(part):
            return sum(part in path and status < 300 for _, path, _, status in self.ca_door.requests)

        return {"orders": of("order-plz"), "answers": of("chalZ")}

    def violations(self):
        return []  # a real CA and moto keep no such list

    def can_be_gone_on_with(self):
        """Not where the reply to a CREATE was lost: moto refuses that CREATE for ever, also after a DELETE of the set in
        the same batch, which is how Route 53 has it done (and the sandbox)."""
        _, path, body, _ = self.at_the_kill
        return self.moment == "before" or not (path.endswith("/rrset/") and "CREATE" in body)

    def stop(self):
        # The next life in this region looks at no former one's.
        balancer = self.client("elbv2").describe_listeners(ListenerArns=[self.listener])["Listeners"][0]["LoadBalancerArn"]
        self.client("elbv2").delete_load_balancer(LoadBalancerArn=balancer)
        self.client("elb").delete_load_balancer(LoadBalancerName=self.classic)
        self.ca_door.stop()
        self.aws_door.stop()


class Life:
    """One installation of certferry and its outside; `where` says in messages which life of all it is."""

    def __init__(self, folder, outside, where, **words):
        folder.mkdir()
        self.outside, self.where = outside, where
        self.certferry = Certferry(folder, outside, outside)
        installs = [
            {"elb": outside.classic, "retire_after": "0s"},
            {"listener": outside.listener, "retire_after": "0s"},
            {"files": str(folder / "tls"), "retire_after": "0s"},
        ]
        self.certferry.configure(certificate("www", outside.names, *installs), **words)

    def killed(self, moment, nth, *arguments):
        """False: it ended well before its n-th request."""
        self.outside.hold(moment, nth)
        run = self.certferry.start("apply", "--config", str(self.certferry.config), *arguments)
        watch = threading.Thread(target=lambda: (run.wait(), self.outside.let_go()))
        watch.start()
        reached = self.outside.held()
        if reached:
            run.kill()
        out, err = run.communicate()
        watch.join()
        assert reached or run.returncode == 0, f"{self.where}: exit {run.returncode}\n{out}\n{err}"
        self.without_secrets(out + err)
        return reached

    def interrupted(self, moment, nth, *arguments):
        """As killed(), by Ctrl-C: it ends by itself, though its request is never answered, and says so; whatever TXT
        value it leaves is known to its ledger."""
        self.outside.hold(moment, nth)
        run = self.certferry.start("apply", "--config", str(self.certferry.config), *arguments)
        watch = threading.Thread(target=lambda: (run.wait(), self.outside.let_go()))
        watch.start()
        reached = self.outside.held()
        if reached:
            run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
        watch.join()
        self.without_secrets(out + err)
        assert run.returncode == (1 if reached else 0), f"{self.where}: exit {run.returncode}\n{out}\n{err}"
        if reached:
            assert err.endswith("certferry: stopped by a signal\n  -> Run certferry again; it goes on where it stopped\n"), err
            assert not re.search(TRACES, out + err), f"{self.where}\n{out}\n{err}"
            self.knows_what_it_left()
        return reached

    def knows_what_it_left(self):
        with contextlib.closing(sqlite3.connect(f"file:{self.certferry.state}/state.db?mode=ro", uri=True)) as state:
            ledgers = "".join(str(row) for row in state.execute("SELECT value FROM entry WHERE key LIKE 'zone/%'"))
        for left in self.txt_sets():
            for record in left["ResourceRecords"]:
                assert record["Value"].strip('"') in ledgers, f"{self.where}: {left} is in no ledger"

    def served(self):
        """The one server certificate that all listeners refer to, with its body; the files hold the same."""
        client = self.outside.client
        balancer = client("elb").describe_load_balancers(LoadBalancerNames=[self.outside.classic])["LoadBalancerDescriptions"][0]
        classic = balancer["ListenerDescriptions"][0]["Listener"]["SSLCertificateId"]
        listener = client("elbv2").describe_listeners(ListenerArns=[self.outside.listener])["Listeners"][0]
        assert listener["Certificates"][0]["CertificateArn"] == classic, self.where
        name = classic.rsplit("/", 1)[1]
        body = client("iam").get_server_certificate(ServerCertificateName=name)["ServerCertificate"]["CertificateBody"]
        chain = (self.certferry.folder / "tls" / "live" / "fullchain.pem").read_text()
        assert chain.startswith(body.strip()), f"{self.where}: the files hold another certificate"
        assert names_of(body) == sorted(self.outside.names), self.where
        return classic

    def ours_in_iam(self):
        """A set, because moto takes a second upload of one name; IAM and the sandbox refuse it."""
        found = self.outside.client("iam").list_server_certificates(PathPrefix="/certferry/")["ServerCertificateMetadataList"]
        return {c["Arn"] for c in found if self.outside.names[0] in c["ServerCertificateName"]}

    def txt_sets(self):
        sets = self.outside.client("route53").list_resource_record_sets(HostedZoneId=self.outside.zone)["ResourceRecordSets"]
        return [s for s in sets if s["Type"] == "TXT"]

    def without_secrets(self, text):
        assert "PRIVATE KEY" not in text and self.outside.environment()["AWS_SECRET_ACCESS_KEY"] not in text, self.where

    def is_whole(self, orders_before):
        """What a rerun leaves: served, nothing left behind, nothing answered twice, nothing more to do."""
        out, err = self.certferry.apply()
        self.without_secrets(out + err)
        arn = self.served()
        assert self.txt_sets() == [], self.where
        for _ in range(10):  # what was still "in use" when a run looked goes in a later one
            if self.ours_in_iam() == {arn}:
                break
            self.certferry.apply()
        assert self.ours_in_iam() == {arn}, self.where
        changes = self.outside.changes()
        self.certferry.apply()
        assert self.outside.changes() == changes, f"{self.where}: a run with nothing to do changed something"
        counted = self.outside.counted()
        assert counted["answers"] <= len(self.outside.names) * (1 + orders_before), f"{self.where}: {counted}"
        assert counted["orders"] <= orders_before + 2, f"{self.where}: {counted}"
        assert self.outside.violations() == [], self.where
        self.keeps_its_key_sealed()

    def keeps_its_key_sealed(self):
        key = (self.certferry.folder / "tls" / "live" / "privkey.pem").read_text().split("\n")[1]
        for path in pathlib.Path(self.certferry.state).rglob("*"):
            assert key.encode() not in path.read_bytes(), f"{self.where}: {path}"


def reaches(outside, folder, life, moment, nth, ended=Life.killed):
    """One life, ended there and run again; False where its run ends before so many requests."""
    folder.mkdir()
    place = outside(folder)
    try:
        world = Life(folder / "certferry", place, f"{life}, {ended.__name__} {moment} request {nth}")
        renewed = ["--renew", "www"] if life == "renewal" else []
        if renewed:
            world.certferry.apply()
        reached = ended(world, moment, nth, *renewed)
        if place.can_be_gone_on_with():
            world.is_whole(orders_before=len(renewed) // 2)
        return reached
    finally:
        place.stop()


def ended_everywhere(outside, folder, life, moment, ended=Life.killed):
    """How many requests that life has; at each of them it was ended once."""
    at_once = 8  # they wait more than they work
    for first in range(1, 200, at_once):
        with ThreadPoolExecutor(at_once) as pool:
            numbers = range(first, first + at_once)
            results = list(pool.map(lambda nth: reaches(outside, folder / str(nth), life, moment, nth, ended), numbers))
        if not all(results):
            break
    kills = first - 1 + sum(results)
    assert 20 < kills < 199, "as many requests as a life has"
    return kills


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("life", ["renewal", "first issue"])
def test_killed_at_every_request_to_pebble_and_moto_it_goes_on(tmp_path, aws, ca, life, moment):
    print("kills:", ended_everywhere(lambda folder: PebbleAndMoto(folder, aws, ca), tmp_path, life, moment))


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("life", ["first issue", "renewal"])
def test_killed_at_every_request_to_the_sandbox_it_goes_on(tmp_path, life, moment):
    print("kills:", ended_everywhere(SandboxOutside, tmp_path, life, moment))


@pytest.mark.parametrize("life, moment", [("first issue", "before"), ("renewal", "after")])
def test_interrupted_at_every_request_to_the_sandbox_it_goes_on(tmp_path, life, moment):
    print("interrupts:", ended_everywhere(SandboxOutside, tmp_path, life, moment, Life.interrupted))


def test_stopped_past_its_lease_it_changes_nothing_more(tmp_path):
    """One instance is stopped while a request of its renewal is on the way; the next waits until that lease is over,
    goes on and ends; then the first wakes up. S3's clock says when a lease is over: after a minute."""
    outside = SandboxOutside(tmp_path, "--bucket", "state", "--kms-key", "alias/state")
    try:
        world = Life(tmp_path / "certferry", outside, "stopped", state="s3://state/", kms_key="alias/state")
        world.certferry.apply()
        renewal = ("apply", "--config", str(world.certferry.config), "--renew", "www")
        outside.hold("before", 30)
        stopped = world.certferry.start(*renewal)
        assert outside.held()
        stopped.send_signal(signal.SIGSTOP)
        outside.release()
        world.certferry.run(*renewal, "--wait", "2m", timeout=150)
        arn, changes = world.served(), outside.changes()
        stopped.send_signal(signal.SIGCONT)
        out, err = stopped.communicate(timeout=60)
        assert stopped.returncode == 1 and "another instance took over" in out, out + err
        assert outside.changes() == changes and world.served() == arn
        world.is_whole(orders_before=2)
    finally:
        outside.stop()
