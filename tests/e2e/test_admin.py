"""tiro admin: users and keys, on SQLite and PostgreSQL, without a server and beside what holds its lock."""
import fcntl
import json
import os
import pty
import re
import select
import shutil
import stat
import subprocess
import sys
import time

import pytest

from conftest import ROOT, TIRO, missing

PASSWORD = b"correct horse battery"
POSTGRES = ROOT / "tests" / "support" / "postgres"
CHEAP = {"TIRO_PASSWORD_MEMORY": "8K", "TIRO_PASSWORD_PASSES": "1"}


class Place:
    """An installation's settings, and `tiro admin` with them."""

    def __init__(self, env):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("TIRO_", "POSTGRES_", "MINIO_"))}
        self.env = {**clean, **CHEAP, **env}

    def admin(self, *args, stdin=b""):
        return subprocess.run([TIRO, "admin", *map(str, args)], input=stdin, capture_output=True, timeout=60,
                              check=False, env=self.env)

    def ok(self, *args, stdin=b""):
        done = self.admin(*args, stdin=stdin)
        assert done.returncode == 0, done.stderr.decode()
        assert done.stderr == b""
        return done.stdout.decode()

    def refused(self, status, words, *args, stdin=b""):
        done = self.admin(*args, stdin=stdin)
        assert done.returncode == status, (done.returncode, done.stderr.decode())
        assert words in done.stderr.decode(), done.stderr.decode()
        assert done.stdout == b""

    def users(self):
        return [json.loads(line) for line in self.ok("user", "list", "--json").splitlines()]


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pg")
    os.chmod(folder.parent, 0o711)
    os.chmod(folder.parent.parent, 0o711)
    started = subprocess.run([POSTGRES, "start", folder], check=False, timeout=60)
    if started.returncode == 77:
        missing("PostgreSQL")
    assert started.returncode == 0
    yield folder
    subprocess.run([POSTGRES, "stop", folder], check=True, timeout=60)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path):
    env = {"TIRO_DATA": str(tmp_path / "data")}
    if request.param == "postgres":
        folder = request.getfixturevalue("postgres")
        name = f"t{os.getpid()}{int(time.monotonic_ns())}"
        psql = shutil.which("psql")
        if not psql:
            missing("psql")
        subprocess.run([psql, "-qh", folder, "-U", "tiro", "-d", "postgres", "-c", f"CREATE DATABASE {name}"], check=True,
                       timeout=60)
        env |= {"TIRO_DATABASE": "postgres", "POSTGRES_HOST": str(folder), "POSTGRES_DB": name}
    return Place(env)


def test_a_user_from_the_cradle_to_the_grave(place):
    assert "ada@example.org: added" in place.ok("user", "add", "Ada@Example.org", "--username", "Countess", "--phone",
                                                "+49 30 123456", "--first-name", "Ada", stdin=PASSWORD + b"\n")
    [ada] = place.users()
    assert (ada["email"], ada["username"], ada["phone"]) == ("ada@example.org", "countess", "+4930123456")
    assert (ada["roles"], ada["plan"], ada["is_active"]) == (["user"], "standard", True)
    place.ok("user", "set", "countess", "--role", "user,admin", "--inactive")
    shown = json.loads(place.ok("user", "show", "+4930123456", "--json"))
    assert (shown["roles"], shown["is_active"]) == (["admin", "user"], False)
    assert "Ada" in place.ok("user", "show", "ada@example.org")
    place.ok("user", "set", "countess", "--active", "--plan", "standard")
    assert "ada@example.org" in place.ok("user", "list")
    place.ok("user", "password", "countess", stdin=b"another password\n")
    place.ok("user", "delete", "countess")
    assert place.users() == []


def test_each_command_has_its_own_help(tmp_path):
    nowhere = Place({"TIRO_DATA": str(tmp_path / "data")})
    every = nowhere.ok("--help")
    assert "user add EMAIL" in every and "key rotate" in every and "--username" not in every
    users = nowhere.ok("user", "--help")
    assert "user add EMAIL" in users and "key rotate" not in users
    add = nowhere.ok("user", "add", "--help")
    assert add.startswith("usage: tiro admin user add EMAIL")
    assert "--username" in add and "--data" in add and "--plan" not in add and "--permissions" not in add
    assert "--permissions" in nowhere.ok("token", "add", "--help")
    assert not (tmp_path / "data").exists()


