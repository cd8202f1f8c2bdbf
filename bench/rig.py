"""What is measured against: Pebble as the CA, moto as AWS, both on loopback; and how one run is measured."""

import argparse
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "e2e"))

from aws_process import AwsProcess  # noqa: E402
from pebble_peer import Pebble  # noqa: E402

from clients import CLIENTS  # noqa: E402


class Rig:
    """The peers, in processes of their own. Pebble sends no Retry-After, so that nobody is told to wait."""

    def __init__(self, folder, pebble=None):
        self.folder = folder
        self.aws = AwsProcess()
        (folder / "pebble").mkdir()
        self.ca = Pebble(folder / "pebble", self.aws.dns_port, retry_after=None, binary=pebble)

    def zone(self, name):
        return self.aws.zone(name)

    def stop(self):
        self.ca.stop()
        self.aws.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def measure(self, client, names, zone_id):
        """One run: exit, wall and CPU in seconds, peak memory in MB, requests to the CA and to Route 53."""
        command = client.command(names, zone_id)
        acme, route53 = len(self.ca.requests()), self.aws.requests()
        taken = timed(client.wrapped, command, client.environment, self.folder)
        taken["acme"] = len(self.ca.requests()) - acme
        taken["route53"] = self.aws.requests() - route53
        return taken


def timed(wrapped, command, environment, folder):
    result, log = folder / "result", folder / "log"
    result.unlink(missing_ok=True)
    launcher = [sys.executable, "-I", "-S", str(HERE / "launch.py"), str(result), str(log)]
    subprocess.run(wrapped(launcher + command), env=environment, check=True, timeout=600)
    status, wall, cpu, peak = result.read_text().split()
    return {"exit": int(status), "wall": float(wall), "cpu": float(cpu), "rss": int(peak) / 1024, "log": log.read_text()}


def side_by_side(rig, runs, names_of, only=()):
    """Every installed client `runs` times, in turn: {client: {"runs": [...], "failed": n}}. One that is known to fail by
    chance is tried again, and left out where it never succeeds."""
    wanted = [kind for kind in CLIENTS if kind.installed() and (not only or kind.name in only)]
    clients = [kind(rig, rig.folder / kind.name) for kind in wanted]
    found = {client.name: {"version": client.version(), "runs": [], "failed": 0} for client in clients}
    for run in range(runs):
        for client in clients:
            measured = found[client.name]
            for attempt in range(client.attempts):
                zone = f"{client.name}-{run}-{attempt}.example.org"
                taken = rig.measure(client, names_of(zone), rig.zone(zone))
                log = taken.pop("log")
                if taken.pop("exit") == 0:
                    measured["runs"].append(taken)
                    break
                measured["failed"] += 1
            else:
                if client.attempts == 1:
                    raise RuntimeError(f"{client.name} failed:\n{log}")
                clients = [other for other in clients if other is not client]
                print(f"{client.name} failed {client.attempts} times in a row and is left out:\n{log}", file=sys.stderr)
    return {name: measured for name, measured in found.items() if measured["runs"]}


def spread(values):
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def summary(found):
    for measured in found.values():
        runs = measured["runs"]
        measured["wall"], measured["cpu"] = (spread([run[what] for run in runs]) for what in ("wall", "cpu"))
        measured["rss"] = max(run["rss"] for run in runs)
        measured["acme"], measured["route53"] = (
            sorted({run[what] for run in runs}) for what in ("acme", "route53")
        )
    return found


def machine():
    load = os.getloadavg()[0]
    model = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), "?")
    return {"cpu": model, "cores": os.cpu_count(), "system": platform.platform(), "load": round(load, 2)}


def _three(values, scale=1.0, digits=2):
    return " / ".join(f"{values[k] * scale:.{digits}f}" for k in ("min", "median", "max"))


def table(title, found):
    """Markdown, so that it can be put into a README as it is."""
    lines = [f"### {title}", "", "| client | runs | wall s, min / median / max | CPU s | peak MB | ACME | Route 53 | failed |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, one in found.items():
        acme, route53 = ("–".join(str(n) for n in sorted({one[w][0], one[w][-1]})) for w in ("acme", "route53"))
        lines.append(
            f"| {name} {one['version']} | {len(one['runs'])} | {_three(one['wall'])} | {_three(one['cpu'], 1, 3)} "
            f"| {one['rss']:.1f} | {acme} | {route53} | {one['failed']} |"
        )
    ours = found.get("certferry")
    for name, one in found.items():
        if ours and one is not ours:
            wall = ours["wall"]["median"] / one["wall"]["median"]
            cpu = ours["cpu"]["median"] / one["cpu"]["median"]
            lines += ["", f"certferry / {name}, medians: wall {wall:.2f}, CPU {cpu:.2f}"]
    return "\n".join(lines)


def options(runs):
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=runs)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--pebble", help="another Pebble than the installed peer")
    parser.add_argument("--only", action="append", default=[], help="this client; may be given several times")
    return parser.parse_args()


def say(chosen, title, body, text):
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    if chosen.json:
        print(json.dumps({"benchmark": title, "at": now, "machine": machine(), "results": body}))
    else:
        print(f"{text}\n\n{now}, {machine()}\n")


def compare(title, runs, names_of):
    """A whole benchmark: command line, rig, runs, words."""
    chosen = options(runs)
    with tempfile.TemporaryDirectory(prefix="certferry-bench-") as folder, Rig(pathlib.Path(folder), chosen.pebble) as rig:
        found = summary(side_by_side(rig, chosen.runs, names_of, chosen.only))
    say(chosen, title, found, table(title, found))
