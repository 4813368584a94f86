"""curl as the client, first with the README's very commands."""
import json
import re
import shutil
import subprocess

import pytest
from api_server import MANY_MACHINES, ONE_MACHINE, back_end, parse_events
from conftest import ROOT, missing

MAX_UPLOAD = 8 << 20


@pytest.fixture(scope="module", autouse=True)
def programs():
    for name in ("curl", "jq"):
        if not shutil.which(name):
            missing(name)


@pytest.fixture(scope="module", params=[ONE_MACHINE, MANY_MACHINES])
def server(request, speech_detector):
    with back_end(request.param) as behind:
        running = behind.serve("--max-upload", str(MAX_UPLOAD)).wait_ready()
        yield running
        running.stop()


@pytest.fixture
def curl(server, tmp_path):
    """Runs curl as a user of the server's; the answer as text, and what -w says behind the last line."""
    user = server.user()

    def call(path, *words, **kwargs):
        return subprocess.run(["curl", "-sS", f"http://127.0.0.1:{server.port}/api/v1{path}", "-H",
                               f"Authorization: Bearer {user.token}", *words], cwd=tmp_path, check=True, capture_output=True,
                              timeout=60, **kwargs).stdout

    call.user = user
    return call


def readme_commands(port):
    """The blocks of the README from the one that begins with api= on, without the remarks behind the commands."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = re.search(r"^    api=.*?(?=^`/docs`)", text, re.MULTILINE | re.DOTALL)[0]
    lines = [re.sub(r" {4,}\S.*", "", line.strip()) for line in section.splitlines() if line.startswith("    ")]
    assert lines[0] == "api=http://127.0.0.1:8080/api/v1"
    lines[0] = lines[0].replace("8080", str(port))
    return "\n".join(lines)


@pytest.mark.parametrize("name", [ONE_MACHINE, MANY_MACHINES])
def test_the_commands_of_the_readme_work(name, tmp_path, jfk, speech_model):
    shutil.copy(jfk, tmp_path / "talk.mp3")
    with back_end(name) as behind:
        server = behind.serve(fake=False).wait_ready()
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", readme_commands(server.port)], cwd=tmp_path,
                              capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        events, _, texts = done.stdout.partition("event: completed\n")
        assert "job_progress" in [event for _, event, _ in parse_events((events + "\n").split("\n"))]
        assert texts.count("ask what you can do") >= 1 and " --> " in texts
        server.stop()


@pytest.mark.parametrize("source", ["@talk.wav", "@-;filename=talk.wav"])
def test_a_form_comes_from_a_file_that_is_announced_and_from_a_pipe(curl, tmp_path, jfk, source):
    """Over a megabyte curl asks with "Expect: 100-continue"; from a pipe it sends chunks."""
    content = jfk.read_bytes() + bytes(2 << 20)
    (tmp_path / "talk.wav").write_bytes(content)
    created = json.loads(curl("/files/upload", "-F", f"file={source}", input=content))
    assert (created["name"], created["size"]) == ("talk.wav", len(content))
    assert curl(f"/files/{created['id']}/content") == content


def test_a_download_that_was_cut_goes_on(curl, tmp_path, jfk):
    content = jfk.read_bytes()
    created = curl.user.upload(content).ok(201)
    (tmp_path / "talk.wav").write_bytes(content[:100000])
    curl(f"/files/{created['id']}/content", "-C", "-", "-o", "talk.wav")
    assert (tmp_path / "talk.wav").read_bytes() == content


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(curl, tmp_path):
    (tmp_path / "talk.wav").write_bytes(b"RIFF\xff\xff\xff\x7fWAVEfmt " + bytes(2 * MAX_UPLOAD))
    status, sent = curl("/files/upload", "-F", "file=@talk.wav", "-o", "answer", "-w", "%{http_code} %{size_upload}").split()
    assert int(status) == 413 and int(sent) < MAX_UPLOAD
    assert json.loads((tmp_path / "answer").read_text())["code"] == "PAYLOAD_TOO_LARGE"
    assert curl.user.get("/files").ok()["total"] == 0
