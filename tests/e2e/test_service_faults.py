"""What happens to uploads and jobs when a server, a worker or a client dies, and that stopping is orderly. With the real
recogniser where its model is here."""
import contextlib
import pathlib
import random
import re
import signal
import subprocess
import tempfile
import threading
import time

import pytest
from api_server import MANY_MACHINES, ONE_MACHINE, SHARED_FOLDER, Half, Server, back_end, follow, has_part, multipart
from api_server import parse_events, repeated, wait_for
from conftest import ROOT, missing

pytestmark = pytest.mark.usefixtures("speech_detector")


@pytest.fixture(params=[ONE_MACHINE, MANY_MACHINES])
def behind(request):
    with back_end(request.param) as found:
        yield found


# -- jobs ------------------------------------------------------------------------------------------------


def test_a_server_that_is_killed_goes_on_where_it_was(behind, jfk, speech_model):
    server = behind.serve(fake=False).wait_ready()
    user = server.user()
    created = user.upload(repeated(jfk, 16), fields=[("language", "en")]).ok(201)
    seen = follow(user, created["id"], has_part)
    server.kill()
    again = behind.serve(fake=False).wait_ready()
    user.server = again
    job = user.wait_job(created["id"], "completed", "failed")
    assert job["status"] == "completed", job
    text = user.get(f"/transcriptions/{created['id']}").ok()
    assert len(re.findall("country", text["text"])) == 32
    # What was recognised is not recognised again: parts done only grow.
    done = [data["parts_done"] for _, name, data in user.events(created["id"]) if has_part(name, data)]
    assert done == sorted(set(done)) and done[0] <= seen["parts_done"]
    again.stop()


def test_a_running_job_is_cancelled_within_two_seconds(behind, jfk, speech_model):
    server = behind.serve(fake=False).wait_ready()
    user = server.user()
    created = user.upload(repeated(jfk, 60), fields=[("language", "en")]).ok(201)
    follow(user, created["id"], lambda name, data: name == "job_progress")
    user.wait_job(created["id"], "processing")
    start = time.monotonic()
    answer = user.post(f"/jobs/{created['id']}/cancel").ok()
    assert (answer["id"], answer["status"]) == (created["id"], "cancelled")
    assert answer["cancelled_at"].endswith("Z")
    # The engine is free at once: another recording is through before the cancelled one could have been.
    other = user.upload(jfk.read_bytes(), fields=[("language", "en")]).ok(201)
    user.wait_job(other["id"], "completed")
    assert time.monotonic() - start < 2 + 3
    assert user.get(f"/jobs/{created['id']}").ok()["status"] == "cancelled"
    assert user.events(created["id"])[-1][1] == "cancelled"
    assert user.get(f"/transcriptions/{created['id']}").json()["details"]["status"] == "cancelled"
    assert user.post(f"/jobs/{created['id']}/retry").status == 409
    server.stop()


def test_deleting_a_file_cancels_its_job_and_ends_its_streams(behind, jfk, speech_model):
    server = behind.serve(fake=False).wait_ready()
    user = server.user()
    created = user.upload(repeated(jfk, 60), fields=[("language", "en")]).ok(201)
    ended = []
    watcher = threading.Thread(target=lambda: ended.append(user.events(created["id"])))
    watcher.start()
    follow(user, created["id"], has_part)
    user.request("DELETE", f"/files/{created['id']}").ok(204)
    watcher.join(10)
    assert ended and ended[0][-1][1] != "completed"
    wait_for(lambda: behind.objects() == [], "an empty store")
    server.stop()


# A lease must run out first, so not every pair is tried.
@pytest.mark.parametrize("behind, victim", [(SHARED_FOLDER, "serve"), (MANY_MACHINES, "worker")], indirect=["behind"])
def test_a_job_survives_the_node_that_works_on_it(behind, jfk, speech_model, victim):
    """Two nodes over one PostgreSQL: a server whose worker has little to say, and a worker."""
    server = behind.serve(fake=False).wait_ready()
    worker = behind.serve("--metrics-listen", "127.0.0.1:0", fake=False, command="worker")
    worker.port = int(worker.wait_log(r"health is told on \S+:(\d+)")[1])
    worker.wait_ready()
    assert worker.request("GET", "/livez").status == 200
    assert worker.request("GET", "/api/v1/jobs").status == 404
    user = server.user()
    created = user.upload(repeated(jfk, 16), fields=[("language", "en")]).ok(201)
    follow(user, created["id"], has_part)
    if victim == "serve":
        server.kill()
        server = behind.serve(fake=False).wait_ready()
        user.server = server
    else:
        worker.kill()
    job = user.wait_job(created["id"], "completed", "failed")
    assert job["status"] == "completed", (job, server.log(), worker.log())
    text = user.get(f"/transcriptions/{created['id']}").ok()
    assert len(re.findall("country", text["text"])) == 32
    if victim == "serve":
        worker.stop()
    server.stop()


