"""What happens to uploads and jobs when the store behind them dies or fills up, when the database is away, and when
clients stall."""
import concurrent.futures
import contextlib
import os
import random
import re
import subprocess
import time
import uuid

import pytest
from api_server import PATIENCE, Half, Server, follow, has_part, postgres, repeated, s3, stored, wait_for
from conftest import ROOT, TIRO, missing

POSTGRES = ROOT / "tests" / "support" / "postgres"

pytestmark = pytest.mark.usefixtures("speech_detector")


@pytest.fixture
def store(folder):
    place = folder / "s3"
    place.mkdir()
    with s3(place) as env:
        env.folder = place
        yield env


def noise(mebibytes):
    """A file that cannot be compressed and begins like a recording."""
    return b"RIFF\xff\xff\xff\x7fWAVEfmt " + random.Random(1).randbytes(mebibytes << 20)


def objects(store):
    """Names of what the bucket has."""
    bucket = store.folder / "s3" / "bucket"
    return [str(path.relative_to(bucket)) for path in stored(bucket)]


def requests(store):
    return (store.folder / "requests").read_text(encoding="ascii").splitlines()


# -- the store dies --------------------------------------------------------------------------------------


def test_a_store_that_is_killed_in_the_middle_of_an_upload_is_a_503_and_leaves_nothing(folder, store, jfk):
    server = Server(folder / "data", store).wait_ready()
    user = server.user()
    # Large enough to be sent in parts.
    half = Half(user, noise(40))
    wait_for(lambda: any("partNumber=" in line for line in requests(store)), "a part")
    store.tell("kill")
    answer = half.finish()
    assert (answer.status, answer.headers["Retry-After"] is not None) == (503, True)
    assert user.get(f"/files/{half.id}").status == 404
    store.tell("start")
    assert not [name for name in objects(store) if name.startswith("files/")]
    # The id is free, and all is well.
    created = user.upload(jfk.read_bytes(), headers={"X-Upload-Id": half.id}).ok(201)
    user.wait_job(created["id"], "completed")
    server.stop()


def test_what_a_killed_server_has_begun_to_put_into_the_store_is_swept(folder, store):
    server = Server(folder / "data", store).wait_ready()
    half = Half(server.user(), noise(40))
    wait_for(lambda: any("partNumber=" in line for line in requests(store)), "a part")
    server.kill()
    begun = [line for line in requests(store) if line.startswith("POST ") and "uploads" in line]
    assert len(begun) == 1 and half.id in begun[0]
    again = Server(folder / "data", store).wait_ready()
    wait_for(lambda: [line for line in requests(store) if line.startswith("DELETE ") and "uploadId=" in line
                      and half.id in line], "the end of an unfinished upload")
    again.stop()


def test_a_job_goes_on_when_the_store_is_back(folder, store, jfk):
    server = Server(folder / "data", store).wait_ready()
    user = server.user()
    created = user.upload(repeated(jfk, 24)).ok(201)
    follow(user, created["id"], has_part)
    store.tell("kill")
    wait_for(lambda: re.search(r"part \d+ of job .*, stage \d", server.log()), "a part that met the outage")
    assert user.get(f"/jobs/{created['id']}").ok()["status"] == "processing"
    store.tell("start")
    job = user.wait_job(created["id"], "completed", "failed")
    assert job["status"] == "completed", (job, server.log())
    # The recording and the result: the parts are gone.
    wait_for(lambda: len(objects(store)) == 2, "a store without parts")
    server.stop()


# -- database and store belong together -----------------------------------------------------------------


