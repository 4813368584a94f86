"""Shared by the end-to-end tests: they run the built program as a user does."""
import os
import pathlib
import subprocess
import tempfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TIRO_BUILD", ROOT / "build"))
TIRO = BUILD / "tiro"


def samples_folder():
    named = os.environ.get("TIRO_SAMPLES")
    folder = pathlib.Path(named) if named else ROOT.parent / "shared" / "samples"
    return folder if folder.is_dir() else None


SAMPLES = samples_folder()
needs_samples = pytest.mark.skipif(SAMPLES is None, reason="the shared samples are not here")


def run(*args, timeout=120, **kwargs):
    """Runs tiro and returns the finished process, output as bytes."""
    return subprocess.run([TIRO, *map(str, args)], capture_output=True, timeout=timeout, check=False, **kwargs)


def ok(*args, **kwargs):
    """Runs tiro, which must succeed and say nothing on standard error; returns its output as text."""
    done = run(*args, **kwargs)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b"", done.stderr.decode()
    return done.stdout.decode("utf-8")


def children_of(pid, program=""):
    """Process ids of the children whose program's name begins so."""
    listed = subprocess.run(["ps", "-o", "pid=,comm=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    rows = (row.split(None, 1) for row in listed.stdout.splitlines())
    return [int(row[0]) for row in rows if row[1].startswith(program)]


def missing(what):
    """Skips the test; scripts/count_tests.py says what was missing, and under CI does not let it pass."""
    pytest.skip(f"missing: {what}")


def has_model(name):
    listed = subprocess.run([TIRO, "models", "verify", name], capture_output=True, check=False)
    return listed.returncode == 0


@pytest.fixture(scope="session")
def jfk():
    path = ROOT / ".deps" / "samples" / "jfk.wav"
    if not path.exists():
        missing("a recording (scripts/deps)")
    return path


@pytest.fixture(scope="session")
def speech_detector():
    """What every server needs, and a fake engine too."""
    if not has_model("silero-vad"):
        missing("the speech detector (tiro models pull)")


@pytest.fixture(scope="session")
def speech_model():
    if not has_model("base"):
        missing("a speech model (tiro models pull)")


@pytest.fixture(scope="session")
def page_models():
    if not has_model("ppocr-v6-rec"):
        missing("models for pages (tiro models pull)")


@pytest.fixture(scope="session")
def page(tmp_path_factory):
    """A page image that the project draws; its text is tests/samples/page.txt."""
    path = tmp_path_factory.mktemp("page") / "page.png"
    # A sanitizer build would report what fontconfig keeps until a program ends.
    quiet = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    tool = BUILD / "tests" / "tools" / "make_page"
    subprocess.run([tool, ROOT / "tests" / "samples" / "page.txt", path], check=True, env=quiet)
    return path


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory() as name:
        path = pathlib.Path(name)
        path.chmod(0o755)
        yield path