# -- uploads ---------------------------------------------------------------------------------------------


def test_an_upload_that_dies_with_the_server_leaves_nothing(behind, jfk):
    server = behind.serve().wait_ready()
    user = server.user()
    half = Half(user, repeated(jfk, 8))
    server.kill()
    again = behind.serve().wait_ready()
    user.server = again
    wait_for(lambda: user.get("/files").ok()["total"] == 0, "an empty list")
    wait_for(lambda: behind.objects() == [], "an empty store")
    # The id is free again.
    assert user.upload(jfk.read_bytes(), headers={"X-Upload-Id": half.id}).ok(201)["id"] == half.id
    again.stop()


def refuses_connections(server):
    with contextlib.closing(server.connect()) as connection:
        try:
            connection.connect()
        except OSError:
            return True
    return False


def test_a_server_that_is_told_to_stop_finishes_what_is_under_way(behind, jfk):
    server = behind.serve().wait_ready()
    user = server.user()
    half = Half(user, repeated(jfk, 8))
    idle = server.connect()
    idle.connect()
    server.process.send_signal(signal.SIGTERM)
    server.wait_log("told to stop")
    wait_for(lambda: refuses_connections(server), "a closed door")
    response = half.finish()
    assert (response.status, response.headers["Connection"]) == (201, "close")
    assert server.process.wait(20) == 0
    again = behind.serve().wait_ready()
    user.server = again
    user.wait_job(half.id, "completed")
    again.stop()


def test_a_second_signal_stops_at_once(behind, jfk):
    server = behind.serve().wait_ready()
    user = server.user()
    Half(user, repeated(jfk, 8))
    server.process.send_signal(signal.SIGTERM)
    server.wait_log("told to stop")
    assert server.process.poll() is None
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(5) == 128 + signal.SIGTERM


def test_event_streams_end_with_the_server_and_can_be_resumed(behind, jfk):
    server = behind.serve().wait_ready()
    user = server.user()
    half = Half(user, repeated(jfk, 8))
    seen, began = [], threading.Event()

    def watch():
        with contextlib.closing(server.connect()) as connection:
            connection.request("GET", f"/api/v1/files/{half.id}/events", headers={"Authorization": f"Bearer {user.token}"})
            for event in parse_events(line.decode() for line in connection.getresponse()):
                seen.append(event)
                began.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    assert began.wait(20)
    server.process.send_signal(signal.SIGTERM)
    watcher.join(10)
    assert not watcher.is_alive()
    assert half.finish().status == 201
    assert server.process.wait(20) == 0
    again = behind.serve().wait_ready()
    user.server = again
    rest = user.events(half.id, seen[-1][0])
    assert rest[-1][1] == "completed"
    again.stop()


def test_an_upload_that_is_answered_with_events_ends_them_when_the_server_stops(behind, jfk):
    server = behind.serve().wait_ready()
    user = server.user()
    half = Half(user, repeated(jfk, 8), "text/event-stream")
    server.process.send_signal(signal.SIGTERM)
    server.wait_log("told to stop")
    events = list(parse_events(line.decode() for line in half.finish()))
    # The last one says that the file is there, and the stream has a proper end; the job's events are the next server's.
    assert {name for _, name, _ in events} == {"upload_progress"}
    assert events[-1][2]["progress"] == 1
    assert server.process.wait(20) == 0
    again = behind.serve().wait_ready()
    user.server = again
    assert user.events(half.id, events[-1][0])[-1][1] == "completed"
    again.stop()


# -- memory ----------------------------------------------------------------------------------------------


def memory_kib(process):
    text = open(f"/proc/{process.pid}/status", encoding="ascii").read()
    return int(re.search(r"VmHWM:\s+(\d+)", text)[1])


def test_a_large_upload_takes_no_more_memory_than_a_small_one(behind):
    server = behind.serve().wait_ready()
    user = server.user()
    piece = b"RIFF\xff\xff\xff\x7fWAVEfmt " + bytes(range(256)) * 4095
    user.upload(piece).ok(201)
    before = memory_kib(server.process)
    size = 300
    head, headers = multipart(piece)
    tail = head[head.index(piece) + len(piece):]
    head = head[:head.index(piece)]

    def form():
        yield head
        for _ in range(size):
            yield piece
        yield tail

    with contextlib.closing(server.connect()) as connection:
        connection.request("POST", "/api/v1/files/upload", form(), {**headers, "Authorization": f"Bearer {user.token}"},
                           encode_chunked=True)
        response = connection.getresponse()
        assert response.status == 201, response.read()
    assert memory_kib(server.process) - before < 16 * 1024
    server.stop()


