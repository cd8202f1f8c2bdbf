"""The AWS peer in a process of its own, so that what it costs is not taken from whoever measures.

Run as a program it serves until its standard input ends: a line with a name makes a hosted zone, an empty line asks for
the number of Route 53 requests so far.
"""

import json
import os
import pathlib
import subprocess
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent / "tests" / "e2e"


class AwsProcess:
    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.dns_port, self.environment = self._answer()

    def _answer(self):
        return json.loads(self.process.stdout.readline())

    def _ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self._answer()

    def zone(self, name):
        """A public hosted zone of this name; its id."""
        return self._ask(name)

    def requests(self):
        """Route 53 requests so far."""
        return self._ask("")

    def stop(self):
        self.process.stdin.close()
        self.process.wait(20)


def main():
    sys.path.insert(0, str(TESTS))
    answers, sys.stdout = sys.stdout, sys.stderr  # moto prints, too
    from moto.moto_server.werkzeug_app import MotoRequestHandler

    import aws_peer

    seen = 0

    def count(handler, code="-", size="-"):
        nonlocal seen
        seen += handler.path.startswith("/2013-04-01/")

    MotoRequestHandler.log_request = count
    peer = aws_peer.AwsPeer()
    say = lambda value: print(json.dumps(value), file=answers, flush=True)  # noqa: E731
    say([peer.dns_port, peer.environment()])
    for line in sys.stdin:
        say(peer.zone(line.strip()) if line.strip() else seen)
    os._exit(0)  # the servers' threads hold nothing that is worth waiting for


if __name__ == "__main__":
    main()
