"""Starts one command and measures it: python -I -S launch.py RESULT LOG COMMAND...

A process of its own because a child's peak memory begins at that of whoever starts it: this one is small and imports
nothing that it does not need. RESULT gets: exit, wall, CPU (seconds, the whole tree of processes that were waited for)
and the peak resident set (KiB) of the largest of them.
"""

import os
import sys
import time

result, log, command = sys.argv[1], sys.argv[2], sys.argv[3:]
begun = time.monotonic()
child = os.fork()
if child == 0:
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    try:
        os.execvp(command[0], command)
    finally:
        os._exit(127)
_, status, usage = os.wait4(child, 0)
wall = time.monotonic() - begun
with open(result, "w") as file:
    file.write(f"{os.waitstatus_to_exitcode(status)} {wall} {usage.ru_utime + usage.ru_stime} {usage.ru_maxrss}")