def refusal(data, env, command="serve"):
    """What a node says that does not start."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("POSTGRES_", "MINIO_"))}
    listen = ["--listen", "127.0.0.1:0"] if command == "serve" else []
    ended = subprocess.run([TIRO, command, "--data", data, "--fake-engine", *listen], env={**clean, **env},
                           capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert ended.returncode != 0
    return ended.stderr


def test_a_wrong_secret_is_said_at_the_start(folder, store):
    said = refusal(folder / "data", {**store, "MINIO_SECRET_KEY": "wrong"})
    assert "S3_SECRET_KEY" in said
    Server(folder / "data", store).wait_ready().stop()


def test_a_bucket_that_is_not_there_is_made_and_its_sweep_warns_of_nothing(folder, store):
    server = Server(folder / "data", {**store, "MINIO_BUCKET": "fresh"}).wait_ready()
    server.stop()
    assert (store.folder / "s3" / "fresh" / "installation").is_file()
    assert "NoSuchBucket" not in server.log()


def test_the_store_of_another_installation_is_refused(folder, store):
    Server(folder / "data", store).wait_ready().stop()
    assert "another installation" in refusal(folder / "other", store)
    # The first one is as it was.
    Server(folder / "data", store).wait_ready().stop()


def test_a_store_that_dies_and_comes_back_shows_in_readyz(folder, store):
    server = Server(folder / "data", store).wait_ready()
    store.tell("kill")
    wait_for(lambda: server.request("GET", "/readyz").status == 503, "a server that is not ready")
    assert server.request("GET", "/readyz").json()["checks"]["storage"] == "network"
    store.tell("start")
    server.wait_ready()
    server.stop()


def test_a_worker_over_another_folder_refuses(folder):
    place = folder / "postgres"
    place.mkdir()
    place.chmod(0o755)
    folder.chmod(0o755)
    with postgres(place) as env:
        server = Server(folder / "data", env).wait_ready()
        master = {"TIRO_MASTER_KEY_FILE": str(folder / "data" / "master.key")}
        assert "not the one that this database was used with" in refusal(folder / "other", {**env, **master}, "worker")
        server.stop()


# -- a full disk -----------------------------------------------------------------------------------------


@pytest.fixture
def small_disk():
    """A function that puts a file system of a few megabytes at a folder."""
    with contextlib.ExitStack() as ending:

        def mount(place):
            place.mkdir(parents=True)
            mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m,mode=0700", "tmpfs", place],
                                     capture_output=True, check=False)
            if mounted.returncode != 0:
                missing("the right to mount a tmpfs")
            ending.callback(subprocess.run, ["umount", "--lazy", place], check=True)
            return place

        yield mount


def fill(place):
    """Takes what room there is; whoever deletes the file gives it back."""
    stone = place / "stone"
    with stone.open("wb", buffering=0) as out, contextlib.suppress(OSError):
        while True:
            out.write(bytes(1 << 12))
    return stone


def test_a_store_that_fills_up_in_the_middle_of_a_job_fails_it_and_a_retry_succeeds(folder, small_disk, jfk):
    blobs = small_disk(folder / "data" / "blobs")
    server = Server(folder / "data").wait_ready()
    user = server.user()
    created = user.upload(repeated(jfk, 40)).ok(201)
    stone = fill(blobs)
    job = user.wait_job(created["id"])
    assert job["status"] == "failed", job
    assert (job["error"]["code"], str(folder) in job["error"]["message"]) == ("no_space", False)
    stone.unlink()
    user.post(f"/jobs/{created['id']}/retry").ok()
    job = user.wait_job(created["id"])
    assert job["status"] == "completed", (job, server.log())
    server.stop()


def test_a_disk_without_any_room_holds_a_job_up_and_loses_nothing(folder, small_disk, jfk):
    """Not even the database can write."""
    disk = small_disk(folder / "disk")
    server = Server(disk / "data").wait_ready()
    user = server.user()
    created = user.upload(repeated(jfk, 16)).ok(201)
    stone = fill(disk)
    assert user.upload(jfk.read_bytes()).status == 507
    assert user.get(f"/jobs/{created['id']}").status == 200
    stone.unlink()
    job = user.wait_job(created["id"])
    assert job["status"] == "completed", (job, server.log())
    server.stop()


# -- the database is away, a node dies --------------------------------------------------------------------


def test_an_outage_of_the_database_is_told_within_a_second(folder, jfk):
    place = folder / "postgres"
    place.mkdir()
    place.chmod(0o755)
    with postgres(place) as env:
        server = Server(folder / "data", env).wait_ready()
        user = server.user()
        half = Half(user, repeated(jfk, 8))
        subprocess.run([POSTGRES, "kill", place], check=True)
        asked = [lambda: user.get("/jobs"), lambda: user.get("/files"), lambda: user.upload(jfk.read_bytes()),
                 lambda: server.request("POST", "/api/v1/auth/login",
                                        {"email": user.email, "password": "correct horse"})]
        for ask in asked * 5:
            start = time.monotonic()
            answer = ask()
            assert (answer.status, answer.headers["retry-after"]) == (503, "1")
            assert time.monotonic() - start < 2, answer.body
        subprocess.run([POSTGRES, "start", place], check=True)
        wait_for(lambda: user.get("/jobs").status == 200, "a database")
        # What was under way has waited.
        assert half.finish().status == 201
        user.wait_job(half.id, "completed")
        server.stop()


def test_the_id_of_an_upload_whose_node_has_died_is_free_again(folder, jfk):
    place = folder / "postgres"
    place.mkdir()
    place.chmod(0o755)
    with postgres(place) as env:
        first = Server(folder / "data", env).wait_ready()
        second = Server(folder / "data", env).wait_ready()
        user = first.user()
        half = Half(user, repeated(jfk, 8))
        first.kill()
        user.server = second
        assert user.upload(jfk.read_bytes(), headers={"X-Upload-Id": half.id}).status == 409
        wait_for(lambda: user.get(f"/files/{half.id}").status == 404, "a free id")
        assert user.upload(jfk.read_bytes(), headers={"X-Upload-Id": half.id}).ok(201)["id"] == half.id
        user.wait_job(half.id, "completed")
        second.stop()


# -- clients that stall ------------------------------------------------------------------------------------


def test_clients_that_stop_sending_harm_nobody_and_are_cut_off(folder, jfk):
    server = Server(folder / "data").wait_ready()
    slow, quick = server.user(), server.user()
    # More than there are threads for uploads.
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        halves = list(pool.map(lambda _: Half(slow, repeated(jfk, 4)), range(40)))
    start = time.monotonic()
    for _ in range(5):
        created = quick.upload(jfk.read_bytes()).ok(201)
        quick.wait_job(created["id"], "completed")
    assert time.monotonic() - start < 10
    # 30 s of silence (http/limits.h), and what was sent is gone.
    assert halves[0].connection.getresponse().status == 408
    wait_for(lambda: slow.get("/files").ok()["total"] == 0, "the end of all that stalled")
    # Of the other user five recordings and their words are there, and nothing else.
    assert len(stored(folder / "data" / "blobs")) == 10
    server.stop()


def test_a_client_that_hangs_up_leaves_nothing(folder, jfk):
    server = Server(folder / "data").wait_ready()
    user = server.user()
    half = Half(user, repeated(jfk, 8))
    half.connection.sock.close()
    wait_for(lambda: user.get(f"/files/{half.id}").status == 404, "the end of the upload")
    assert stored(folder / "data" / "blobs") == []
    assert str(uuid.UUID(half.id)) in user.upload(jfk.read_bytes(), headers={"X-Upload-Id": half.id}).body.decode()
    server.stop()
