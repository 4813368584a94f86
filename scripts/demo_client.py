"""Sends a recording to the server that the demo has started, follows it, and prints its text.

    demo_client.py LOG RECORDING        the server's log says its port
"""
import http.client
import json
import re
import secrets
import sys
import time

START_S = 60
WORK_S = 300


def wait_for_port(log: str) -> int:
    """The port that the server listens on, once it says so."""
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        found = re.search(r"listens on \S+:(\d+)", open(log).read())
        if found:
            return int(found[1])
        time.sleep(0.1)
    sys.exit(f"the server did not start:\n{open(log).read()}")


class Client:
    """A few requests of service.md."""

    def __init__(self, port: int):
        self.port, self.headers = port, {}

    def send(self, method: str, path: str, body=None, kind="application/json"):
        """The answer's JSON; an error ends the demo."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = self.headers | ({"Content-Type": kind} if body is not None else {})
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        print(f"{method} {path} -> {answer.status}")
        if answer.status >= 400:
            sys.exit(text)
        return json.loads(text)

    def register(self):
        """A user of the demo's own, whose token goes with every request from then on."""
        body = json.dumps({"email": "demo@example.org", "password": secrets.token_urlsafe(16)})
        self.headers["Authorization"] = "Bearer " + self.send("POST", "/api/v1/auth/register", body)["access_token"]

    def upload(self, path: str) -> str:
        """The id of the file and of its job."""
        boundary = secrets.token_hex(16)
        head = (f"--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"recording.wav\"\r\n"
                "Content-Type: audio/wav\r\n\r\n")
        body = head.encode() + open(path, "rb").read() + f"\r\n--{boundary}--\r\n".encode()
        return self.send("POST", "/api/v1/files/upload", body, f"multipart/form-data; boundary={boundary}")["id"]

    def follow(self, job: str):
        """Prints the job's events until it has ended."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WORK_S)
        connection.request("GET", f"/api/v1/files/{job}/events", headers=self.headers)
        for line in connection.getresponse():
            if line.startswith(b"event:"):
                print("   ", line.decode().strip())
            if line.startswith((b"event: completed", b"event: failed")):
                return


def main():
    """The whole way of one recording."""
    client = Client(wait_for_port(sys.argv[1]))
    client.register()
    job = client.upload(sys.argv[2])
    client.follow(job)
    print(client.send("GET", f"/api/v1/transcriptions/{job}")["text"])


main()
