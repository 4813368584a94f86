"""The machine and the versions behind a table."""
import os
import platform
import re
import subprocess
from importlib import metadata

from . import paths


def first_line(argv):
    try:
        done = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        return done.stdout.splitlines()[0].strip() if done.stdout else "?"
    except OSError:
        return "not there"


def cpu():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        match = re.search(r"^model name\s*:\s*(.+)$", f.read(), re.M)
    return match.group(1) if match else platform.machine()


def memory_gb():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def whisper_version():
    text = (paths.ROOT / ".deps" / "whisper.cpp" / "CMakeLists.txt").read_text(encoding="utf-8")
    match = re.search(r'project\("?whisper\.cpp"? VERSION ([0-9.]+)', text)
    return match.group(1) if match else "?"


def package(name):
    try:
        return f"{name} {metadata.version(name)}"
    except metadata.PackageNotFoundError:
        return f"{name} not there"


def peers(part):
    """Versions of what a part compares with."""
    if part in ("http", "server"):
        return [first_line(["nginx", "-v"]), *(package(name) for name in ("fastapi", "uvicorn", "python-multipart", "pyjwt"))]
    if part == "queue":
        return [first_line(["psql", "--version"]),
                first_line(["redis-server", "--version"]).split(" sha")[0], package("celery"), "graphile-worker and River as "
                "bench/queue_peers says"]
    return [f"whisper.cpp {whisper_version()}", *(package(name) for name in ("faster-whisper", "ctranslate2")),
            first_line(["tesseract", "--version"]), f"OCRmyPDF {first_line(['ocrmypdf', '--version'])}"]


def describe(only):
    """Lines of markdown."""
    commit = first_line(["git", "-C", paths.ROOT, "describe", "--always", "--dirty"])
    lines = [
        f"- {cpu()}, {len(os.sched_getaffinity(0))} cores, {memory_gb():.0f} GiB, Linux {platform.release()}",
        f"- Tiro {first_line([paths.TIRO, '--version']) if paths.TIRO.exists() else 'not built'}, commit {commit}",
    ]
    return lines + [f"- {', '.join(peers(part))}" for part in ((only,) if only else ("speech", "server", "queue"))]


def load():
    return os.getloadavg()[0]
