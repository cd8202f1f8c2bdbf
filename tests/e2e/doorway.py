"""A door before a real server: every request passes, is written down, and one may be held back on its way, or answered
by the door itself."""

import http.client
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Hold:
    """Shared by doors: the n-th request that comes to any of them stops before its server, or before its answer goes
    back. held() waits for it, so many seconds at most; let_go() forgets it: what was held before its server never reaches
    it."""

    def __init__(self):
        self.requests = []  # (method, path, body, status) of all doors, as their servers answered
        self._changed = threading.Condition()
        self._count = {}
        self._state = "idle"

    def ask(self, moment, nth):
        with self._changed:
            self._count, self._state = {moment: nth}, "awaited"

    def held(self, within=60):
        with self._changed:
            self._changed.wait_for(lambda: self._state != "awaited", within)
            return self._state == "here"

    def let_go(self):
        with self._changed:
            self._count, self._state = {}, "idle"
            self._changed.notify_all()

    def passes(self, moment):
        """False where the request was held here."""
        with self._changed:
            if moment not in self._count:
                return True
            self._count[moment] -= 1
            if self._count[moment]:
                return True
            self._state = "here"
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._state != "here")
            return False


class Doorway:
    """On a port of 127.0.0.1, before `upstream` (host, port); over TLS with `identity` (certificate, key: files), and to
    a server that `upstream_roots` vouch for."""

    def __init__(self, upstream, hold, identity=None, upstream_roots=None):
        self.requests = []  # (method, path, body, status), as its server answered
        self.replies = []  # (path, status, body), of the same requests
        # What the door says itself to (method, path, headers, body): (status, content type, body), and its server hears
        # nothing of it; "nothing": the connection is closed; None: it passes.
        self.answers = lambda method, path, headers, body: None
        door = self
        context = ssl.create_default_context(cafile=upstream_roots) if upstream_roots else None

        class Passing(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                self.server_side = (
                    http.client.HTTPSConnection(*upstream, context=context) if context else http.client.HTTPConnection(*upstream)
                )

            def finish(self):
                self.server_side.close()
                super().finish()

            def passed(self):
                length = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(length)
                if len(body) < length:  # killed between header and body: its server would wait for the rest for ever
                    self.close_connection = True
                    return
                if not hold.passes("before"):
                    self.close_connection = True
                    return
                own = door.answers(self.command, self.path, self.headers, body.decode(errors="replace"))
                if own:
                    self.close_connection = True
                    if own != "nothing":
                        self.say(*own)
                    return
                self.server_side.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    self.server_side.putheader(name, value)
                self.server_side.endheaders(body or None)
                reply = self.server_side.getresponse()
                answer = reply.read()
                seen = (self.command, self.path, body.decode(errors="replace"), reply.status)
                door.requests.append(seen)
                hold.requests.append(seen)
                door.replies.append((self.path, reply.status, answer.decode(errors="replace")))
                hold.passes("after")
                self.answer(reply, answer)

            def say(self, status, content_type, body):
                self.send_response_only(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(b"" if self.command == "HEAD" else body)

            def answer(self, reply, body):
                self.send_response_only(reply.status, reply.reason)
                for name, value in reply.getheaders():
                    if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(b"" if self.command == "HEAD" else body)

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = passed

            def handle(self):
                try:
                    super().handle()
                except OSError:
                    self.close_connection = True  # a client that was killed

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Passing)
        self._server.daemon_threads = True
        if identity:
            server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server_context.load_cert_chain(*identity)
            # The handshake belongs to the connection's own thread.
            self._server.socket = server_context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
