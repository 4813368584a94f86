"""`tiro serve` with other settings than the tests of its API use, and beside other programs."""
import contextlib
import http.client
import json
import os
import ssl
import subprocess

import pytest
from api_server import MANY_MACHINES, ONE_MACHINE, SHARED_FOLDER, Server, User, back_end, parse_events, wait_for
from conftest import TIRO


pytestmark = pytest.mark.usefixtures("speech_detector")


@pytest.fixture(params=[ONE_MACHINE, SHARED_FOLDER])
def behind(request):
    with back_end(request.param) as found:
        yield found


def log_in(server, email, password):
    answer = server.request("POST", "/api/v1/auth/login", {"email": email, "password": password})
    return User(server, email, answer.json()) if answer.status == 200 else None


def test_the_first_administrator_comes_from_the_environment(behind):
    behind.env |= {"TIRO_ADMIN_EMAIL": "root@example.org", "TIRO_ADMIN_PASSWORD": "correct horse", "TIRO_REGISTRATION": "no"}
    server = behind.serve()
    admin = log_in(server, "root@example.org", "correct horse")
    assert set(admin.claims["roles"]) == {"admin", "user"}
    assert "correct horse" not in server.log()
    answer = server.request("POST", "/api/v1/auth/register", {"email": "a@example.org", "password": "correct horse"})
    assert (answer.status, answer.json()["code"]) == (403, "AUTHORIZATION_ERROR")
    server.stop()
    # A second start makes no other, and changes no password.
    behind.env["TIRO_ADMIN_PASSWORD"] = "another horse"
    server = behind.serve()
    assert log_in(server, "root@example.org", "another horse") is None
    assert log_in(server, "root@example.org", "correct horse")
    server.stop()


def test_what_an_administrator_does_beside_the_server_is_in_force_at_once(behind):
    server = behind.serve()
    user = server.user("ada@example.org")
    assert user.get("/jobs").status == 200

    def admin(*words, **kwargs):
        subprocess.run([TIRO, "admin", *words, "--data", behind.data], check=True, capture_output=True,
                       env={**os.environ, **behind.env}, **kwargs)

    admin("user", "set", "ada@example.org", "--inactive")
    wait_for(lambda: user.get("/jobs").status == 401, "the end of a token")
    assert log_in(server, "ada@example.org", "correct horse") is None
    admin("user", "set", "ada@example.org", "--active")
    user = log_in(server, "ada@example.org", "correct horse")
    admin("user", "password", "ada@example.org", input=b"another horse\n")
    wait_for(lambda: user.get("/jobs").status == 401, "the end of a token")
    assert log_in(server, "ada@example.org", "correct horse") is None
    assert log_in(server, "ada@example.org", "another horse").get("/jobs").status == 200
    server.stop()


def test_the_server_speaks_tls(tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost"], check=True, cwd=tmp_path, stderr=subprocess.DEVNULL)
    server = Server(tmp_path / "data", args=["--tls-certificate", tmp_path / "cert.pem", "--tls-key", tmp_path / "key.pem"])
    context = ssl.create_default_context(cafile=tmp_path / "cert.pem")
    with contextlib.closing(http.client.HTTPSConnection("localhost", server.port, context=context)) as connection:
        connection.request("GET", "/livez")
        assert json.loads(connection.getresponse().read()) == {"status": "ok"}
    server.stop()


def test_an_address_that_is_taken_is_an_error_that_names_it(tmp_path):
    server = Server(tmp_path / "data")
    done = subprocess.run([TIRO, "serve", "--data", tmp_path / "other", "--listen", f"127.0.0.1:{server.port}",
                           "--fake-engine"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0 and str(server.port) in done.stderr
    server.stop()


def test_a_model_that_is_not_here_is_an_error_before_anything_is_made(tmp_path):
    done = subprocess.run([TIRO, "serve", "--data", tmp_path / "data", "-m", "no-such-model"], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode != 0 and "no-such-model" in done.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("behind", [SHARED_FOLDER, MANY_MACHINES], indirect=True)
def test_events_reach_every_node(behind):
    nodes = [behind.serve().wait_ready() for _ in range(2)]
    user = nodes[0].user()
    created = user.upload(b"RIFF\xff\xff\x00\x00WAVEfmt " + b"\x00\xff" * 5000).ok(201)
    # A token, a file and its events are known to the other node.
    with contextlib.closing(nodes[1].connect()) as connection:
        connection.request("GET", f"/api/v1/files/{created['id']}/events", headers={"Authorization": f"Bearer {user.token}"})
        events = list(parse_events(line.decode() for line in connection.getresponse()))
    assert events[-1][1] == "failed"
    for node in nodes:
        node.stop()
