"""The program's own minutes in a twentieth of the time. What it gives a request is then a second or two: tests that are
`hurried` run beside none that load the machine, and not with ASan, which wants to be the first library."""

import os
import pathlib

import pytest

HURRY = {
    "LD_PRELOAD": ":".join(map(str, pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))),
    "FAKETIME": "+0 x20",
}
SANITIZED = "CERTFERRY_SANITIZED" in os.environ


def hurried(test):
    assert HURRY["LD_PRELOAD"], "libfaketime is missing: apt-get install faketime"
    return pytest.mark.alone(pytest.mark.skipif(SANITIZED, reason="ASan wants to be the first library")(test))
