"""Runs a command and measures it: wall and CPU seconds, the first byte of output, peak memory.

Memory is the sum of PSS over the command and all its descendants, so that what processes share counts once.
It is sampled; a peak shorter than the interval can be missed.
"""
import os
import re
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass

INTERVAL_S = 0.05
PSS = re.compile(rb"^Pss:\s+(\d+) kB", re.M)


@dataclass
class Run:
    argv: list
    status: int
    wall_s: float
    cpu_s: float
    peak_mb: float
    first_s: float  # until the first byte on stdout; the wall time where there is none
    stdout: str
    stderr: str


class Failed(Exception):
    """A command did not end well."""


def parents():
    """pid -> parent of every process."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as f:
                # The command's name is in parentheses and may hold anything.
                found[int(name)] = int(f.read().rsplit(b")", 1)[1].split()[1])
        except OSError:
            pass
    return found


def tree(root):
    """`root` and its descendants."""
    parent_of = parents()
    members, grown = {root}, True
    while grown:
        more = {pid for pid, parent in parent_of.items() if parent in members and pid not in members}
        members |= more
        grown = bool(more)
    return members


def pss_kb(pid):
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as f:
            match = PSS.search(f.read())
            return int(match.group(1)) if match else 0
    except PermissionError:
        # A sandboxed process does not show its maps to its user: what is resident is the upper bound.
        with open(f"/proc/{pid}/statm", "rb") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
    except OSError:
        return 0


class Sampler(threading.Thread):
    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid = pid
        self.peak_kb = 0
        self.stop = threading.Event()

    def run(self):
        while not self.stop.is_set():
            try:
                self.peak_kb = max(self.peak_kb, sum(pss_kb(pid) for pid in tree(self.pid)))
            except OSError:
                pass
            self.stop.wait(INTERVAL_S)


def run(argv, env=None, check=True):
    """Runs `argv` to its end. `env` is added to the environment. Raises Failed on a status other than 0."""
    argv = [str(a) for a in argv]
    with tempfile.TemporaryFile() as errors:
        start = time.monotonic()
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
                                   env={**os.environ, **(env or {})})
        sampler = Sampler(process.pid)
        sampler.start()
        chunks, first_s = [], None
        while chunk := os.read(process.stdout.fileno(), 65536):
            first_s = first_s or time.monotonic() - start
            chunks.append(chunk)
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stdout.close()
        sampler.stop.set()
        sampler.join()
        errors.seek(0)
        stderr = errors.read().decode("utf-8", "replace")
    result = Run(argv, process.returncode, wall_s, usage.ru_utime + usage.ru_stime, sampler.peak_kb / 1024,
                 first_s or wall_s, b"".join(chunks).decode("utf-8", "replace"), stderr)
    if check and result.status != 0:
        raise Failed(f"{' '.join(argv[:6])} ended with status {result.status}: {stderr.strip()[-300:]}")
    return result
