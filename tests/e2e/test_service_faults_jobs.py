"""What happens to a job whose children are killed in the middle of it: nothing is lost, and nothing is recognised twice but what
was in the engine's hands."""
import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import time

import pytest
from api_server import PATIENCE, Server, follow, has_part, repeated
from conftest import TIRO, children_of

THREADS = 2

pytestmark = pytest.mark.usefixtures("speech_detector")


def query(server, sql):
    with contextlib.closing(sqlite3.connect(f"file:{server.data}/tiro.db?mode=ro", uri=True)) as database:
        return database.execute(sql).fetchone()


def catch(server, program, condition):
    """The child of that name, stopped in its tracks once `condition` is met while it lives."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for pid in children_of(server.process.pid, program):
            if condition():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
                    return pid
    raise AssertionError(f"no {program} was caught: {server.log()}")


def words(user, file_id):
    found = user.get(f"/transcriptions/{file_id}").ok()
    return found["text"], found["segments"]


def progress(user, file_id):
    return [data["parts_done"] for _, name, data in user.events(file_id) if has_part(name, data)]


def test_a_jail_that_is_killed_costs_time_and_no_words(tmp_path, jfk):
    server = Server(tmp_path / "data").wait_ready()
    user = server.user()
    recording = repeated(jfk, 60)
    whole = user.upload(recording, fields=[("language", "en")]).ok(201)
    user.wait_job(whole["id"], "completed")
    created = user.upload(recording, fields=[("language", "en")]).ok(201)
    jail = catch(server, "tiro-jail-audio", lambda: query(server, "SELECT parts_planned FROM jobs WHERE state = 1") > (0,))
    assert query(server, "SELECT planned FROM jobs WHERE state = 1") == (0,)
    os.kill(jail, signal.SIGKILL)
    job = user.wait_job(created["id"], "completed", "failed")
    assert job["status"] == "completed", (job, server.log())
    assert "the decoder was killed from outside" in server.log()
    assert words(user, created["id"]) == words(user, whole["id"])
    # Each part counts once, though it was planned twice.
    done = progress(user, created["id"])
    assert done == list(range(1, len(done) + 1)) == progress(user, whole["id"])
    server.stop()


def test_an_engine_that_is_killed_costs_the_parts_in_its_hands(tmp_path, jfk, speech_model):
    server = Server(tmp_path / "data", args=["--threads", str(THREADS)], fake=False).wait_ready()
    user = server.user()
    created = user.upload(repeated(jfk, 16), fields=[("language", "en")]).ok(201)
    follow(user, created["id"], has_part)
    [engine] = children_of(server.process.pid, "tiro-engine")
    os.kill(engine, signal.SIGKILL)
    job = user.wait_job(created["id"], "completed", "failed")
    assert job["status"] == "completed", (job, server.log())
    assert children_of(server.process.pid, "tiro-engine") not in ([], [engine])
    assert len(re.findall("the engine was lost", server.log())) == 1
    assert 1 <= len(re.findall(r"part \d+ of job [0-9a-f-]{36} \(\d+ in the queue\), stage 1", server.log())) <= THREADS
    text = user.get(f"/transcriptions/{created['id']}").ok()
    assert len(re.findall("country", text["text"])) == 32
    done = progress(user, created["id"])
    assert done == list(range(1, len(done) + 1))
    server.stop()


def test_children_leave_signals_to_the_server(tmp_path, jfk):
    server = Server(tmp_path / "data").wait_ready()
    user = server.user()
    created = user.upload(repeated(jfk, 60), fields=[("language", "en")]).ok(201)
    follow(user, created["id"], has_part)
    # As Ctrl-C and a service manager do: to all of the group.
    children = children_of(server.process.pid)
    for pid in children:
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
    assert user.wait_job(created["id"], "completed", "failed")["status"] == "completed"
    assert "was killed" not in server.log()
    server.stop()


def test_beside_a_server_on_sqlite_commands_work_and_a_worker_is_refused(tmp_path):
    server = Server(tmp_path / "data").wait_ready()
    listed = subprocess.run([TIRO, "admin", "user", "list", "--data", server.data], capture_output=True, text=True,
                            timeout=60, check=False)
    assert listed.returncode == 0, listed.stderr
    second = subprocess.run([TIRO, "worker", "--data", server.data, "--fake-engine"], capture_output=True, text=True,
                            timeout=60, check=False)
    assert second.returncode == 78 and "set POSTGRES_HOST and POSTGRES_PASSWORD" in second.stderr
    assert server.request("GET", "/readyz").status == 200
    server.stop()
