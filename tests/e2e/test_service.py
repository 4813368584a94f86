"""service.md over HTTP, as a client meets it, on every back end. Recognition is the fake one; test_service_faults.py has the
real one."""
import base64
import contextlib
import datetime
import hashlib
import re
import uuid

import pytest
from api_server import BACK_ENDS, Half, back_end, multipart, parse_events


@pytest.fixture(scope="module", params=BACK_ENDS)
def server(request, speech_detector):
    with back_end(request.param) as behind:
        running = behind.serve("--max-upload", "8M").wait_ready()
        yield running
        running.stop()


@pytest.fixture(scope="module")
def recording(jfk):
    return jfk.read_bytes()


@pytest.fixture(scope="module")
def alice(server):
    return server.user()


@pytest.fixture(scope="module")
def bob(server):
    return server.user()


@pytest.fixture(scope="module")
def done(alice, recording):
    """A file whose job has been completed."""
    created = alice.upload(recording, "talk one.wav", [("language", "en")]).ok(201)
    alice.wait_job(created["id"], "completed")
    return created


def is_time(text):
    return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text) and datetime.datetime.fromisoformat(text)


# -- the life of an upload -----------------------------------------------------------------------------


def test_an_upload_is_answered_as_the_document_says(alice, recording):
    created = alice.upload(recording, "talk.wav").ok(201)
    assert uuid.UUID(created["id"]).version == 7
    assert created["job_id"] == created["id"]
    assert (created["name"], created["upload_progress"], created["size"]) == ("talk.wav", 1, len(recording))
    assert created["status"] in ("pending", "processing", "completed")
    assert is_time(created["created_at"])
    assert created["sha256"] == hashlib.sha256(recording).hexdigest()


def test_a_completed_job_shows_in_file_job_and_transcription(alice, done):
    file = alice.get(f"/files/{done['id']}").ok()
    assert (file["status"], file["name"]) == ("completed", "talk one.wav")
    assert is_time(file["completed_at"]) >= is_time(file["created_at"])
    job = alice.get(f"/jobs/{done['id']}").ok()
    assert (job["file_name"], job["status"], job["progress"]) == ("talk one.wav", "completed", 1)
    assert is_time(job["completed_at"])
    text = alice.get(f"/transcriptions/{done['id']}").ok()
    assert text["job_id"] == done["id"]
    assert text["language"] == "en"
    assert 10.9 < text["duration"] < 11.1
    assert text["word_count"] == len(text["text"].split()) > 0
    assert 0 <= text["confidence"] <= 1
    assert " ".join(segment["text"] for segment in text["segments"]) == text["text"]
    for segment in text["segments"]:
        assert 0 <= segment["start"] <= segment["end"] <= text["duration"] + 0.1
    assert text["speakers"] == [{"id": "speaker_1", "segments": list(range(len(text["segments"])))}]


def test_events_come_in_order_and_can_be_resumed(alice, done):
    events = alice.events(done["id"])
    names = [name for _, name, _ in events]
    assert names[0] == "upload_progress" and names[-1] == "completed"
    assert sorted(set(names), key=names.index) == ["upload_progress", "job_progress", "completed"]
    ids = [int(id) for id, _, _ in events]
    assert ids == sorted(set(ids))
    last = 0
    for _, name, data in events:
        assert data["file_id"] == done["id"]
        if name == "upload_progress":
            assert 0 <= data["progress"] <= 1 and data["bytes_processed"] > 0
        if name == "job_progress":
            assert last <= data["progress"] < 1
            last = data["progress"]
    # From the middle the rest, from the end nothing, from what is no id everything.
    assert alice.events(done["id"], ids[1]) == events[2:]
    assert alice.events(done["id"], ids[-1]) is None
    assert alice.events(done["id"], "nonsense") == events


def test_an_upload_can_be_answered_with_its_events(alice, recording):
    body, headers = multipart(recording)
    headers |= {"Accept": "text/event-stream", "Authorization": f"Bearer {alice.token}"}
    with contextlib.closing(alice.server.connect()) as connection:
        connection.request("POST", "/api/v1/files/upload", body, headers)
        response = connection.getresponse()
        assert (response.status, response.headers["Content-Type"]) == (200, "text/event-stream")
        events = list(parse_events(line.decode() for line in response))
    assert [name for _, name, _ in events][-1] == "completed"
    assert alice.get(f"/files/{events[0][2]['file_id']}").ok()["status"] == "completed"


