"""The program's own minutes in a twentieth of the time: its environment. Not for one that ASan is in, which wants to be the
first library."""

import pathlib

HURRY = {"LD_PRELOAD": str(next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), "FAKETIME": "+0 x20"}
