"""tiro transcribe, from outside: real recordings, real model, real jail."""
import json
import os
import re
import signal
import struct
import subprocess
import time
import wave

import pytest

from conftest import SAMPLES, TIRO, children_of, needs_samples, ok, run

JFK = "ask not what your country can do for you"

pytestmark = pytest.mark.usefixtures("speech_model")


def words(text):
    return re.sub(r"[^a-z ]+", "", text.lower().replace("\n", " ")).split()


def write_tone(path, seconds, rate=16000):
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(b"".join(struct.pack("<h", (i * 37 % 2000) - 1000) for i in range(seconds * rate)))


def test_a_real_recording_becomes_its_text(jfk):
    assert JFK in " ".join(words(ok("transcribe", "-l", "en", jfk)))


def test_the_language_is_found_where_none_is_named(jfk):
    found = json.loads(ok("transcribe", "-f", "json", jfk))
    assert found["language"] in ("en", "english")


def test_json_has_word_times_in_order_and_confidences(jfk):
    found = json.loads(ok("transcribe", "-f", "json", "-l", "en", jfk))
    times = [w for s in found["segments"] for w in s["words"]]
    assert len(times) >= 18
    assert all(0 <= w["start"] <= w["end"] <= 11.1 for w in times)
    assert all(a["start"] <= b["start"] for a, b in zip(times, times[1:]))
    assert all(0 < w["confidence"] <= 1 for w in times)
    assert abs(found["duration"] - 11.0) < 0.1


def test_subtitles_are_two_lines_of_42_columns(jfk):
    srt = ok("transcribe", "-f", "srt", "-l", "en", jfk)
    cues = srt.strip().split("\n\n")
    assert len(cues) >= 2
    for number, cue in enumerate(cues, 1):
        lines = cue.split("\n")
        assert lines[0] == str(number)
        assert re.fullmatch(r"\d\d:\d\d:\d\d,\d{3} --> \d\d:\d\d:\d\d,\d{3}", lines[1])
        assert 1 <= len(lines[2:]) <= 2 and all(len(line) <= 42 for line in lines[2:])
    assert ok("transcribe", "-f", "vtt", "-l", "en", jfk).startswith("WEBVTT\n\n")


def test_standard_input_is_read_from_a_pipe_and_from_a_file(jfk):
    expected = ok("transcribe", "-l", "en", jfk)
    assert ok("transcribe", "-l", "en", "-", input=jfk.read_bytes()) == expected
    with open(jfk, "rb") as stdin:
        assert ok("transcribe", "-l", "en", "-", stdin=stdin) == expected


def test_several_files_come_in_their_order_and_one_bad_one_stops_none(jfk, tmp_path):
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"this is no recording\n" * 50)
    done = run("transcribe", "-l", "en", jfk, bad, jfk)
    assert done.returncode == 65
    assert " ".join(words(done.stdout.decode())).count(JFK) == 2
    assert done.stderr.decode().count("\n") == 1 and str(bad) in done.stderr.decode()


def test_output_goes_to_a_file_or_to_a_folder(jfk, tmp_path):
    assert ok("transcribe", "-l", "en", "-o", tmp_path / "a.txt", jfk) == ""
    assert JFK in " ".join(words((tmp_path / "a.txt").read_text()))
    assert ok("transcribe", "-l", "en", "-f", "srt", "-o", f"{tmp_path}/out/", jfk) == ""
    assert (tmp_path / "out" / "jfk.srt").read_text().startswith("1\n00:00:0")


@pytest.mark.parametrize(
    "name, status",
    [("missing.wav", 66), ("folder", 65), ("empty.wav", 65), ("text.wav", 65)],
)
def test_a_bad_file_gets_one_line_and_the_right_status(tmp_path, name, status):
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("hello\n" * 100)
    done = run("transcribe", tmp_path / name)
    assert done.returncode == status, done.stderr
    line = done.stderr.decode()
    assert line.startswith("tiro: ") and line.count("\n") == 1 and name in line
    assert done.stdout == b""


@pytest.mark.parametrize("args", [["--lanuage", "en", "x"], ["-l", "xx-nope", "x"], ["-f", "docx", "x"], []])
def test_a_wrong_command_line_is_said_and_is_usage(args):
    done = run("transcribe", *args)
    assert done.returncode == 64
    assert done.stderr.decode().count("\n") == 1