def test_progress_is_told_while_bytes_come(alice, recording):
    """The client names the id, and another connection of its reads the events before the upload has ended."""
    file_id = str(uuid.uuid4())
    content = recording * 3
    body, headers = multipart(content)
    with contextlib.closing(alice.server.connect()) as upload, contextlib.closing(alice.server.connect()) as watch:
        upload.putrequest("POST", "/api/v1/files/upload")
        for name, value in {**headers, "Authorization": f"Bearer {alice.token}", "X-Upload-Id": file_id,
                            "Content-Length": str(len(body))}.items():
            upload.putheader(name, value)
        upload.endheaders()
        upload.send(body[:len(body) // 2])
        # The client may ask before its upload has arrived: the answer waits for it.
        watch.request("GET", f"/api/v1/files/{file_id}/events", headers={"Authorization": f"Bearer {alice.token}"})
        response = watch.getresponse()
        assert response.status == 200
        events = parse_events(line.decode() for line in response)
        _, name, data = next(events)
        assert name == "upload_progress" and 0 < data["progress"] < 1 and data["file_id"] == file_id
        assert alice.get(f"/files/{file_id}").ok()["status"] == "pending"
        assert alice.get(f"/files/{file_id}/content").status == 409
        upload.send(body[len(body) // 2:])
        assert upload.getresponse().status == 201
        assert [name for _, name, _ in events][-1] == "completed"
    assert alice.get(f"/jobs/{file_id}").ok()["id"] == file_id


def test_an_id_that_is_taken_is_a_conflict_whoever_has_it(alice, bob, done, recording):
    for user in (alice, bob):
        answer = user.upload(recording, headers={"X-Upload-Id": done["id"]})
        assert (answer.status, answer.json()["code"]) == (409, "CONFLICT")
    for bad in ("123e4567-e89b-12d3-a456-426614174000", "nonsense", ""):
        answer = alice.upload(recording, headers={"X-Upload-Id": bad})
        assert (answer.status, answer.json()["details"]["field"]) == (400, "X-Upload-Id")
    assert alice.get(f"/files/{done['id']}").ok()["status"] == "completed"


@pytest.mark.parametrize("fields, query", [
    ([("language", "German"), ("priority", "-3"), ("diarize", "true"), ("model", "default"), ("other", "x")], ""),
    ([], "?language=de&priority=-3&diarize=1&model="),
])
def test_options_come_as_fields_or_in_the_query(alice, recording, fields, query):
    created = alice.upload(recording, fields=fields, query=query).ok(201)
    job = alice.get(f"/jobs/{created['id']}").ok()
    assert (job["language"], job["priority"], job["retry_count"]) == ("de", -3, 0)


@pytest.mark.parametrize("field, value", [
    ("language", "klingon"), ("priority", "11"), ("priority", "1.5"), ("priority", " 1"), ("diarize", "maybe"),
    ("model", "no-such-model"), ("language", "x" * 1000),
])
def test_a_wrong_option_is_named(alice, recording, field, value):
    before = alice.get("/files").ok()["total"]
    for answer in (alice.upload(recording, fields=[(field, value)]),
                   alice.upload(recording, query=f"?{field}={value.replace(' ', '%20')}")):
        assert (answer.status, answer.json()["code"]) == (400, "VALIDATION_ERROR")
        assert answer.json()["details"]["field"] == field
    assert alice.get("/files").ok()["total"] == before


# -- reading -------------------------------------------------------------------------------------------


def test_content_comes_whole_and_in_ranges(alice, done, recording):
    path = f"/files/{done['id']}/content"
    whole = alice.get(path)
    assert (whole.status, whole.body) == (200, recording)
    assert whole.headers["etag"] == f'"{hashlib.sha256(recording).hexdigest()}"'
    assert whole.headers["content-type"] == "audio/wav"
    assert "talk%20one.wav" in whole.headers["content-disposition"]
    for text, first, last in (("0-0", 0, 0), ("1000-200000", 1000, 200000), ("-5", len(recording) - 5, len(recording) - 1),
                              ("300000-", 300000, len(recording) - 1)):
        part = alice.get(path, {"Range": f"bytes={text}"})
        assert (part.status, part.body) == (206, recording[first:last + 1])
        assert part.headers["content-range"] == f"bytes {first}-{last}/{len(recording)}"
    assert alice.get(path, {"Range": f"bytes={len(recording)}-"}).status == 416
    assert alice.get(path, {"If-None-Match": whole.headers["etag"]}).status == 304
    head = alice.request("HEAD", path)
    assert (head.status, head.body, int(head.headers["content-length"])) == (200, b"", len(recording))


def test_a_name_that_is_a_path_loses_its_folders_and_a_strange_one_stays(alice, recording):
    for sent, kept in (("C:\\\\talks\\\\one.wav", "one.wav"), ("../../etc/passwd", "passwd"), ("سخنرانی.wav", "سخنرانی.wav")):
        created = alice.upload(recording, sent).ok(201)
        assert created["name"] == kept
        assert alice.get(f"/files/{created['id']}/content", {"Range": "bytes=0-0"}).status == 206


def test_lists_are_paged_newest_first(server, recording):
    carol = server.user()
    ids = [carol.upload(recording, f"{i}.wav").ok(201)["id"] for i in range(3)]
    for path, key in (("/files", "files"), ("/jobs", "jobs")):
        found = carol.get(path).ok()
        assert (found["total"], [row["id"] for row in found[key]]) == (3, ids[::-1])
        found = carol.get(f"{path}?limit=1&offset=1").ok()
        assert (found["total"], [row["id"] for row in found[key]]) == (3, [ids[1]])
        assert carol.get(f"{path}?offset=3").ok()[key] == []
        for field, value in (("limit", "0"), ("limit", "1001"), ("limit", "ten"), ("offset", "-1"), ("offset", "1e3")):
            answer = carol.get(f"{path}?{field}={value}")
            assert (answer.status, answer.json()["details"]["field"]) == (400, field)
    for job_id in ids:
        carol.wait_job(job_id, "completed")
    assert carol.get("/jobs?status=completed").ok()["total"] == 3
    assert carol.get("/jobs?status=failed").ok() == {"jobs": [], "total": 0}
    answer = carol.get("/jobs?status=queued")
    assert (answer.status, answer.json()["details"]["field"]) == (400, "status")


def test_paths_work_with_a_slash_at_the_end(alice, done):
    for path in ("/files/", "/jobs/", f"/files/{done['id']}/", f"/jobs/{done['id']}/"):
        assert alice.get(path).status == 200


# -- jobs ----------------------------------------------------------------------------------------------


def test_what_no_decoder_reads_fails_with_a_reason_and_can_be_tried_again(alice):
    created = alice.upload(b"RIFF\xff\xff\x00\x00WAVEfmt " + b"\x00\xff" * 5000, "broken.wav").ok(201)
    job = alice.wait_job(created["id"])
    assert (job["status"], job["error"]["code"]) == ("failed", "bad_media")
    assert job["error"]["message"]
    answer = alice.get(f"/transcriptions/{created['id']}")
    assert (answer.status, answer.json()["details"]["status"]) == (409, "failed")
    assert alice.events(created["id"])[-1][1] == "failed"
    again = alice.post(f"/jobs/{created['id']}/retry").ok()
    assert again == {"id": created["id"], "status": "pending", "retry_count": 1}
    assert alice.wait_job(created["id"])["retry_count"] == 1
    # A stream does not stop at the first failure, because the job went on after it.
    assert [name for _, name, _ in alice.events(created["id"])].count("failed") == 2


def test_what_has_ended_can_neither_be_cancelled_nor_tried_again(alice, done):
    for verb in ("cancel", "retry"):
        answer = alice.post(f"/jobs/{done['id']}/{verb}")
        assert (answer.status, answer.json()["code"]) == (409, "CONFLICT")
        assert answer.json()["details"]["status"] == "completed"


def test_a_deleted_file_is_gone_with_all_that_belongs_to_it(alice, recording):
    created = alice.upload(recording).ok(201)
    alice.wait_job(created["id"], "completed")
    assert alice.request("DELETE", f"/files/{created['id']}").ok(204) is None
    for path in ("/files/{}", "/files/{}/content", "/files/{}/events", "/jobs/{}", "/transcriptions/{}", "/keys/files/{}/key"):
        answer = alice.get(path.format(created["id"]))
        assert (answer.status, answer.json()["code"]) == (404, "NOT_FOUND")
    assert alice.request("DELETE", f"/files/{created['id']}").status == 404


def test_a_user_has_so_many_uploads_open_and_others_their_own(alice, server, recording):
    with contextlib.ExitStack() as stack:
        halves = [Half(alice, recording) for _ in range(64)]
        for half in halves:
            stack.enter_context(contextlib.closing(half.connection))
        refused = alice.upload(recording)
        assert (refused.status, refused.json()["code"], refused.headers["retry-after"]) == (429, "TOO_MANY_REQUESTS", "5")
        server.user().upload(recording).ok(201)
        assert halves[0].finish().status == 201
        alice.upload(recording).ok(201)


# -- keys and shares -----------------------------------------------------------------------------------


def test_a_share_gives_read_access_and_takes_it_back(alice, server, recording):
    dave = server.user()
    created = alice.upload(recording).ok(201)
    alice.wait_job(created["id"], "completed")
    reads = [f"/files/{created['id']}", f"/files/{created['id']}/content", f"/jobs/{created['id']}",
             f"/transcriptions/{created['id']}", f"/keys/files/{created['id']}/key"]
    share = f"/keys/files/{created['id']}/shares/{dave.id}"
    assert [dave.get(path).status for path in reads] == [404] * len(reads)
    assert dave.post(share).status == 404
    shared = alice.post(share).ok(201)
    assert (shared["file_id"], shared["user_id"]) == (created["id"], dave.id)
    assert is_time(shared["created_at"])
    assert alice.post(share).status == 409
    assert [dave.get(path).status for path in reads] == [200] * len(reads)
    key = dave.get(reads[-1]).ok()
    assert (key["file_id"], key["owner_id"]) == (created["id"], alice.id)
    assert len(base64.b64decode(key["encrypted_key"], validate=True)) == 80
    assert key["encrypted_key"] != alice.get(reads[-1]).ok()["encrypted_key"]
    assert dave.events(created["id"])[-1][1] == "completed"
    # Reading is all that it gives.
    for method, path in (("DELETE", f"/files/{created['id']}"), ("POST", f"/jobs/{created['id']}/cancel"),
                         ("POST", f"/jobs/{created['id']}/retry"), ("POST", share), ("DELETE", share)):
        answer = dave.request(method, path)
        assert (answer.status, answer.json()["code"]) == (403, "AUTHORIZATION_ERROR"), (method, path)
    assert alice.request("DELETE", share).status == 204
    assert alice.request("DELETE", share).status == 404
    assert [dave.get(path).status for path in reads] == [404] * len(reads)
    assert alice.post(f"/keys/files/{created['id']}/shares/{uuid.uuid4()}").status == 404
    assert alice.post(f"/keys/files/{created['id']}/shares/{alice.id}").status == 409


def test_a_key_of_ones_own_becomes_the_recipient(server, recording):
    erin = server.user()
    created = erin.upload(recording).ok(201)
    path = f"/keys/files/{created['id']}/key"
    before = erin.get(path).ok()["encrypted_key"]
    public = bytes(range(1, 33))
    answer = erin.request("PUT", "/keys/me", {"public_key": base64.b64encode(public).decode()}).ok()
    assert base64.b64decode(answer["public_key"]) == public
    assert answer["fingerprint"].startswith("SHA256:") and is_time(answer["created_at"])
    after = erin.get(path).ok()["encrypted_key"]
    assert after != before and len(base64.b64decode(after)) == 80
    # The server keeps its own way to the file.
    assert erin.get(f"/files/{created['id']}/content").body == recording
    for bad in ("", "AAAA", base64.b64encode(bytes(32)).decode(), base64.b64encode(public).decode() + "\n", 5, None):
        answer = erin.request("PUT", "/keys/me", {"public_key": bad})
        assert (answer.status, answer.json()["details"]["field"]) == (400, "public_key")


# -- others' things ------------------------------------------------------------------------------------


def test_what_is_anothers_is_answered_like_what_is_not_there(bob, done):
    unknown = str(uuid.uuid4())
    for method, path in (("GET", "/files/{}"), ("GET", "/files/{}/content"), ("DELETE", "/files/{}"), ("GET", "/jobs/{}"),
                         ("POST", "/jobs/{}/cancel"), ("POST", "/jobs/{}/retry"), ("GET", "/transcriptions/{}"),
                         ("GET", "/keys/files/{}/key"), ("POST", "/keys/files/{}/shares/" + bob.id)):
        theirs = bob.request(method, path.format(done["id"]))
        nobodys = bob.request(method, path.format(unknown))
        assert (theirs.status, theirs.body) == (nobodys.status, nobodys.body) == (404, theirs.body)
    assert bob.get("/files").ok()["total"] == bob.get("/jobs").ok()["total"] == 0
