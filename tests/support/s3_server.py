"""A real S3-compatible server for tests, and before it a proxy that fails where it is told to.

    s3_server.py PROGRAM ACCESS_KEY SECRET_KEY

Starts PROGRAM (s3s-fs, which checks signatures) over the folder "s3" and prints the ports of the proxy: one for HTTP, one
for HTTPS with the certificate in "cert.pem". On standard input a line "kill" kills PROGRAM, as if by kill -9, and "start"
starts it again; each is repeated when it is done. Ends when its standard input is closed.

The proxy passes requests on as they are, so that signatures stay right. What it does otherwise:

- The file "faults" holds lines "METHOD TEXT SKIP COUNT ACTION": of the requests with that method whose target holds TEXT
  the first SKIP pass, the next COUNT meet ACTION. A new content starts the counting anew.
- Every request is a line "METHOD TARGET" in the file "requests", and " token" behind it where it carries one.
- s3s-fs does not list multipart uploads: the proxy does, two a page, after asking s3s-fs whether the signature is right.
- s3s-fs answers 403 where an upload is gone, S3 404 NoSuchUpload: the proxy says what S3 says.
"""
import http.client
import http.server
import os
import re
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse

LOCK = threading.Lock()
UPLOADS: dict[str, tuple[str, str]] = {}  # upload id: key, time


class Faults:
    """The rules of the file "faults" and how often each was met."""

    def __init__(self) -> None:
        self.text = ""
        self.met: dict[int, int] = {}

    def action(self, method: str, target: str) -> str:
        with LOCK:
            text = open("faults", encoding="ascii").read() if os.path.exists("faults") else ""
            if text != self.text:
                self.text, self.met = text, {}
            for number, line in enumerate(text.splitlines()):
                rule_method, part, skip, count, action = line.split()
                if rule_method == method and part in target:
                    self.met[number] = self.met.get(number, 0) + 1
                    if int(skip) < self.met[number] <= int(skip) + int(count):
                        return action
        return ""


FAULTS = Faults()


def text_of(body: bytes, name: str) -> str:
    found = re.search(f"<{name}>(.*?)</{name}>".encode(), body)
    return found[1].decode() if found else ""


def listing(query: dict[str, list[str]]) -> bytes:
    """A page of the unfinished uploads, as ListMultipartUploads gives it."""
    after = (query.get("key-marker", [""])[0], query.get("upload-id-marker", [""])[0])
    with LOCK:
        found = sorted((key, upload, began) for upload, (key, began) in UPLOADS.items())
    left = [row for row in found if (row[0], row[1]) > after]
    out = '<?xml version="1.0" encoding="UTF-8"?>\n<ListMultipartUploadsResult xmlns="http://s3.example/doc/">'
    out += f"<IsTruncated>{'true' if len(left) > 2 else 'false'}</IsTruncated>"
    for key, upload, began in left[:2]:
        out += f"<Upload><Key>{key}</Key><UploadId>{upload}</UploadId><Initiated>{began}</Initiated></Upload>"
    if len(left) > 2:
        out += f"<NextKeyMarker>{left[1][0]}</NextKeyMarker><NextUploadIdMarker>{left[1][1]}</NextUploadIdMarker>"
    return (out + "</ListMultipartUploadsResult>").encode()


def remember(method: str, target: urllib.parse.SplitResult, status: int, body: bytes) -> None:
    """Keeps the list of unfinished uploads by what passes."""
    query = urllib.parse.parse_qs(target.query, keep_blank_values=True)
    with LOCK:
        if method == "POST" and "uploads" in query and status == 200:
            key = target.path.split("/", 2)[2]
            UPLOADS[text_of(body, "UploadId")] = (key, time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()))
        elif method in ("POST", "DELETE") and "uploadId" in query and status < 300:
            UPLOADS.pop(query["uploadId"][0], None)


