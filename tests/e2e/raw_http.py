"""A server of tests/tools/http_server.c as a process, and raw sockets to talk to it."""
import contextlib
import json
import re
import signal
import socket
import ssl
import subprocess
import time

from conftest import BUILD

PROGRAM = BUILD / "tests" / "tools" / "http_server"
PATIENCE = 20.0
# What /file of the test program holds.
FILE = bytes((n * 7 + n // 251) & 255 for n in range(300000))


class Server:
    def __init__(self, **options):
        words = [f"{name}={value}" for name, value in options.items()]
        self.process = subprocess.Popen([PROGRAM, "127.0.0.1:0", *words], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def connect(self, tls=None):
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        return Client(tls.wrap_socket(sock, server_hostname="localhost") if tls else sock)

    def get(self, path, *headers, method="GET"):
        """One request over a connection of its own."""
        with self.connect() as client:
            client.request(path, *headers, method=method)
            return client.response(head_only=method == "HEAD")

    def connect_and_ask(self):
        """The body of /outcomes, or None where the server takes no connection now."""
        try:
            with self.connect() as client:
                client.sock.settimeout(0.5)
                client.request("/outcomes")
                return client.response().body
        except (OSError, EOFError):
            return None

    def drain(self):
        self.process.send_signal(signal.SIGTERM)

    def stop(self):
        """Drains, and returns what was written on standard error."""
        self.drain()
        _, err = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, err
        return err


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def header(self, name):
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(found) <= 1, found
        return found[0] if found else None


class Client:
    """Reads answers off one connection, byte for byte."""

    def __init__(self, sock):
        self.sock, self.pending = sock, b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def request(self, path, *headers, method="GET", body=b""):
        lines = [f"{method} {path} HTTP/1.1", "Host: x", *headers]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join([*lines, "", ""]).encode() + body)

    def more(self):
        """Reads; False at the end of the connection."""
        try:
            data = self.sock.recv(65536)
        except (ConnectionResetError, ssl.SSLEOFError):
            data = b""
        self.pending += data
        return bool(data)

    def until(self, mark):
        while mark not in self.pending:
            if not self.more():
                raise EOFError(self.pending[-200:])
        found, self.pending = self.pending.split(mark, 1)
        return found

    def exactly(self, count):
        while len(self.pending) < count:
            if not self.more():
                raise EOFError(len(self.pending), self.pending[-200:])
        found, self.pending = self.pending[:count], self.pending[count:]
        return found

    def chunk(self):
        size = int(self.until(b"\r\n"), 16)
        data = self.exactly(size)
        assert self.exactly(2) == b"\r\n"
        return data

    def head(self):
        status, *lines = self.until(b"\r\n\r\n").decode().split("\r\n")
        found = re.fullmatch(r"HTTP/1\.1 (\d\d\d) [ -~]+", status)
        assert found, status
        return Response(int(found[1]), [tuple(line.split(": ", 1)) for line in lines], b"")

    def response(self, head_only=False):
        answer = self.head()
        if answer.status < 200:
            return answer
        if head_only or answer.status in (204, 304):
            return answer
        if answer.header("Transfer-Encoding") == "chunked":
            while chunk := self.chunk():
                answer.body += chunk
        elif answer.header("Content-Length") is not None:
            answer.body = self.exactly(int(answer.header("Content-Length")))
        else:
            answer.body = self.rest()
        return answer

    def rest(self):
        """Everything until the other side closes."""
        while self.more():
            pass
        found, self.pending = self.pending, b""
        return found

    def is_closed(self):
        return self.rest() == b""


@contextlib.contextmanager
def serving(**options):
    server = Server(**options)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
        server.process.communicate()


def outcomes(server):
    return json.loads(server.get("/outcomes").body)


def wait_for(condition):
    """Other processes' news: looked for until it is there."""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def memory(server):
    """Resident bytes of the server; None where a sanitizer has its own in them."""
    if "asan" in open(f"/proc/{server.process.pid}/maps").read():
        return None
    return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{server.process.pid}/status").read())[1]) * 1024
