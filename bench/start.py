"""How long the process takes to start, and how large the binary is."""

import os
import pathlib
import subprocess
import tempfile

from clients import Certferry
from rig import options, say, spread, timed

chosen = options(50)
binary = pathlib.Path(Certferry.binary)
with tempfile.TemporaryDirectory(prefix="certferry-bench-") as folder:
    runs = [
        timed(lambda command: command, [str(binary), "--version"], dict(os.environ), pathlib.Path(folder))
        for _ in range(chosen.runs)
    ]
stripped = None
with tempfile.NamedTemporaryFile() as copy:
    if subprocess.run(["strip", "-o", copy.name, str(binary)], capture_output=True).returncode == 0:
        stripped = os.path.getsize(copy.name)
body = {
    "runs": len(runs),
    "wall": spread([run["wall"] for run in runs]),
    "cpu": spread([run["cpu"] for run in runs]),
    "rss": max(run["rss"] for run in runs),
    "bytes": binary.stat().st_size,
    "bytes_stripped": stripped,
}
milliseconds = " / ".join(f"{body['wall'][k] * 1000:.1f}" for k in ("min", "median", "max"))
text = (
    "### Start: certferry --version\n\n| runs | wall ms, min / median / max | peak MB | binary bytes | stripped |\n"
    "| --- | --- | --- | --- | --- |\n"
    f"| {len(runs)} | {milliseconds} | {body['rss']:.1f} | {body['bytes']} | {stripped or '?'} |"
)
say(chosen, "Start", body, text)