class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream_port = 0
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        pass

    def handle_one(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with LOCK, open("requests", "a", encoding="ascii") as log:
            token = " token" if "x-amz-security-token" in self.headers else ""
            log.write(f"{self.command} {self.path}{token}\n")
        action = FAULTS.action(self.command, self.path)
        if action == "close":
            self.close_connection = True
        elif action.isdigit():
            self.answer(int(action), [], b"<Error><Code>Injected</Code><Message>m</Message></Error>")
        elif action == "error-in-200":
            self.answer(200, [], b"<?xml version='1.0'?><Error><Code>InternalError</Code></Error>")
        elif self.upload_is_gone():
            self.answer(404, [], b"<Error><Code>NoSuchUpload</Code></Error>")
        else:
            self.pass_on(body, action)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_one

    def upload_is_gone(self) -> bool:
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        with LOCK:
            return "uploadId" in query and query["uploadId"][0] not in UPLOADS

    def pass_on(self, body: bytes, action: str) -> None:
        server = http.client.HTTPConnection("127.0.0.1", self.upstream_port)
        server.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in ("expect", "connection"):
                server.putheader(name, value)
        try:
            server.endheaders(body if body else None)
            got = server.getresponse()
        except OSError:
            self.close_connection = True
            return
        data, status, headers = got.read(), got.status, got.getheaders()
        server.close()
        target = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(target.query, keep_blank_values=True)
        remember(self.command, target, status, data)
        if self.command == "GET" and "uploads" in query and status != 403:
            status, data, headers = 200, listing(query), []
        self.change(status, headers, data, action)

    def change(self, status: int, headers: list[tuple[str, str]], data: bytes, action: str) -> None:
        """Sends the answer, or what `action` makes of it."""
        if action == "lose":
            self.close_connection = True
        elif action == "cut":
            self.answer(status, headers, data, sent=len(data) // 2)
        elif action == "no-range":
            self.answer(200, [row for row in headers if row[0].lower() != "content-range"], data)
        elif action == "other-range":
            self.answer(status, [("Content-Range", "bytes 1-5/6")], data)
        elif action == "no-etag":
            self.answer(status, [row for row in headers if row[0].lower() != "etag"], data)
        elif action == "more":
            self.answer(status, headers, data + b"more")
        elif action == "other-size":
            self.answer(status, [("Content-Length", "12345")], b"")
        elif action == "redirect":
            self.answer(307, [("Location", "http://127.0.0.1:1/")], b"")
        else:
            self.answer(status, headers, data)

    def answer(self, status: int, headers: list[tuple[str, str]], data: bytes, sent: int | None = None) -> None:
        self.send_response(status)
        names = {name.lower() for name, _ in headers}
        for name, value in headers:
            if name.lower() not in ("connection", "transfer-encoding", "date") and (
                    name.lower() != "content-length" or self.command == "HEAD"):
                self.send_header(name, value)
        if self.command != "HEAD" or "content-length" not in names:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data[:sent])
        self.close_connection = self.close_connection or sent is not None


def start_upstream(program: str, access_key: str, secret_key: str) -> tuple[subprocess.Popen[str], int]:
    os.makedirs("s3/bucket", exist_ok=True)
    command = [program, "--host", "127.0.0.1", "--port", "0", "--access-key", access_key, "--secret-key", secret_key, "s3"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "RUST_LOG": "s3s_fs=info"})
    assert server.stdout
    for line in server.stdout:
        found = re.search(r"running at http://127\.0\.0\.1:(\d+)", line)
        if found:
            threading.Thread(target=server.stdout.read, daemon=True).start()
            return server, int(found[1])
    sys.exit("the S3 server did not start")


class Door(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is what some tests are about, and no error of this program's."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def serve(tls: ssl.SSLContext | None) -> int:
    server = Door(("127.0.0.1", 0), Proxy)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def main() -> None:
    upstream, Proxy.upstream_port = start_upstream(*sys.argv[1:4])
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                    "2", "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=tiro test", "-addext",
                    "subjectAltName=IP:127.0.0.1"], check=True, stderr=subprocess.DEVNULL)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain("cert.pem", "key.pem")
    print(serve(None), serve(tls), flush=True)
    for line in sys.stdin:
        if line.strip() == "kill":
            upstream.kill()
            upstream.wait()
        else:
            upstream, Proxy.upstream_port = start_upstream(*sys.argv[1:4])
        print(line.strip(), flush=True)
    upstream.kill()
    upstream.wait()


main()
