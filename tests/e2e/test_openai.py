"""OpenAI's audio API over HTTP, by its official Python client, unchanged, and by hand where that client would not go.
Recognition is the fake one, on every back end."""
import concurrent.futures
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import time

import pytest
from api_server import BACK_ENDS, MANY_MACHINES, ONE_MACHINE, back_end, multipart, repeated, wait_for
from conftest import ROOT, missing

try:
    import openai
except ImportError:
    openai = None


class Caller:
    """A user with an API token, and OpenAI's client with that."""

    def __init__(self, server, *permissions):
        self.server = server
        self.user = server.user()
        self.token = server.back_end.api_token(self.user, *permissions)

    def client(self, **options):
        if not openai:
            missing("OpenAI's Python client (scripts/test)")
        return openai.OpenAI(api_key=self.token, base_url=f"http://127.0.0.1:{self.server.port}/v1", **options)

    def post(self, content, fields=(), token=None, headers=None):
        body, form = multipart(content, "talk.wav", fields)
        return self.server.request("POST", "/v1/audio/transcriptions", body, token or self.token, {**form, **(headers or {})})


@pytest.fixture(scope="module", params=BACK_ENDS)
def server(request, speech_detector):
    with back_end(request.param) as behind:
        running = behind.serve("--max-upload", "8M").wait_ready()
        yield running
        running.stop()


@pytest.fixture(scope="module")
def caller(server):
    return Caller(server)


@pytest.fixture(scope="module")
def client(caller):
    return caller.client()


def error_of(answer, status):
    assert answer.status == status, answer.body
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error


# -- the official client -------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["whisper-1", "gpt-4o-transcribe", "gpt-transcribe"])
def test_the_official_client_gets_the_text(client, jfk, model):
    with open(jfk, "rb") as file:
        said = client.audio.transcriptions.create(file=file, model=model, language="en")
    assert re.fullmatch(r"[a-z]+( [a-z]+)+", said.text)
    assert (said.usage.type, said.usage.seconds) == ("duration", 11)


@pytest.mark.parametrize("form, begins", [("text", "[a-z]+ [a-z]+"), ("srt", "1\n00:00:0"), ("vtt", "WEBVTT\n\n")])
def test_the_official_client_gets_formats_that_are_text(client, jfk, form, begins):
    with open(jfk, "rb") as file:
        said = client.audio.transcriptions.create(file=file, model="whisper-1", response_format=form)
    assert re.match(begins, said)


def test_the_official_client_gets_segments_and_words(client, jfk):
    with open(jfk, "rb") as file:
        said = client.audio.transcriptions.create(file=file, model="whisper-1", language="en", response_format="verbose_json",
                                                  timestamp_granularities=["word", "segment"])
    assert (said.task, said.language, round(float(said.duration))) == ("transcribe", "english", 11)
    assert [word.word for word in said.words] == said.text.split()
    assert all(0 <= word.start <= word.end <= 11.1 for word in said.words)
    assert "".join(segment.text for segment in said.segments).strip() == said.text
    first = said.segments[0]
    assert first.text.startswith(" ") and first.avg_logprob <= 0 and first.compression_ratio > 0


def test_without_words_asked_for_there_are_none(client, jfk):
    with open(jfk, "rb") as file:
        said = client.audio.transcriptions.create(file=file, model="whisper-1", response_format="verbose_json")
    assert said.words is None and said.segments


def test_the_official_client_reads_a_stream(client, jfk):
    with open(jfk, "rb") as file:
        events = list(client.audio.transcriptions.create(file=file, model="gpt-4o-transcribe", stream=True))
    *deltas, done = events
    assert done.type == "transcript.text.done"
    assert deltas and {event.type for event in deltas} == {"transcript.text.delta"}
    assert "".join(event.delta for event in deltas) == done.text


