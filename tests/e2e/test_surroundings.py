"""Odd surroundings: strange file names, closed descriptors, full disks, places that nothing can be written to."""
import json
import os
import resource
import subprocess

import pytest

from conftest import TIRO, ok, run


def one_line(done, status):
    """The contract of every failure; returns the line."""
    assert done.returncode == status, done.stderr
    line = done.stderr.decode("utf-8")
    assert line.startswith("tiro: ") and line.count("\n") == 1
    assert line[:-1].isprintable()
    return line


STRANGE = [b"new\nline.png", b"esc\x1b[31m\x07.png", b"\xff\xfe.png", "turn\u202egnp.png".encode(), b"-dash.png"]


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_name_stays_in_its_line(tmp_path, name):
    (tmp_path / os.fsdecode(name)).write_bytes(b"no image")
    one_line(run("ocr", "--", os.fsdecode(name), cwd=tmp_path), 65)


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_name_in_a_result_leaves_it_valid(tmp_path, page, name):
    (tmp_path / os.fsdecode(name)).write_bytes(page.read_bytes())
    found = ok("ocr", "--fake-engine", "-l", "en", "-f", "json", "--", os.fsdecode(name), cwd=tmp_path)
    assert json.loads(found)["pages"]


def test_a_quoted_value_stays_in_its_line():
    assert "a b" in one_line(run("ocr", "-f", "a\nb", "x"), 64)
    assert "\\x1b" in one_line(run("\x1b[31m"), 64)


def test_a_strange_file_among_the_models_stays_in_its_line(tmp_path):
    (tmp_path / "ggml-\x1b[31m\n.bin").write_bytes(b"x")
    assert "\x1b" not in ok("models", "list", "--models", tmp_path)
    assert b"\x1b" not in run("models", "verify", "--models", tmp_path).stdout


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["ocr", "--help"], ["models", "list"]])
def test_a_full_disk_behind_standard_output_is_told(args):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([TIRO, *args], stdout=full, stderr=subprocess.PIPE, check=False)
    assert "standard output" in one_line(done, 74)


def test_a_full_disk_behind_a_result_is_told(page):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([TIRO, "ocr", "--fake-engine", "-l", "en", page, page], stdout=full,
                              stderr=subprocess.PIPE, check=False)
    assert "standard output" in one_line(done, 74)


def close(*fds):
    return lambda: [os.close(fd) for fd in fds]


def test_closed_descriptors_are_not_taken_for_files_of_ours(page, tmp_path):
    args = [TIRO, "ocr", "--fake-engine", "-l", "en"]
    done = subprocess.run([*args, "-o", tmp_path / "a.txt", page], preexec_fn=close(0, 1, 2), check=False)
    assert done.returncode == 0
    expected = ok(*args[1:], page)
    assert (tmp_path / "a.txt").read_text() == expected
    done = subprocess.run([*args, page], preexec_fn=close(1), stderr=subprocess.PIPE, check=False)
    one_line(done, 74)
    done = subprocess.run([*args, "-"], preexec_fn=close(0), stderr=subprocess.PIPE, check=False)
    one_line(done, 74)


def test_a_limit_on_file_sizes_is_an_error_and_leaves_nothing(page, tmp_path):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (5, 5))
    done = run("ocr", "--fake-engine", "-l", "en", "-", input=page.read_bytes(), preexec_fn=limit,
               env={**os.environ, "TMPDIR": str(tmp_path)})
    one_line(done, 74)
    assert "ulimit -f" in one_line(run("ocr", "--fake-engine", page, preexec_fn=limit), 74)
    assert os.listdir(tmp_path) == []


def test_a_place_for_results_is_checked_before_any_work(page, tmp_path):
    assert "nowhere" in one_line(run("ocr", "-o", tmp_path / "nowhere" / "a.txt", page), 73)
    (tmp_path / "b").mkdir()
    for name in ("a.png", "b/a.png"):
        (tmp_path / name).write_bytes(page.read_bytes())
    line = one_line(run("ocr", "-o", "out/", "a.png", "b/a.png", cwd=tmp_path), 64)
    assert "a.png" in line and "b/a.png" in line
    one_line(run("ocr", "-f", "pdf", "-o", "a.png", "a.png", cwd=tmp_path), 64)
    assert (tmp_path / "a.png").read_bytes() == page.read_bytes() and not (tmp_path / "out").exists()
