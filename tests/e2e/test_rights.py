"""Event streams end with the right to read them, on every node that has them."""
import contextlib
import json

import pytest
from api_server import BACK_ENDS, back_end, multipart, parse_events, wait_for


@pytest.fixture(scope="module", params=BACK_ENDS)
def server(request, speech_detector):
    with back_end(request.param) as behind:
        running = behind.serve().wait_ready()
        yield running
        running.stop()


@contextlib.contextmanager
def endless_job(server, user, jfk):
    """A job whose recognition does not end; yields its id."""
    token = server.back_end.api_token(user)
    body, form = multipart(jfk.read_bytes(), "talk.wav", [("prompt", "fake:sleep=100000")])
    with contextlib.closing(server.connect()) as connection:
        connection.request("POST", "/v1/audio/transcriptions", body, {**form, "Authorization": f"Bearer {token}"})
        yield wait_for(lambda: user.get("/jobs").ok()["jobs"], "a job")[0]["id"]


class Stream:
    """A file's events; `ended` once the server has ended them."""

    def __init__(self, user, file):
        self.connection = user.server.connect()
        self.connection.request("GET", f"/api/v1/files/{file}/events", headers={"Authorization": f"Bearer {user.token}"})
        self.response = self.connection.getresponse()
        assert self.response.status == 200
        self.events = parse_events(line.decode() for line in self.response)
        next(self.events)

    def names(self):
        return [name for _, name, _ in self.events]


def test_the_streams_of_who_is_switched_off_end(server, jfk):
    user = server.user()
    with endless_job(server, user, jfk) as job:
        stream = Stream(user, job)
        server.back_end.admin("user", "set", user.email, "--inactive")
        assert "completed" not in stream.names()
        server.back_end.admin("user", "set", user.email, "--active")


def test_a_stream_ends_with_its_share_and_the_owners_goes_on(server, jfk):
    alice, dave = server.user(), server.user()
    with endless_job(server, alice, jfk) as job:
        alice.post(f"/keys/files/{job}/shares/{dave.id}").ok(201)
        theirs, own = Stream(dave, job), Stream(alice, job)
        alice.request("DELETE", f"/keys/files/{job}/shares/{dave.id}").ok(204)
        assert "completed" not in theirs.names()
        assert dave.get(f"/files/{job}").status == 404
        alice.post(f"/jobs/{job}/cancel").ok()
        assert own.names()[-1] == "cancelled"


def test_other_changes_of_a_user_end_nothing(server, jfk):
    user = server.user()
    with endless_job(server, user, jfk) as job:
        stream = Stream(user, job)
        server.back_end.api_token(user)
        listed = [json.loads(line) for line in server.back_end.admin("token", "list", user.email, "--json").splitlines()]
        server.back_end.admin("token", "revoke", user.email, listed[-1]["id"])
        user.post(f"/jobs/{job}/cancel").ok()
        assert stream.names()[-1] == "cancelled"