def test_a_stream_tells_what_was_said_while_the_rest_is_recognised(client, jfk):
    """Twelve parts of 400 ms by two threads: the first is told long before the end."""
    stream = client.audio.transcriptions.create(file=("talk.wav", repeated(jfk, 20)), model="gpt-transcribe", language="en",
                                                prompt="fake:sleep=400", stream=True)
    begun = time.monotonic()
    events = [(time.monotonic() - begun, event) for event in stream]
    *deltas, (end, done) = events
    assert len(deltas) > 3 and deltas[0][0] < end / 2
    assert "".join(delta.delta for _, delta in deltas) == done.text


def test_a_stream_whose_job_fails_raises(caller, jfk):
    client = caller.client(max_retries=0)
    with pytest.raises(openai.APIError):
        list(client.audio.transcriptions.create(file=("talk.wav", repeated(jfk, 3)), model="gpt-transcribe", language="en",
                                                prompt="fake:crash", stream=True))


def test_voices_come_with_the_diarized_format(client, jfk):
    with open(jfk, "rb") as file:
        said = client.audio.transcriptions.create(file=file, model="gpt-4o-transcribe-diarize", response_format="diarized_json",
                                                  chunking_strategy="auto")
    assert said.segments[0].speaker == "A" and said.segments[0].type == "transcript.text.segment"


def test_the_official_client_gets_a_translation(client, jfk):
    with open(jfk, "rb") as file:
        said = client.audio.translations.create(file=file, model="whisper-1", response_format="verbose_json")
    assert said.language == "english" and said.text and said.segments


def test_a_translation_has_no_voices(caller, jfk):
    body, form = multipart(jfk.read_bytes(), "talk.wav", [("response_format", "diarized_json")])
    answer = caller.server.request("POST", "/v1/audio/translations", body, caller.token, form)
    assert error_of(answer, 400)["param"] == "response_format"


