"""What a run shows on its way: on a terminal steps that are drawn in place, elsewhere one plain line for each that ended."""

import os
import re
import subprocess

from conftest import certificate
from terminal import run_on_terminal

ENDED = r"(?:\* )?\S.*: (?P<step>\S+) +\S.*  \((?:\d+(?:\.\d)? (?:ms|s|min)(?: \d+ s)?)\)"
STEPS = {"key", "order", "TXT", "validation", "finalize", "certificate", "upload", "bind", "verify"}


def shown_on_a_terminal(certferry, *arguments):
    """All that certferry writes to a terminal as its standard error; its standard output goes to a pipe."""
    process, written = run_on_terminal(
        os.environ["CERTFERRY_BINARY"], *arguments, stream="stderr", env={**certferry.environment, "TERM": "xterm"},
        cwd=certferry.folder, stdout=subprocess.PIPE, text=True,
    )
    out, _ = process.communicate(timeout=45)
    assert process.returncode == 0, out
    return out, written.decode()


def left_standing(written):
    """The lines of the screen at the end: `up n lines` and `clear to the end` are all that the program uses."""
    screen = []
    for piece in re.split(r"(\x1b\[\d+A\x1b\[J|\r?\n)", written):
        if up := re.fullmatch(r"\x1b\[(\d+)A\x1b\[J", piece):
            assert int(up[1]) <= len(screen), "it never draws over what it did not write"
            del screen[len(screen) - int(up[1]) :]
        elif piece and not piece.endswith("\n"):
            screen.append(piece)
    return screen


def configured(certferry, aws, zone):
    aws.zone(zone)
    certferry.configure(certificate("www", [f"www.{zone}"], {"files": str(certferry.folder / "tls")}))
    return "apply", "--config", str(certferry.config)


def steps_of(lines):
    ended = [re.fullmatch(ENDED, line) for line in lines]
    assert all(ended), lines
    return {one["step"] for one in ended}


def test_a_terminal_shows_what_is_under_way_and_keeps_what_ended(certferry, aws):
    out, written = shown_on_a_terminal(certferry, *configured(certferry, aws, "terminal.example.org"))
    under_way = set(re.findall(r"^  \S+: (\S+) \.\.\. \d+ s\r$", written, re.M))
    assert {"order", "TXT", "certificate"} <= under_way, written
    screen = left_standing(written)
    assert steps_of(screen) == STEPS and all(line.startswith("* ") for line in screen)
    assert "issued    www" in out and "\x1b" not in out


def test_elsewhere_each_step_is_one_plain_line_once_it_ended(certferry, aws):
    out, err = certferry.run(*configured(certferry, aws, "plain.example.org"))
    assert "\x1b" not in err and "\r" not in err and " ... " not in err
    assert steps_of(err.splitlines()) == STEPS and "*" not in err
    assert "issued    www" in out
