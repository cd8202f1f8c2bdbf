"""A terminal of which a test holds the other end."""

import os
import pty
import subprocess


def run_on_terminal(*arguments, stream, **options):
    """The process, once nobody writes there any more, and all that was written to `stream` ("stdout" or "stderr"), a terminal."""
    reader, writer = pty.openpty()
    process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, **{stream: writer}, **options)
    os.close(writer)
    written = b""
    try:
        while piece := os.read(reader, 65536):
            written += piece
    except OSError:
        pass  # how Linux says that the last writer has gone
    os.close(reader)
    return process, written