@pytest.mark.parametrize("form", ["json", "verbose_json", "srt"])
def test_the_official_client_for_node_gets_the_same(caller, client, jfk, form):
    folder = ROOT / ".deps" / "node"
    if not (folder / "done").exists() or not shutil.which("node"):
        missing("OpenAI's client for Node (scripts/node_client)")
    shutil.copy(ROOT / "tests/e2e/openai_node/ask.mjs", folder)
    environment = {**os.environ, "OPENAI_API_KEY": caller.token, "OPENAI_BASE_URL": f"http://127.0.0.1:{caller.server.port}/v1"}
    done = subprocess.run(["node", "ask.mjs", jfk, form], cwd=folder, env=environment, capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert "whisper-1" in answer["models"]
    with open(jfk, "rb") as file:
        said = client.audio.transcriptions.create(file=file, model="whisper-1", language="en", response_format=form,
                                                  **({"timestamp_granularities": ["word", "segment"]} if "verbose" in form else {}))
    if form == "srt":
        assert answer["said"] == said
    else:
        assert answer["said"]["text"] == said.text
    if form == "verbose_json":
        assert [word["word"] for word in answer["said"]["words"]] == [word.word for word in said.words]


def test_the_models_are_listed_and_found(client):
    names = {model.id for model in client.models.list()}
    assert "whisper-1" in names
    assert client.models.retrieve("whisper-1").object == "model"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-9")


def test_the_client_raises_what_its_users_catch(caller, client, jfk):
    silent = caller.client(max_retries=0)
    with pytest.raises(openai.NotFoundError, match="model"), open(jfk, "rb") as file:
        client.audio.transcriptions.create(file=file, model="gpt-9")
    with pytest.raises(openai.BadRequestError, match="response_format"), open(jfk, "rb") as file:
        client.audio.transcriptions.create(file=file, model="whisper-1", response_format="docx")
    with pytest.raises(openai.APIStatusError) as refused:
        silent.audio.transcriptions.create(file=("notes.wav", b"RIFF" + b"no recording at all " * 100), model="whisper-1")
    assert refused.value.status_code in (400, 415) and refused.value.request_id


def test_a_wrong_key_is_an_authentication_error(server, jfk):
    if not openai:
        missing("OpenAI's Python client (scripts/test)")
    stranger = openai.OpenAI(api_key="tiro_" + "0" * 64, base_url=f"http://127.0.0.1:{server.port}/v1", max_retries=0)
    with pytest.raises(openai.AuthenticationError), open(jfk, "rb") as file:
        stranger.audio.transcriptions.create(file=file, model="whisper-1")


# -- by hand -------------------------------------------------------------------------------------------


def test_tokens_and_sessions_are_not_each_others(caller, jfk):
    assert error_of(caller.post(jfk.read_bytes(), token=caller.user.token), 401)["code"] == "invalid_api_key"
    assert caller.server.request("GET", "/api/v1/jobs", token=caller.token).status == 401


def test_a_token_that_may_only_read_does_not_write(server, jfk):
    reader = Caller(server, "read")
    assert "write" in error_of(reader.post(jfk.read_bytes()), 403)["message"]
    assert server.request("GET", "/v1/models", token=reader.token).status == 200


def test_a_revoked_token_ends_with_the_next_request(server):
    caller = Caller(server)
    assert server.request("GET", "/v1/models", token=caller.token).status == 200
    listed = json.loads(server.back_end.admin("token", "list", caller.user.email, "--json"))
    server.back_end.admin("token", "revoke", caller.user.email, listed["id"])
    wait_for(lambda: server.request("GET", "/v1/models", token=caller.token).status == 401, "the end of the token")


def test_the_job_is_one_of_the_owners(caller, jfk):
    before = caller.user.get("/jobs").ok()["total"]
    assert caller.post(jfk.read_bytes(), [("language", "de")]).status == 200
    jobs = caller.user.get("/jobs").ok()
    assert jobs["total"] == before + 1 and jobs["jobs"][0]["status"] == "completed"


@pytest.mark.parametrize("fields, param", [
    ([("timestamp_granularities[]", "sentence")], "timestamp_granularities"),
    ([("timestamp_granularities[]", "word")], "timestamp_granularities"),
    ([("stream", "perhaps")], "stream"),
    ([("stream", "true"), ("response_format", "srt")], "stream"),
    ([("language", "klingon")], "language"),
    ([("response_format", "")], "response_format"),
    ([("temperature", "hot")], "temperature"),
    ([("temperature", "1.1")], "temperature"),
    ([("prompt", "x" * 1000), ("keywords[]", "y" * 30)], "keywords"),
])
def test_what_is_not_sound_is_named(caller, jfk, fields, param):
    error = error_of(caller.post(jfk.read_bytes(), fields), 400)
    assert (error["type"], error["param"]) == ("invalid_request_error", param)


def test_what_is_refused_leaves_and_costs_nothing(server, jfk):
    caller = Caller(server)
    before = server.back_end.objects()
    assert caller.post(b"RIFF" + b"no recording at all " * 100).status in (400, 415)
    assert caller.post(jfk.read_bytes(), [("stream", "perhaps")]).status == 400
    assert caller.user.get("/jobs").ok()["total"] == 0
    wait_for(lambda: server.back_end.objects() == before, "the end of what was refused")


def test_a_recording_that_is_longer_than_the_plan_is_refused_before_its_job(server, jfk):
    caller = Caller(server)
    server.back_end.admin("plan", "set", "tiny", "--monthly-seconds", "5")
    server.back_end.admin("user", "set", caller.user.email, "--plan", "tiny")
    answer = caller.post(jfk.read_bytes())
    assert error_of(answer, 429)["code"] == "insufficient_quota"
    assert answer.headers["x-should-retry"] == "false"
    assert caller.user.get("/jobs").ok()["total"] == 0


def test_wrong_methods_and_paths_have_this_shape(caller):
    assert error_of(caller.server.request("GET", "/v1/audio/transcriptions", token=caller.token), 405)
    assert error_of(caller.server.request("GET", "/v1/nothing", token=caller.token), 404)


# -- a client that comes back, and one that does not ---------------------------------------------------


def jobs_of(caller):
    return caller.user.get("/jobs").ok()


# The fake recogniser takes so long over each part.
SLOWLY = ("prompt", "fake:sleep=1500")


def send_and_hang_up(caller, content, fields=(), headers=None):
    """Sends a whole request, and goes once its job is there."""
    body, form = multipart(content, "talk.wav", fields)
    total = jobs_of(caller)["total"]
    with contextlib.closing(caller.server.connect()) as connection:
        connection.request("POST", "/v1/audio/transcriptions", body,
                           {**form, "Authorization": f"Bearer {caller.token}", **(headers or {})})
        wait_for(lambda: jobs_of(caller)["total"] > total, "the job of the request")
    return jobs_of(caller)["jobs"][0]["id"]


@pytest.fixture(scope="module", params=[ONE_MACHINE, MANY_MACHINES])
def slow(request, speech_detector):
    """A server that soon gives up jobs whose client has hung up."""
    with back_end(request.param) as behind:
        running = behind.serve("--hang-up-grace", "3s").wait_ready()
        yield running
        running.stop()


def test_who_sends_the_same_again_gets_the_job_that_is_under_way(slow, jfk):
    caller = Caller(slow)
    job = send_and_hang_up(caller, jfk.read_bytes(), [SLOWLY])
    assert jobs_of(caller)["jobs"][0]["status"] in ("pending", "processing")
    assert caller.post(jfk.read_bytes(), [SLOWLY]).status == 200
    assert [one["id"] for one in jobs_of(caller)["jobs"]] == [job]
    assert caller.post(jfk.read_bytes(), [SLOWLY, ("response_format", "srt")]).body.startswith(b"1\n")
    assert jobs_of(caller)["total"] == 1
    assert caller.user.get("/files").ok()["total"] == 1


def test_what_another_asks_or_with_other_options_is_another_job(slow, jfk):
    caller = Caller(slow)
    assert caller.post(jfk.read_bytes()).status == 200
    assert caller.post(jfk.read_bytes(), [("language", "fr")]).status == 200
    assert jobs_of(caller)["total"] == 2
    stranger = Caller(slow)
    assert stranger.post(jfk.read_bytes()).status == 200
    assert jobs_of(stranger)["total"] == 1


def test_two_at_once_are_one_job(slow, jfk):
    caller = Caller(slow)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: caller.post(jfk.read_bytes(), [SLOWLY]), range(4)))
    assert [answer.status for answer in answers] == [200] * 4
    assert len({answer.body for answer in answers}) == 1
    assert jobs_of(caller)["total"] == 1