def test_a_misspelt_option_names_the_nearest():
    assert b"--language" in run("transcribe", "--lanuage", "en", "x").stderr


def test_a_tone_and_silence_yield_no_words(tmp_path):
    write_tone(tmp_path / "tone.wav", 40)
    assert ok("transcribe", "-l", "en", tmp_path / "tone.wav").strip() == ""
    found = json.loads(ok("transcribe", "-f", "json", tmp_path / "tone.wav"))
    assert found["segments"] == [] and found["text"] == ""


def test_speech_behind_a_long_digital_silence_is_found_at_its_time(jfk, tmp_path):
    with wave.open(str(jfk), "rb") as wav:
        params, frames = wav.getparams(), wav.readframes(wav.getnframes())
    with wave.open(str(tmp_path / "gap.wav"), "wb") as wav:
        wav.setparams(params)
        wav.writeframes(frames + bytes(2 * 16000 * 300) + frames)
    found = json.loads(ok("transcribe", "-l", "en", "-f", "json", tmp_path / "gap.wav"))
    assert " ".join(words(found["text"])).count(JFK) == 2
    last = found["segments"][-1]
    assert 311 <= last["start"] and last["end"] <= 322.1


def test_an_interrupt_ends_everything_within_a_second(jfk, tmp_path):
    before = set(os.listdir(tmp_path))
    with wave.open(str(jfk), "rb") as wav:
        params, frames = wav.getparams(), wav.readframes(wav.getnframes())
    long_file = tmp_path / "long.wav"
    with wave.open(str(long_file), "wb") as wav:
        wav.setparams(params)
        wav.writeframes(frames * 40)
    process = subprocess.Popen(
        [TIRO, "transcribe", "-l", "en", "-o", tmp_path / "out.txt", long_file],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )
    time.sleep(2)
    helpers = children_of(process.pid)
    assert helpers
    start = time.monotonic()
    os.kill(process.pid, signal.SIGINT)
    process.wait(timeout=5)
    assert time.monotonic() - start < 1
    time.sleep(0.5)
    assert not [p for p in helpers if os.path.exists(f"/proc/{p}/exe")]
    assert set(os.listdir(tmp_path)) - before == {"long.wav"}


def box(kind, content):
    return struct.pack(">I", len(content) + 8) + kind + content


def test_a_recording_that_asks_for_much_memory_is_the_files_fault(tmp_path):
    """An MP4 whose table of sample times claims two thousand million rows."""
    times = box(b"stts", struct.pack(">II", 0, 0x7FFFFFFF) + bytes(100))
    media = box(b"hdlr", bytes(8) + b"soun" + bytes(12)) + box(b"minf", box(b"stbl", times))
    movie = box(b"mvhd", bytes(100)) + box(b"trak", box(b"mdia", media))
    (tmp_path / "big.mp4").write_bytes(box(b"ftyp", b"isom\0\0\0\0isom") + box(b"moov", movie))
    done = run("transcribe", tmp_path / "big.mp4")
    assert done.returncode == 65 and done.stderr.count(b"\n") == 1
    assert b"big.mp4: this file takes more memory" in done.stderr


@needs_samples
def test_every_format_of_the_samples_is_read():
    folder = SAMPLES / "speech" / "formats"
    full = [f for f in sorted(folder.iterdir()) if "24bit" not in f.name and "f32" not in f.name and ".aiff" != f.suffix]
    for file in full:
        assert "country" in ok("transcribe", "-l", "en", file), file


@needs_samples
def test_every_broken_sample_is_refused_or_read_without_a_crash():
    for file in sorted((SAMPLES / "speech" / "broken").iterdir()):
        done = run("transcribe", "-l", "en", file, timeout=300)
        assert done.returncode in (0, 65), (file, done)
        lines = done.stderr.decode().count("\n")
        assert lines == (0 if done.returncode == 0 else 1), (file, done.stderr)


@needs_samples
def test_the_samples_without_speech_yield_no_words():
    for file in sorted((SAMPLES / "speech").glob("nospeech-*")):
        if file.suffix != ".txt":
            assert ok("transcribe", file).strip() == "", file
