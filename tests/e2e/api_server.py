"""`tiro serve` as a process, and a client for it: what the tests of the API share."""
import base64
import contextlib
import http.client
import json
import os
import pathlib
import re
import signal
import sqlite3
import struct
import subprocess
import tempfile
import threading
import time
import uuid

from conftest import BUILD, ROOT, TIRO, missing

PATIENCE = 60.0
RATE, HEAD_BYTES = 16000, 44
# Hashing a password costs 100 ms by default, which is not what is tested here.
CHEAP = {"TIRO_PASSWORD_MEMORY": "64K", "TIRO_PASSWORD_PASSES": "1"}


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    def ok(self, status=200):
        assert self.status == status, (self.status, self.body)
        return self.json() if self.body else None


def multipart(content, name="recording.wav", fields=(), boundary="tiro-test-boundary"):
    """A form with a file; `content` None leaves it out."""
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
             for key, value in fields]
    if content is not None:
        parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
                     f'Content-Type: audio/wav\r\n\r\n'.encode() + content + b"\r\n")
    parts.append(f"--{boundary}--\r\n".encode())
    return b"".join(parts), {"Content-Type": f"multipart/form-data; boundary={boundary}"}


def parse_events(lines):
    """Server-sent events from an iterator of lines, as (id, name, data)."""
    event = {}
    for line in lines:
        line = line.rstrip("\n")
        if not line:
            if "data" in event:
                yield event.get("id"), event.get("event", "message"), json.loads(event["data"])
            event = {}
        elif not line.startswith(":"):
            key, _, value = line.partition(": ")
            event[key] = event.get(key, "") + value


class Server:
    """A server on a free port. Its log is read by a thread."""

    def __init__(self, data, env=None, args=(), fake=True, command="serve"):
        self.data = data
        self.lines = []
        self.told = threading.Condition()
        words = [TIRO, command, "--data", data, *args] + (["--fake-engine"] if fake else [])
        if command == "serve":
            words += ["--listen", "127.0.0.1:0"]
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("POSTGRES_", "MINIO_"))}
        self.process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env={**clean, **CHEAP, **(env or {})})
        threading.Thread(target=self._read, daemon=True).start()
        self.port = int(self.wait_log(r"listens on \S+:(\d+)")[1]) if command == "serve" else 0

    def _read(self):
        for line in self.process.stderr:
            with self.told:
                self.lines.append(line)
                self.told.notify_all()
        with self.told:
            self.lines.append(None)
            self.told.notify_all()

    def log(self):
        return "".join(line for line in self.lines if line)

    def wait_log(self, pattern):
        """The match of the first line that fits; fails where the process ends before."""
        deadline = time.monotonic() + PATIENCE
        with self.told:
            seen = 0
            while True:
                for line in self.lines[seen:]:
                    assert line is not None, f"the server ended: {self.log()}"
                    found = re.search(pattern, line)
                    if found:
                        return found
                seen = len(self.lines)
                assert self.told.wait(max(0, deadline - time.monotonic())), f"no line {pattern}: {self.log()}"

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def request(self, method, path, body=None, token=None, headers=None):
        headers = dict(headers or {})
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        with contextlib.closing(self.connect()) as connection:
            connection.request(method, path, body=body, headers=headers)
            return Answer(connection.getresponse())

    def wait_ready(self):
        wait_for(lambda: self.request("GET", "/readyz").status == 200, "a ready server")
        return self

    def user(self, email=None):
        email = email or f"{uuid.uuid4().hex}@example.org"
        session = self.request("POST", "/api/v1/auth/register", {"email": email, "password": "correct horse"}).ok(201)
        return User(self, email, session)

    def stop(self):
        """SIGTERM, and the end that must be clean."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0, self.log()

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE)


class User:
    """Somebody who is logged in."""

    def __init__(self, server, email, session):
        self.server, self.email, self.session = server, email, session
        self.token = session["access_token"]
        payload = self.token.split(".")[1]
        self.claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        self.id = self.claims["sub"]

    def request(self, method, path, body=None, headers=None):
        return self.server.request(method, "/api/v1" + path, body, self.token, headers)

    def get(self, path, headers=None):
        return self.request("GET", path, headers=headers)

    def post(self, path, body=None):
        return self.request("POST", path, body)

    def upload(self, content, name="recording.wav", fields=(), headers=None, query=""):
        body, form = multipart(content, name, fields)
        return self.request("POST", "/files/upload" + query, body, {**form, **(headers or {})})

    def events(self, file_id, last_id=None):
        """A file's events until the stream ends; None where there is nothing to tell (204)."""
        headers = {"Authorization": f"Bearer {self.token}"}
        if last_id is not None:
            headers["Last-Event-ID"] = last_id
        with contextlib.closing(self.server.connect()) as connection:
            connection.request("GET", f"/api/v1/files/{file_id}/events", headers=headers)
            response = connection.getresponse()
            if response.status == 204:
                return None
            assert response.status == 200, response.read()
            assert response.headers["Content-Type"] == "text/event-stream"
            return list(parse_events(line.decode() for line in response))

    def wait_job(self, job_id, *statuses):
        """The job, once it has one of the states (by default one at which it ends)."""
        statuses = statuses or ("completed", "failed", "cancelled")
        return wait_for(lambda: found if (found := self.get(f"/jobs/{job_id}").ok())["status"] in statuses else None,
                        f"a job that is {statuses}")