def test_an_idempotency_key_is_good_for_one_request(slow, jfk):
    caller = Caller(slow)
    key = {"Idempotency-Key": "order-66"}
    assert caller.post(jfk.read_bytes(), headers=key).status == 200
    assert caller.post(jfk.read_bytes(), headers=key).status == 200
    assert jobs_of(caller)["total"] == 1
    other = caller.post(jfk.read_bytes(), [("language", "fr")], headers=key)
    assert error_of(other, 422)["code"] == "idempotency_key_reused"
    assert other.headers["x-should-retry"] == "false"
    assert jobs_of(caller)["total"] == 1


def test_a_job_whose_client_does_not_come_back_is_cancelled(slow, jfk):
    caller = Caller(slow)
    job = send_and_hang_up(caller, jfk.read_bytes(), [("prompt", "fake:sleep=100000")])
    assert caller.user.wait_job(job, "cancelled", "completed")["status"] == "cancelled"


@pytest.mark.parametrize("lines", [b"Host: x\r\nBad header\r\n", b"Bad header\r\n", b" Host: x\r\n"])
def test_a_malformed_head_is_refused_in_this_shape(server, lines):
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"POST /v1/audio/transcriptions HTTP/1.1\r\n" + lines + b"\r\n")
        answer = client.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert set(json.loads(answer.split(b"\r\n\r\n", 1)[1])["error"]) == {"message", "type", "param", "code"}