def test_what_is_wrong_is_said_and_nothing_is_done(place):
    place.ok("user", "add", "ada@example.org", stdin=PASSWORD)
    place.refused(65, "email is taken already", "user", "add", "ADA@example.org", stdin=PASSWORD)
    place.refused(65, "email is not valid, password is too short (at least 8 characters)", "user", "add", "ada", stdin=b"short")
    place.refused(64, "no password was given", "user", "add", "bob@example.org")
    place.refused(64, 'no role "emperor"', "user", "add", "bob@example.org", "--role", "emperor", stdin=PASSWORD)
    place.refused(66, 'no plan "golden"', "user", "set", "ada@example.org", "--plan", "golden")
    place.refused(66, '"bob": there is no such user', "user", "set", "bob", "--inactive")
    place.refused(64, "exclude each other", "user", "set", "ada@example.org", "--inactive", "--active")
    place.refused(64, "needs --role", "user", "set", "ada@example.org")
    place.refused(64, "takes NAME", "user", "show")
    place.refused(64, "takes no --plan", "user", "list", "--plan", "standard")
    place.refused(64, 'no "tiro admin user crown"; known: add, list, show, set, password and delete', "user", "crown")
    place.refused(64, "needs what to do: add, list", "user")
    place.refused(64, 'no "tiro admin bogus"; known: user, role, plan, token and key', "bogus")
    place.refused(64, "needs one of user, role, plan, token and key")
    assert len(place.users()) == 1


def test_a_folder_without_a_database_is_an_error_and_stays_without(tmp_path):
    place = Place({"TIRO_DATA": str(tmp_path / "typo")})
    place.refused(66, "start the server, or say where its data is with --data", "user", "list")
    assert not (tmp_path / "typo").exists()


def test_plans_are_made_changed_and_given(place):
    place.ok("user", "add", "ada@example.org", stdin=PASSWORD)
    [standard] = [json.loads(line) for line in place.ok("plan", "list", "--json").splitlines()]
    assert (standard["name"], standard["monthly_seconds"], standard["max_file_bytes"], standard["history_days"]) == (
        "standard", 360000, 2147483648, 90)
    assert "added" in place.ok("plan", "set", "lab", "--monthly-seconds", "7200", "--weight", "2.5", "--max-priority", "3")
    assert "changed" in place.ok("plan", "set", "lab", "--concurrency", "4", "--monthly-seconds", "unlimited")
    [lab] = [row for row in map(json.loads, place.ok("plan", "list", "--json").splitlines()) if row["name"] == "lab"]
    assert lab == {"name": "lab", "monthly_seconds": None, "monthly_pages": None, "max_file_bytes": None, "storage_bytes": None,
                   "history_days": None, "concurrency": 4, "weight": 2.5, "max_priority": 3}
    place.ok("user", "set", "ada@example.org", "--plan", "lab")
    assert "lab" in place.ok("plan", "list")
    place.refused(65, "still has users", "plan", "delete", "lab")
    place.refused(64, "whole number", "plan", "set", "lab", "--concurrency", "many")
    place.refused(65, "at least one job", "plan", "set", "lab", "--concurrency", "0")
    place.refused(65, "a weight is between", "plan", "set", "lab", "--weight", "0")
    place.refused(64, "from -10 to 10", "plan", "set", "lab", "--max-priority", "11")
    place.refused(66, 'no plan "golden"', "plan", "delete", "golden")
    place.ok("user", "set", "ada@example.org", "--plan", "standard")
    place.ok("plan", "delete", "lab")


def test_roles_are_granted_and_revoked(place):
    place.ok("user", "add", "ada@example.org", stdin=PASSWORD)
    assert "demo_user" in place.ok("role", "list")
    place.ok("role", "grant", "ada@example.org", "admin")
    assert place.users()[0]["roles"] == ["admin", "user"]
    place.ok("role", "revoke", "ada@example.org", "user")
    assert place.users()[0]["roles"] == ["admin"]
    place.refused(65, "is the only role", "role", "revoke", "ada@example.org", "admin")
    place.refused(64, 'no role "emperor"', "role", "grant", "ada@example.org", "emperor")
    place.refused(66, "there is no such user", "role", "grant", "bob@example.org", "admin")


def test_tokens_are_shown_once_listed_and_revoked(place):
    place.ok("user", "add", "ada@example.org", stdin=PASSWORD)
    done = place.admin("token", "add", "ada@example.org", "--name", "ci", "--permissions", "read", "--days", "30")
    assert done.returncode == 0
    value = done.stdout.decode().strip()
    assert re.fullmatch("tiro_[0-9a-f]{64}", value)
    assert value[:13] in done.stderr.decode() and value not in done.stderr.decode()
    listed = place.ok("token", "list", "ada@example.org", "--json")
    assert value not in listed
    token = json.loads(listed)
    assert (token["name"], token["prefix"], token["permissions"]) == ("ci", value[:13], ["read"])
    assert token["expires_at"] > token["created_at"] and token["revoked_at"] is None
    assert "active" in place.ok("token", "list", "ada@example.org")
    place.ok("token", "revoke", "ada@example.org", token["id"])
    assert "revoked" in place.ok("token", "list", "ada@example.org")
    place.refused(66, "no such token", "token", "revoke", "ada@example.org", "01890000-0000-7000-8000-000000000000")
    place.refused(66, "no such application", "token", "add", "ada@example.org", "--application",
                  "01890000-0000-7000-8000-000000000000")
    place.refused(64, "no permission", "token", "add", "ada@example.org", "--permissions", "fly")
    place.refused(64, "--days", "token", "add", "ada@example.org", "--days", "0")


