"""An engine that fails, crashes or answers, behind the same commands: the fake recognisers, the real processes."""
import pytest

from conftest import ok, run


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
