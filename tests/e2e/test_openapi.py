"""docs/openapi.json against a running server, by schemathesis where it is installed (or TIRO_SCHEMATHESIS names it)."""
import os
import pathlib
import shutil
import subprocess

import pytest
from api_server import Server
from conftest import has_model

PROGRAM = os.environ.get("TIRO_SCHEMATHESIS") or shutil.which("schemathesis")
CONFIG = pathlib.Path(__file__).with_name("schemathesis.toml")


@pytest.mark.skipif(PROGRAM is None, reason="schemathesis is not installed")
def test_the_document_and_the_server_say_the_same(tmp_path, jfk):
    if not has_model("silero-vad"):
        pytest.skip("no speech detector: run tiro models pull")
    server = Server(tmp_path / "data").wait_ready()
    user = server.user()
    user.upload(jfk.read_bytes()).ok(201)
    done = subprocess.run([PROGRAM, "--config-file", CONFIG, "run", f"http://127.0.0.1:{server.port}/openapi.json", "-H",
                           f"Authorization: Bearer {user.token}", "--max-examples", "10", "--workers", "1"],
                          capture_output=True, text=True, cwd=tmp_path, timeout=600, check=False)
    assert done.returncode == 0, done.stdout
    server.stop()
