"""tiro models: what a user sees of it. The real pulls are skipped where neither publisher nor registry can be reached."""
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import time

import pytest

from conftest import TIRO, missing, ok, run

BASE_SHA256 = "c577b9a86e7e048a0b7eada054f4dd79a56bbfa911fbdacf900ac5b567cbb7d9"
VAD_SHA256 = "2aa269b785eeb53a82983a20501ddf7c1d9c48e33ab63a41391ac6c9f7fb6987"
NO_NETWORK = (69, 75)  # EX_UNAVAILABLE, EX_TEMPFAIL


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


@pytest.fixture(scope="session")
def pulled(tmp_path_factory):
    """A folder with silero-vad and base, pulled for real and once."""
    folder = tmp_path_factory.mktemp("models")
    done = run("models", "pull", "base", "--models", folder, timeout=900)
    if done.returncode in NO_NETWORK:
        missing("a source of models that can be reached")
    assert done.returncode == 0, done.stderr.decode()
    return folder


def test_base_and_silero_are_pulled_with_their_hashes(pulled):
    assert sha256(pulled / "ggml-base-q8_0.bin") == BASE_SHA256
    assert sha256(pulled / "ggml-silero-v6.2.0.bin") == VAD_SHA256
    assert sorted(os.listdir(pulled)) == [".lock", "ggml-base-q8_0.bin", "ggml-silero-v6.2.0.bin"]


def test_a_second_pull_needs_no_network(pulled):
    dead = "http://127.0.0.1:1"
    assert "already there" in ok("models", "pull", "base", "--models", pulled, "--source", dead)


def test_verify_sees_one_changed_byte(pulled, tmp_path):
    assert ok("models", "verify", "--models", pulled).count("ok ") == 2
    copy = tmp_path / "ggml-silero-v6.2.0.bin"
    data = bytearray((pulled / copy.name).read_bytes())
    data[1000] ^= 1
    copy.write_bytes(data)
    done = run("models", "verify", "--models", tmp_path)
    assert done.returncode == 65
    assert done.stdout.startswith(b"bad ")


def test_a_known_file_from_elsewhere_is_imported_by_its_hash(pulled, tmp_path):
    strange = tmp_path / "download(1).bin"
    strange.write_bytes((pulled / "ggml-silero-v6.2.0.bin").read_bytes())
    folder = tmp_path / "models"
    assert ok("models", "import", strange, "--models", folder).startswith("silero-vad:")
    assert ok("models", "verify", "silero-vad", "--models", folder).startswith("ok ")


def test_any_whisper_file_is_imported_under_a_name(pulled, tmp_path):
    data = bytearray((pulled / "ggml-base-q8_0.bin").read_bytes())
    data[-1] ^= 1  # another file by its hash, still well-formed
    (tmp_path / "ggml-mine.bin").write_bytes(data)
    folder = tmp_path / "models"
    assert ok("models", "import", tmp_path / "ggml-mine.bin", "--models", folder).startswith("mine:")
    assert ok("models", "verify", "mine", "--models", folder).startswith("unknown ")


def test_list_in_json_has_every_hash_and_where_it_is_from():
    listed = json.loads(ok("models", "list", "--json", "--models", "/nonexistent"))
    names = {model["name"] for model in listed["models"]}
    assert {"base", "small", "medium", "large-v3", "turbo", "silero-vad", "ppocr-v6-det", "ppocr-v6-rec"} <= names
    for model in listed["models"]:
        assert not model["installed"]
        for source in model["sources"]:
            assert len(source["sha256"]) == 64
            assert source["hash_origin"] == "measured" or source["hash_evidence"]


def test_a_missing_model_is_an_error_that_says_what_to_do(tmp_path):
    done = run("models", "verify", "base", "--models", tmp_path)
    assert done.returncode == 66
    assert b"tiro models pull base" in done.stderr


def test_a_model_that_was_cut_is_told_with_what_to_do(tmp_path):
    (tmp_path / "ggml-base-q8_0.bin").write_bytes(b"lmgg" + bytes(1000))
    done = run("transcribe", "--models", tmp_path, "x.wav")
    assert done.returncode == 65 and done.stderr.count(b"\n") == 1
    assert b"tiro models pull base" in done.stderr
    assert run("models", "verify", "base", "--models", tmp_path).stdout.startswith(b"bad ")


def test_a_large_file_that_is_no_model_is_refused_without_reading_it(tmp_path):
    with open(tmp_path / "huge.bin", "wb") as huge:
        huge.truncate(10**12)
    done = run("models", "import", tmp_path / "huge.bin", "--models", tmp_path / "m", timeout=20)
    assert done.returncode == 65 and done.stderr.count(b"\n") == 1
    assert b"huge.bin" in done.stderr and os.listdir(tmp_path / "m") == []


def test_no_network_fails_fast_in_one_line_and_leaves_nothing(tmp_path):
    start = time.monotonic()
    done = run("models", "pull", "base", "--models", tmp_path, "--source", "http://127.0.0.1:1")
    assert time.monotonic() - start < 5
    assert done.returncode == 69
    assert done.stderr.count(b"\n") == 1
    assert os.listdir(tmp_path) == [".lock"]


def test_what_is_no_model_is_not_imported(tmp_path):
    (tmp_path / "x.bin").write_bytes(b"GIF89a")
    done = run("models", "import", tmp_path / "x.bin", "--models", tmp_path / "m")
    assert done.returncode == 65
    assert b"x.bin" in done.stderr
    assert os.listdir(tmp_path / "m") == []


def test_ctrl_c_ends_a_pull_within_a_second(tmp_path):
    with subprocess.Popen([TIRO, "models", "pull", "base", "--models", tmp_path], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as pull:
        time.sleep(1)
        if pull.poll() is not None:
            missing("a source of models that can be reached")
        start = time.monotonic()
        pull.send_signal(signal.SIGINT)
        assert pull.wait(timeout=10) == 75
        assert time.monotonic() - start < 1
    assert not [name for name in os.listdir(tmp_path) if not name.startswith(".")]
    assert not (tmp_path / ".pull").exists()


@pytest.mark.parametrize("words", [[], ["list", "x"], ["fetch"], ["list", "--name", "x"], ["import"]])
def test_a_wrong_command_line_is_a_usage_error(words, tmp_path):
    done = run("models", *words, "--models", tmp_path)
    assert done.returncode == 64
    assert done.stderr.count(b"\n") == 1
