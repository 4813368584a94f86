"""A file server for download tests that can misbehave.

    file_server.py FOLDER LOG      prints its port, then serves until its standard input ends

Every request is a line in LOG: path, Range or "-", If-Range or "-". The first part of a path says how to answer for
the file named by the rest:

    /good/F      Range, If-Range and ETag as they should be
    /drop/F      like good, but the connection breaks after a third of what was asked for (at least 1000 bytes)
    /noetag/F    like drop, without ETag and Last-Modified
    /changed/F   like drop; the ETag is another one on every request
    /long/F      Content-Length is 1000 more than what comes
    /endless/F   no Content-Length, and four times the file
    /ignore/F    drops the first time, then answers 200 to a Range request
    /shift/F     drops the first time, then answers 206 with another range
    /wrong/F     the right length, other bytes
    /busy/F      503 twice, then good
    /redirect/F  302 to /good/F
    /status/N/F  answers N
    /slow/F      sends 20 KB, ten times a second
"""
import http.server
import os
import re
import sys
import threading
import time

FOLDER, LOG = sys.argv[1:3]
counts = {}
lock = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        with lock, open(LOG, "a", encoding="utf-8") as log:
            log.write(f"{self.path} {self.headers.get('Range', '-')} {self.headers.get('If-Range', '-')}\n")
            self.nth = counts[self.path] = counts.get(self.path, 0) + 1
        mode, rest = self.path[1:].split("/", 1)
        if mode == "status":
            code, rest = rest.split("/", 1)
            return self.plain(int(code))
        if mode == "redirect":
            return self.plain(302, [("Location", f"/good/{rest}")])
        if mode == "busy" and self.nth <= 2:
            return self.plain(503)
        try:
            with open(os.path.join(FOLDER, os.path.basename(rest)), "rb") as file:
                return self.answer(mode, file.read())
        except FileNotFoundError:
            return self.plain(404)

    def plain(self, code, headers=()):
        body = b"not the file\n"
        self.send_response(code)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer(self, mode, data):
        etag = f'"v{self.nth}"' if mode == "changed" else '"v1"'
        start, partial = self.range_of(mode, data, etag)
        if start is None:
            return self.plain(416, [("Content-Range", f"bytes */{len(data)}")])
        body = data[start:]
        if mode == "wrong":
            body = bytes(len(body))
        self.send_response(206 if partial else 200)
        if partial:
            shown = start + 5 if mode == "shift" else start
            self.send_header("Content-Range", f"bytes {shown}-{len(data) - 1}/{len(data)}")
        if mode != "noetag":
            self.send_header("ETag", etag)
        if mode == "endless":
            self.close_connection = True
            self.send_header("Connection", "close")
            self.end_headers()
            for _ in range(4):
                self.wfile.write(body)
            return
        self.send_header("Content-Length", str(len(body) + (1000 if mode == "long" else 0)))
        self.end_headers()
        self.send_body(mode, body)

    def range_of(self, mode, data, etag):
        """Start of what is sent (None: not satisfiable) and whether the answer is 206."""
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        matches = self.headers.get("If-Range") in (None, etag)
        if not asked or not matches or mode == "ignore":
            return 0, False
        start = int(asked[1])
        return (None, False) if start >= len(data) else (start, True)

    def send_body(self, mode, body):
        if mode == "slow":
            for i in range(0, len(body), 20000):
                self.wfile.write(body[i:i + 20000])
                time.sleep(0.1)
            return
        breaks = mode in ("drop", "noetag", "changed") or (mode in ("ignore", "shift") and self.nth == 1)
        if breaks and len(body) > 1000:
            self.wfile.write(body[:max(1000, len(body) // 3)])
            self.wfile.flush()
        else:
            self.wfile.write(body)
        if breaks or mode == "long":
            self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # clients that go away are part of the tests


server = Server(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
