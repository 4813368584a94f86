"""`tiro admin user delete` beside a running server: nothing of the user is left, and nothing of others is touched."""
import contextlib
import os
import subprocess
import threading

import pytest
from api_server import PATIENCE, Server, follow, has_part, postgres, repeated, stored, wait_for
from conftest import TIRO

pytestmark = pytest.mark.usefixtures("speech_detector")


@pytest.fixture(params=["sqlite", "postgres"])
def env(request, folder):
    if request.param == "sqlite":
        yield {}
        return
    place = folder / "postgres"
    place.mkdir()
    place.chmod(0o755)
    with postgres(place) as found:
        yield found


def follow_to_the_end(user, file_id):
    with contextlib.suppress(AssertionError):
        follow(user, file_id, lambda name, data: False)


def test_a_deleted_user_leaves_nothing(folder, env, jfk):
    server = Server(folder / "data", env).wait_ready()
    ada, bob = server.user(), server.user()
    done = ada.upload(jfk.read_bytes()).ok(201)
    shared = bob.upload(jfk.read_bytes()).ok(201)
    for user, file in ((ada, done), (bob, shared)):
        user.wait_job(file["id"], "completed")
    ada.post(f"/keys/files/{done['id']}/shares/{bob.id}").ok(201)
    bob.post(f"/keys/files/{shared['id']}/shares/{ada.id}").ok(201)
    running = ada.upload(repeated(jfk, 300)).ok(201)
    follow(ada, running["id"], has_part)
    stream = threading.Thread(target=follow_to_the_end, args=(ada, running["id"]), daemon=True)
    stream.start()
    deleted = subprocess.run([TIRO, "admin", "user", "delete", ada.email, "--data", folder / "data"], capture_output=True,
                             text=True, check=False, env={**os.environ, **env})
    assert (deleted.returncode, deleted.stdout) == (0, f"{ada.email}: deleted\n"), deleted.stderr
    # On SQLite a server hears of it within a second.
    wait_for(lambda: ada.get("/jobs").status == 401, "the end of a token")
    assert server.request("POST", "/api/v1/auth/login", {"email": ada.email, "password": "correct horse"}).status == 401
    stream.join(PATIENCE)
    assert not stream.is_alive()
    assert bob.get(f"/files/{done['id']}").status == 404
    assert [file["id"] for file in bob.get("/files").ok()["files"]] == [shared["id"]]
    bob.get(f"/transcriptions/{shared['id']}").ok()
    blobs = folder / "data" / "blobs"
    wait_for(lambda: len(stored(blobs)) == 2, "a store with one recording")
    # The name is free, for somebody who has nothing.
    assert server.user(ada.email).get("/files").ok()["total"] == 0
    server.stop()