# -- what stands behind the server -----------------------------------------------------------------------


@pytest.mark.parametrize("behind", [SHARED_FOLDER, MANY_MACHINES], indirect=True)
def test_a_database_that_is_killed_costs_time_and_nothing_else(behind, jfk, speech_model):
    database = behind.folder / "postgres"
    script = ROOT / "tests" / "support" / "postgres"
    server = behind.serve("--database-timeout", "2s", fake=False).wait_ready()
    user = server.user()
    created = user.upload(repeated(jfk, 16), fields=[("language", "en")]).ok(201)
    half = Half(user, repeated(jfk, 8))
    follow(user, created["id"], has_part)
    subprocess.run([script, "kill", database], check=True)
    answer = server.request("GET", "/readyz")
    assert (answer.status, answer.json()["checks"]["database"] != "ok") == (503, True)
    answer = user.get("/jobs")
    assert (answer.status, answer.json()["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert str(database) not in answer.json()["message"]
    subprocess.run([script, "start", database], check=True)
    server.wait_ready()
    # The upload meets the new database: its row is still there.
    assert half.finish().status == 201
    for file_id in (created["id"], half.id):
        job = user.wait_job(file_id, "completed", "failed")
        assert job["status"] == "completed", (job, server.log())
    assert len(re.findall("country", user.get(f"/transcriptions/{created['id']}").ok()["text"])) == 32
    server.stop()


@pytest.mark.parametrize("behind", ["sqlite+s3", MANY_MACHINES], indirect=True)
def test_a_store_that_is_away_is_a_503_and_leaves_nothing(behind, jfk):
    faults = behind.folder / "s3" / "faults"
    server = behind.serve().wait_ready()
    user = server.user()
    # Every request of the upload's object meets an error that does not pass.
    faults.write_text("PUT files 0 1000 503\n", encoding="ascii")
    answer = user.upload(jfk.read_bytes())
    assert (answer.status, answer.json()["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert user.get("/files").ok()["total"] == 0
    faults.write_text("", encoding="ascii")
    created = user.upload(jfk.read_bytes()).ok(201)
    user.wait_job(created["id"], "completed")
    server.stop()


@pytest.fixture
def small_disk():
    """A file system of a few megabytes."""
    with tempfile.TemporaryDirectory() as name:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs", name], capture_output=True,
                                 check=False)
        if mounted.returncode != 0:
            missing("the right to mount a tmpfs")
        try:
            yield pathlib.Path(name)
        finally:
            subprocess.run(["umount", name], check=True)


def test_a_full_disk_is_a_507_and_recovers(small_disk, jfk):
    server = Server(small_disk / "data").wait_ready()
    user = server.user()
    noise = b"RIFF\xff\xff\xff\x7fWAVEfmt " + random.Random(1).randbytes(40 << 20)
    answer = user.upload(noise)
    assert (answer.status, answer.json()["code"]) == (507, "INSUFFICIENT_STORAGE")
    assert str(small_disk) not in answer.json()["message"]
    assert user.get("/files").ok()["total"] == 0
    created = user.upload(jfk.read_bytes()).ok(201)
    user.wait_job(created["id"], "completed")
    server.stop()


def test_on_a_full_disk_there_is_room_to_delete(small_disk, jfk):
    server = Server(small_disk / "data").wait_ready()
    user = server.user()
    noise = b"RIFF\xff\xff\xff\x7fWAVEfmt " + random.Random(1).randbytes(1 << 20)
    files = []
    while (answer := user.upload(noise)).status == 201:
        files.append(answer.json()["id"])
    assert answer.status == 507 and "delete files" in answer.json()["message"]
    server.request("POST", "/api/v1/auth/login", {"email": user.email, "password": "correct horse"}).ok()
    for file in files:
        user.request("DELETE", f"/files/{file}").ok(204)
    created = user.upload(jfk.read_bytes()).ok(201)
    user.wait_job(created["id"], "completed")
    server.stop()


def test_a_full_quota_is_a_507_that_says_so(behind, jfk):
    server = behind.serve().wait_ready()
    user = server.user()
    first = user.upload(jfk.read_bytes()).ok(201)
    behind.sql("UPDATE plans SET storage_bytes = 500000")
    answer = user.upload(jfk.read_bytes())
    assert (answer.status, answer.json()["code"]) == (507, "INSUFFICIENT_STORAGE")
    assert "quota" in answer.json()["message"]
    user.request("DELETE", f"/files/{first['id']}").ok(204)
    user.upload(jfk.read_bytes()).ok(201)
    server.stop()
