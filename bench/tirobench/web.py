"""The servers of the bench's server part: `tiro serve`, and the one that people would write with FastAPI. Both answer
somebody who has a token."""
import base64
import contextlib
import http.client
import json
import os
import shutil
import socket
import sqlite3
import struct
import subprocess
import sys
import time
import uuid

from . import measure, paths, serving

FRAMEWORK = paths.ROOT / "bench" / "tirobench" / "fastapi_app.py"
WORK = paths.WORK / "server"
PATIENCE_S = 120
GIB, MIB = 1 << 30, 1 << 20
BOUNDARY = "frontier"
WAV_HEADER = 44
# One hash of a password by default takes more memory than all that is measured here.
CHEAP_LOG_IN = {"TIRO_PASSWORD_MEMORY": "64K", "TIRO_PASSWORD_PASSES": "1"}


class Server:
    """One that runs, and a client of it."""

    def __init__(self, process, port, token=None):
        self.process, self.port, self.token = process, port, token

    def headers(self):
        return [f"Authorization: Bearer {self.token}", "Accept: application/json", "User-Agent: bench",
                "X-Request-Id: bench-1"]

    def request(self, method, path, body=None, status=200):
        """The JSON of the answer."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)) as connection:
            headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
            if body is not None:
                headers["Content-Type"] = "application/json"
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            text = response.read()
        if response.status != status:
            raise measure.Failed(f"{method} {path} was answered with {response.status}: {text[:200]!r}")
        return json.loads(text) if text else None

    def until(self, condition, what):
        end = time.monotonic() + PATIENCE_S
        while not (found := condition()):
            if time.monotonic() > end or self.process.poll() is not None:
                raise measure.Failed(f"{what} did not come")
            time.sleep(0.02)
        return found

    def user(self):
        """Claims of a token that was given out to a new user; the token of all that follows."""
        body = {"email": f"{uuid.uuid4().hex}@example.org", "password": "correct horse"}
        self.token = self.request("POST", "/api/v1/auth/register", body, 201)["access_token"]
        payload = self.token.split(".")[1]
        return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


@contextlib.contextmanager
def tiro(folder, pin=False):
    """`tiro serve` with its data in `folder` and its log in a file beside it; recognition is the fake one, because it is not
    what is measured. All clients have one address, as behind a proxy."""
    port = serving.free_port()
    argv = [paths.TIRO, "serve", "--data", folder, "--listen", f"127.0.0.1:{port}", "--connections", 20000, "--max-upload",
            "8G", "--trusted-proxies", "127.0.0.1", "--fake-engine"]
    log = folder.with_suffix(".log")
    with open(log, "wb") as stderr, (serving.pinned if pin else serving.running)(
            argv, stderr=stderr, env={**os.environ, **CHEAP_LOG_IN}) as process:
        serving.wait_port(process, port, "tiro serve")
        server = Server(process, port)
        server.until(lambda: _is_ready(port), "a ready server")
        yield server
    log.unlink()


def _is_ready(port):
    try:
        return serving.answer(port, "/readyz")
    except measure.Failed:
        return None


def allow_large_files(folder):
    """The plan that everyone starts with has 2 GiB a file."""
    with contextlib.closing(sqlite3.connect(folder / "tiro.db")) as db, db:
        db.execute("UPDATE plans SET file_bytes = NULL")


@contextlib.contextmanager
def fastapi(folder, pin=False):
    """uvicorn with its fast loop and parser, one process, without an access log."""
    port = serving.free_port()
    argv = [sys.executable, FRAMEWORK, port, folder]
    with (serving.pinned if pin else serving.running)(argv, stdout=subprocess.PIPE, text=True) as process:
        token = process.stdout.readline().strip()
        serving.wait_port(process, port, "FastAPI")
        yield Server(process, port, token)


def fresh(name):
    folder = WORK / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def recording(gib=None):
    """(pieces, size) of a WAV of speech: `gib` GiB, or one piece. A header cannot tell more than 4 GiB, so it tells less."""
    samples = paths.OWN_RECORDING.read_bytes()[WAV_HEADER:] * 3
    count = gib * GIB // len(samples) if gib else 1
    size = min(count * len(samples), (1 << 32) - 2 * WAV_HEADER)
    header = b"RIFF" + struct.pack("<I", size + 36) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16)
    header += b"data" + struct.pack("<I", size)
    return [header] + [samples] * count, len(header) + count * len(samples)


def upload(server, content, path="/api/v1/files/upload"):
    """The JSON of the answer."""
    pieces, size = content
    first = (f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n'
             'Content-Type: audio/wav\r\n\r\n').encode()
    last = f"\r\n--{BOUNDARY}--\r\n".encode()
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        serving.send_head(sock, "POST", path,
                          ["Connection: close", *server.headers(), f"Content-Type: multipart/form-data; boundary={BOUNDARY}",
                           f"Content-Length: {len(first) + size + len(last)}"])
        sock.sendall(first)
        for piece in pieces:
            sock.sendall(piece)
        sock.sendall(last)
        data = serving.read_rest(sock)
    head, _, body = data.partition(b"\r\n\r\n")
    if b" 201 " not in head[:16]:
        raise measure.Failed(f"an upload was answered with {data[:300]!r}")
    return json.loads(body)
