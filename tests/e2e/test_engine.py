"""An engine that fails, crashes or answers, behind the same commands: the fake recognisers, the real processes."""
import contextlib
import os
import pathlib
import signal
import subprocess
import time
import wave

import pytest

from conftest import BUILD, TIRO, children_of, ok, run


@pytest.mark.usefixtures("speech_model")
def test_an_engine_that_crashes_on_a_recording_fails_it_with_one_line(jfk):
    done = run("transcribe", "--fake-engine", "--prompt", "fake:crash", "-l", "en", jfk)
    assert done.returncode == 70 and done.stdout == b""
    assert done.stderr.count(b"\n") == 1 and b"jfk.wav" in done.stderr and b"signal 6" in done.stderr


@pytest.mark.usefixtures("speech_model")
def test_a_recogniser_that_fails_says_why(jfk):
    done = run("transcribe", "--fake-engine", "--prompt", "fake:fail", "-l", "en", jfk)
    assert done.returncode == 70
    assert done.stderr.count(b"\n") == 1 and b"told to fail" in done.stderr


@pytest.mark.usefixtures("speech_model")
def test_the_same_recording_gives_the_same_made_up_words(jfk):
    first = ok("transcribe", "--fake-engine", "-l", "en", jfk)
    assert len(first.split()) > 5 and first == ok("transcribe", "--fake-engine", "-l", "en", jfk)


def test_an_engine_that_crashes_on_a_page_fails_it_with_one_line(page):
    done = run("ocr", "--fake-engine", "-l", "fake:crash", page, page)
    assert done.returncode == 70 and done.stdout == b""
    assert done.stderr.count(b"\n") == 2 and done.stderr.count(b"page.png") == 2


def test_an_engine_that_answers_with_words_for_a_page_is_not_believed(page, tmp_path):
    (tmp_path / "tiro-engine").symlink_to(BUILD / "tests" / "unit" / "engine" / "tiro-engine")
    (tmp_path / "tiro-jail-pages").symlink_to(BUILD / "tiro-jail-pages")
    done = run("ocr", page, env={**os.environ, "TIRO_LIBEXEC_DIR": str(tmp_path)})
    assert done.returncode == 76 and done.stdout == b""
    assert done.stderr.count(b"\n") == 1 and b"another kind of result" in done.stderr


def test_an_engine_that_takes_too_long_over_a_page_fails_it_with_one_line(page):
    done = run("ocr", "--fake-engine", "-l", "fake:sleep", "--part-limit", 300, page)
    assert done.returncode == 75 and done.stdout == b""
    assert done.stderr.count(b"\n") == 1 and b"page.png" in done.stderr and b"more than 0.3 seconds" in done.stderr


@contextlib.contextmanager
def transcribing(*args):
    """tiro with the fake engine, in a process group of its own."""
    process = subprocess.Popen([TIRO, "transcribe", "--fake-engine", "-l", "en", *map(str, args)],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def working_engine(pid):
    """The engine's process id, once its threads are there."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for engine in children_of(pid, "tiro-engine"):
            tasks = pathlib.Path(f"/proc/{engine}/task")
            if tasks.exists() and len(list(tasks.iterdir())) > 1:
                time.sleep(0.2)  # it says that it is ready
                return engine
        time.sleep(0.01)
    raise AssertionError("no engine")


@pytest.mark.usefixtures("speech_model")
def test_an_engine_that_stands_still_is_replaced_and_nothing_is_lost(jfk):
    expected = ok("transcribe", "--fake-engine", "-l", "en", jfk)
    with transcribing("--prompt", "fake:sleep=1500", "--part-limit", 3000, jfk) as process:
        os.kill(working_engine(process.pid), signal.SIGSTOP)
        out, said = process.communicate(timeout=60)
        assert process.returncode == 0 and said == b"" and out.decode() == expected


@pytest.mark.usefixtures("speech_model")
def test_time_in_which_all_of_it_is_stopped_does_not_count(jfk):
    expected = ok("transcribe", "--fake-engine", "-l", "en", jfk)
    with transcribing("--prompt", "fake:sleep=1500", "--part-limit", 3000, jfk) as process:
        engine = working_engine(process.pid)
        os.killpg(process.pid, signal.SIGSTOP)
        time.sleep(4)
        os.killpg(process.pid, signal.SIGCONT)
        engines = {engine}
        while process.poll() is None:
            engines.update(children_of(process.pid, "tiro-engine"))
            time.sleep(0.02)
        out, said = process.communicate()
        assert process.returncode == 0 and said == b"" and out.decode() == expected
        assert engines == {engine}


def parts_held(pid):
    """Parts' samples that tiro has in its hands."""
    count = 0
    with contextlib.suppress(OSError):
        for fd in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                count += "tiro-bulk" in os.readlink(f"/proc/{pid}/fd/{fd}")
    return count


@pytest.mark.usefixtures("speech_model")
def test_a_recording_does_not_pile_up_behind_a_slow_part(jfk, tmp_path):
    with wave.open(str(jfk), "rb") as wav:
        params, frames = wav.getparams(), wav.readframes(wav.getnframes())
    with wave.open(str(tmp_path / "long.wav"), "wb") as wav:
        wav.setparams(params)
        wav.writeframes(frames * 200)
    most = 0
    with transcribing("-t", 2, "--prompt", "fake:first=5000", tmp_path / "long.wav") as process:
        while process.poll() is None:
            most = max(most, parts_held(process.pid))
            time.sleep(0.02)
        assert process.returncode == 0
    assert 10 < most < 32
