"""tiro config: settings as a user sees them."""
import os
import shutil
import subprocess

import pytest

from conftest import TIRO

CLEAN = {k: v for k, v in os.environ.items() if not k.startswith(("TIRO_", "POSTGRES_", "MINIO_"))}


def config(*args, **env):
    return subprocess.run([TIRO, "config", *map(str, args)], capture_output=True, timeout=60, check=False, text=True,
                          env={**CLEAN, **env})


def test_print_shows_values_and_where_they_come_from(tmp_path):
    file = tmp_path / "tiro.conf"
    file.write_text("threads = 3\n", encoding="utf-8")
    done = config("print", "--config", file, "--listen", "[::1]:1", TIRO_MAX_UPLOAD="10M", POSTGRES_PASSWORD="geheim")
    assert done.returncode == 0, done.stderr
    assert "# from the file:\nthreads = 3\n" in done.stdout
    assert "# from the command line:\nlisten = [::1]:1\n" in done.stdout
    assert "# from the environment:\nmax-upload = 10M\n" in done.stdout
    assert "\n#job-timeout = 2h\n" in done.stdout
    assert "geheim" not in done.stdout


def test_print_shows_the_folders_that_are_the_default(tmp_path):
    done = config("print", XDG_DATA_HOME=str(tmp_path))
    assert f"\n#data = {tmp_path}/tiro/data\n" in done.stdout
    assert f"\n#models = {tmp_path}/tiro/models\n" in done.stdout


def test_what_is_printed_is_read_again(tmp_path):
    first = config("print", "--max-upload", "7M").stdout
    file = tmp_path / "tiro.conf"
    file.write_text(first, encoding="utf-8")
    again = config("print", "--config", file)
    assert "max-upload = 7M" in again.stdout


def test_check_names_what_is_wrong(tmp_path):
    done = config("check", TIRO_ACCESS_TTL="soon")
    assert done.returncode == 78
    assert done.stderr == ('tiro: access-ttl (TIRO_ACCESS_TTL) is a time (like 90s, 15m, 24h or 30d) from 1m to 30d, '
                           'not "soon"\n')
    assert config("check", "--config", tmp_path / "nowhere").returncode == 66
    assert config("check").returncode == 0
    assert "nothing reads TIRO_LISTNE" in config("check", TIRO_LISTNE="1").stdout
    assert "did you mean --listen" in config("check", "--listne", "1").stderr


def test_a_control_character_stays_in_its_line(tmp_path):
    done = config("print", TIRO_TOKEN_ISSUER="a\x1b[2J\nb")
    assert "\x1b" not in done.stdout
    done = config("print", TIRO_THREADS="\x1b[2J")
    assert done.returncode == 78 and "\x1b" not in done.stderr


def test_wrong_words_are_a_usage_error():
    assert config().returncode == 64
    assert config("paint").returncode == 64
    assert config("print", "x").returncode == 64


@pytest.mark.skipif(not shutil.which("man"), reason="missing: man")
def test_the_manual_is_a_manual_page(tmp_path):
    page = tmp_path / "tiro.conf.5"
    page.write_text(config("manual").stdout, encoding="utf-8")
    done = subprocess.run(["man", "--warnings", "-l", page], capture_output=True, check=False, text=True,
                          env={**CLEAN, "MANWIDTH": "100", "LC_ALL": "C.UTF-8"})
    assert done.returncode == 0 and done.stderr == ""
    assert "TIRO_MASTER_KEY_FILE" in done.stdout