def test_the_password_is_never_an_argument_nor_shown(place):
    done = place.admin("user", "add", "ada@example.org", stdin=PASSWORD)
    assert PASSWORD not in done.stdout + done.stderr
    for path in (place.env["TIRO_DATA"],):
        for folder, _, names in os.walk(path):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    assert PASSWORD not in file.read()


def test_keys_are_rotated_and_the_old_one_is_kept(place):
    data = place.env["TIRO_DATA"]
    place.ok("user", "add", "ada@example.org", stdin=PASSWORD)
    key = os.path.join(data, "master.key")
    first = open(key, encoding="ascii").read()
    assert first.startswith("main:1:")
    assert stat.S_IMODE(os.stat(key).st_mode) == 0o600
    assert "2 keys are wrapped" in place.ok("key", "rotate")
    assert open(key, encoding="ascii").read().startswith("main:2:")
    assert open(key + ".1", encoding="ascii").read() == first
    # The old key alone opens nothing any more, and the message names both.
    os.rename(key, key + ".new")
    place.refused(66, "TIRO_MASTER_KEY_FILE", "user", "add", "bob@example.org", stdin=PASSWORD)
    place.env["TIRO_MASTER_KEY_FILE"] = key + ".none"
    place.refused(66, '.none" of TIRO_MASTER_KEY_FILE', "user", "add", "bob@example.org", stdin=PASSWORD)
    del place.env["TIRO_MASTER_KEY_FILE"]
    shutil.copy(key + ".1", key)
    place.refused(77, 'needs "main" version 2', "user", "add", "bob@example.org", stdin=PASSWORD)
    os.rename(key + ".new", key)
    place.ok("user", "add", "bob@example.org", stdin=PASSWORD)


def test_a_key_from_the_environment_is_rotated_to_the_next(place):
    keys = ["main:%d:%s=" % (n, "AAAA" * 10 + "AA" + c) for n, c in ((1, "E"), (2, "I"))]
    place.env |= {"TIRO_MASTER_KEY": keys[0]}
    place.ok("user", "add", "ada@example.org", stdin=PASSWORD)
    place.refused(66, "no next master key", "key", "rotate")
    place.env |= {"TIRO_MASTER_KEY_NEXT": keys[1]}
    assert "in all nodes' settings" in place.ok("key", "rotate")
    assert "0 keys" in place.ok("key", "rotate")
    del place.env["TIRO_MASTER_KEY_NEXT"]
    place.env["TIRO_MASTER_KEY"] = keys[1]
    place.ok("user", "add", "bob@example.org", stdin=PASSWORD)


def test_it_works_beside_a_server(tmp_path):
    place = Place({"TIRO_DATA": str(tmp_path)})
    place.ok("user", "add", "ada@example.org", stdin=PASSWORD)
    with open(tmp_path / "tiro.db.lock", "r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        place.ok("user", "add", "bob@example.org", stdin=PASSWORD)
        assert len(place.users()) == 2


def test_the_data_folder_is_nobody_elses(tmp_path):
    place = Place({"TIRO_DATA": str(tmp_path / "deep" / "data")})
    place.ok("user", "add", "ada@example.org", stdin=PASSWORD)
    assert stat.S_IMODE(os.stat(tmp_path / "deep" / "data").st_mode) == 0o700
    for name in os.listdir(tmp_path / "deep" / "data"):
        assert stat.S_IMODE(os.stat(tmp_path / "deep" / "data" / name).st_mode) == 0o600


def read_some(fd):
    assert select.select([fd], [], [], 30)[0], "nothing came for 30 s"
    return os.read(fd, 1000)


def on_terminal(place, typed, *args):
    """Runs the command on a terminal of its own, types, and returns the exit status and what the terminal showed."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(TIRO, [str(TIRO), "admin", *args], place.env)
    shown = b""
    for line in typed:
        while not shown.rstrip().endswith(b":"):
            shown += read_some(fd)
        time.sleep(0.1)
        os.write(fd, line)
        shown += b"|"
    try:
        while True:
            got = read_some(fd)
            if not got:
                break
            shown += got
    except OSError:
        pass  # the other end is closed
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown


@pytest.mark.skipif(sys.version_info < (3, 9), reason="needs waitstatus_to_exitcode")
def test_on_a_terminal_the_password_is_asked_for_twice(tmp_path):
    place = Place({"TIRO_DATA": str(tmp_path)})
    status, shown = on_terminal(place, [PASSWORD + b"\n", PASSWORD + b"\n"], "user", "add", "ada@example.org")
    assert status == 0, shown
    assert b"Once more:" in shown and PASSWORD not in shown
    status, shown = on_terminal(place, [PASSWORD + b"\n", b"something else\n"], "user", "password", "ada@example.org")
    assert status == 64 and b"the two passwords differ" in shown
    status, shown = on_terminal(place, [b"\x03\n"], "user", "password", "ada@example.org")
    assert status == 64, shown
