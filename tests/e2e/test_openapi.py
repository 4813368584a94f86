"""docs/openapi.json against a running server: schemathesis asks what the document allows, and reads the answers by it."""
import pathlib
import subprocess
import sys

import pytest
from api_server import MANY_MACHINES, ONE_MACHINE, back_end
from conftest import missing

PROGRAM = pathlib.Path(sys.executable).with_name("schemathesis")
CONFIG = pathlib.Path(__file__).with_name("schemathesis.toml")


def ask(server, token, folder, *which):
    # The same seed asks the same questions, so that a failure can be looked at again.
    done = subprocess.run([PROGRAM, "--config-file", CONFIG, "run", f"http://127.0.0.1:{server.port}/openapi.json", "-H",
                           f"Authorization: Bearer {token}", "--max-examples", "10", "--workers", "1", "--seed", "1", *which],
                          capture_output=True, text=True, cwd=folder, timeout=300, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("behind", [ONE_MACHINE, MANY_MACHINES])
def test_the_document_and_the_server_say_the_same(behind, tmp_path, jfk, speech_detector):
    if not PROGRAM.exists():
        missing("schemathesis (scripts/test)")
    with back_end(behind) as place:
        server = place.serve().wait_ready()
        user = server.user()
        user.upload(jfk.read_bytes()).ok(201)
        ask(server, user.token, tmp_path)
        ask(server, place.api_token(user), tmp_path, "--include-path-regex", "^/v1/")
        server.stop()