def wait_for(condition, what):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come within {PATIENCE} s")


# -- recordings and uploads -----------------------------------------------------------------------------


def repeated(jfk, times):
    """The recording over and over, a second of silence between."""
    data = jfk.read_bytes()
    samples = data[data.index(b"data") + 8:]
    body = (samples + bytes(2 * RATE)) * times
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", HEAD_BYTES - 8 + len(body), b"WAVE", b"fmt ", 16, 1, 1, RATE, 2 * RATE,
                       2, 16, b"data", len(body))
    return head + body


def follow(user, file_id, until):
    """Reads events until one fits; returns what it says."""
    with contextlib.closing(user.server.connect()) as connection:
        connection.request("GET", f"/api/v1/files/{file_id}/events", headers={"Authorization": f"Bearer {user.token}"})
        for _, name, data in parse_events(line.decode() for line in connection.getresponse()):
            if until(name, data):
                return data
    raise AssertionError("the stream ended before")


def has_part(name, data):
    return name == "job_progress" and data.get("parts_done", 0) > 0


class Half:
    """An upload of which half was sent."""

    def __init__(self, user, content, accept="*/*"):
        self.id = str(uuid.uuid4())
        self.body, headers = multipart(content)
        self.connection = user.server.connect()
        self.connection.putrequest("POST", "/api/v1/files/upload")
        for name, value in {**headers, "Authorization": f"Bearer {user.token}", "X-Upload-Id": self.id,
                            "Accept": accept, "Content-Length": str(len(self.body))}.items():
            self.connection.putheader(name, value)
        self.connection.endheaders()
        self.connection.send(self.body[:len(self.body) // 2])
        wait_for(lambda: user.get(f"/files/{self.id}").status == 200, "an upload")

    def finish(self):
        self.connection.send(self.body[len(self.body) // 2:])
        return self.connection.getresponse()


# -- what stands behind a server -----------------------------------------------------------------------


@contextlib.contextmanager
def postgres(folder):
    """A PostgreSQL of its own, as environment."""
    script = ROOT / "tests" / "support" / "postgres"
    started = subprocess.run([script, "start", folder], capture_output=True, text=True, check=False)
    if started.returncode == 77:
        missing("PostgreSQL")
    assert started.returncode == 0, started.stderr
    try:
        yield {"POSTGRES_HOST": str(folder), "POSTGRES_PASSWORD": "not asked for", "POSTGRES_DB": "postgres"}
    finally:
        subprocess.run([script, "stop", folder], check=False, capture_output=True)


class Store(dict):
    """The environment of an S3 server that can be killed and started again."""

    def __init__(self, process, env):
        super().__init__(env)
        self.process = process

    def tell(self, word):
        print(word, file=self.process.stdin, flush=True)
        assert self.process.stdout.readline().strip() == word


@contextlib.contextmanager
def s3(folder):
    """An S3 server of its own, as environment."""
    program = os.environ.get("TIRO_S3_SERVER")
    if not program:
        missing("an S3 server (scripts/s3_server)")
    process = subprocess.Popen(["python3", ROOT / "tests" / "support" / "s3_server.py", program, "access", "secret"],
                               cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        port = process.stdout.readline().split()[0]
        yield Store(process, {"MINIO_HOST": "127.0.0.1", "MINIO_PORT": port, "MINIO_ACCESS_KEY": "access",
                              "MINIO_SECRET_KEY": "secret", "MINIO_BUCKET": "bucket"})
    finally:
        process.stdin.close()
        process.wait(PATIENCE)


# The suites of the API run over each: one machine's, several machines', and the step between.
ONE_MACHINE, SHARED_FOLDER, MANY_MACHINES = BACK_ENDS = ["sqlite+folder", "postgres+folder", "postgres+s3"]
PROGRAMS = {"postgres": postgres, "s3": s3}


def stored(store):
    """Files below a folder or a bucket, without the marker that each store has."""
    return sorted(path for path in store.rglob("*") if path.is_file() and path.name not in ("installation", "b,installation"))


class BackEnd:
    """Database and store behind servers, and a folder for their data."""

    def __init__(self, folder, env):
        self.folder, self.env = folder, env
        self.data = folder / "data"

    def serve(self, *args, **kwargs):
        server = Server(self.data, self.env, args, **kwargs)
        server.back_end = self
        return server

    def admin(self, *words):
        """What `tiro admin` prints, beside the server."""
        done = subprocess.run([TIRO, "admin", *words, "--data", self.data], env={**os.environ, **CHEAP, **self.env},
                              capture_output=True, text=True, check=True)
        return done.stdout

    def api_token(self, user, *permissions):
        """The value of a new one of the user's own."""
        return self.admin("token", "add", user.email, *(["--permissions", ",".join(permissions)] if permissions else [])).strip()

    def sql(self, statement):
        """Changes what no interface changes."""
        if "POSTGRES_HOST" in self.env:
            subprocess.run(["psql", "-qh", self.env["POSTGRES_HOST"], "-U", "tiro", "-d", "postgres", "-c", statement], check=True)
        else:
            with contextlib.closing(sqlite3.connect(self.data / "tiro.db")) as database, database:
                database.execute(statement)

    def objects(self):
        """Files of the store but its marker, unfinished ones too."""
        tops = [self.data / "blobs", self.folder / "s3" / "s3" / "bucket"]
        unfinished = (self.folder / "s3" / "s3").glob(".upload*")
        return sorted([path for top in tops for path in stored(top)] + list(unfinished))


@contextlib.contextmanager
def back_end(name):
    """A BackEnd of its own: one of BACK_ENDS, or other words of that kind."""
    with tempfile.TemporaryDirectory() as top, contextlib.ExitStack() as stack:
        folder = pathlib.Path(top)
        folder.chmod(0o755)  # PostgreSQL runs as another user
        env = {}
        for word in name.split("+"):
            if word in PROGRAMS:
                place = folder / word
                place.mkdir()
                place.chmod(0o755)
                env |= stack.enter_context(PROGRAMS[word](place))
        yield BackEnd(folder, env)


def built_with_sanitizer():
    return b"__asan_init" in (BUILD / "tiro").read_bytes()
