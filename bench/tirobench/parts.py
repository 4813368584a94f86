"""The queue of parts beside other queues: parts_bench, graphile-worker, River and Celery, in turn; the two on PostgreSQL have one
with the settings that parts_bench gives its own. bench/queue_peers says what each peer is told."""
import contextlib
import os
import re
import shutil
import statistics
import struct
import subprocess
import tempfile
import time
from pathlib import Path

from . import measure, paths, serving
from .table import Row

PROGRAM = paths.BUILD / "bench" / "store" / "parts_bench"
POSTGRES = paths.ROOT / "tests" / "support" / "postgres"
CELERY_APP = paths.ROOT / "bench" / "queue_peers" / "celery_peer.py"
MEMORY = Path("/dev/shm")
TASK, AMOUNT = "100,000 parts claimed and completed", 100_000
RATE_GOAL, PICKUP_GOAL_MS = 20_000, 1.5
# Slower than this share of what 100,000 waiting give is decay. SQLite has decay under a held snapshot, because its log cannot
# begin anew: it must only stay as fast as is asked for.
DECAY = {"postgres": 0.5, "file": 0}
PICKUPS, PICKUPS_PER_S = 1000, 200
PATIENCE_S = 120
LINE = re.compile(r"^(?P<name>.+?) +batch +(?P<batch>\d+) +(?P<rate>\d+) parts/s(?:.*last (?P<last>\d+))?", re.M)
PICKUP = re.compile(r"^(?P<name>pick-up, .+?) +\d+/s, (?P<found>\d+) of (?P<all>\d+): p50 (?P<p50>[\d.]+) ms, p99 (?P<p99>[\d.]+) ms", re.M)

# -- ours ------------------------------------------------------------------------------------------------


def output(argv, env=None):
    """What a command printed; Failed with its reason."""
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, env={**os.environ, **(env or {})}, check=False)
    if done.returncode != 0:
        raise measure.Failed(f"{' '.join(str(a) for a in argv[:3])} ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return done.stdout


def parts_bench(backend, folder, scale, *extent):
    """What it printed."""
    return output([PROGRAM, backend, folder, scale, *extent])


def rates(text):
    """(name, batch) -> (parts a second, the same in the last half second)."""
    return {(m["name"], int(m["batch"])): (int(m["rate"]), int(m["last"] or m["rate"])) for m in LINE.finditer(text)}


def pickups(text):
    """name -> (median, 99 %) in ms; Failed where a part was not picked up."""
    found = {}
    for m in PICKUP.finditer(text):
        if m["found"] != m["all"]:
            raise measure.Failed(f"{m['name']}: only {m['found']} of {m['all']}")
        found[m["name"]] = float(m["p50"]), float(m["p99"])
    return found


def judge_rates(table, backend, found, least, decay):
    """`decay`: the share of the first rate below which a later one is decay."""
    best = {batch: rate for (name, batch), (rate, _) in found.items() if name.endswith("waiting") and "100,000" in name}
    table.goal(f"{backend}: {least} parts claimed and completed a second by 4 claimers, in batches of 8 and 32",
               f"{best[8]} and {best[32]}", min(best[8], best[32]) >= least)
    base, others = best[32], {name: last for (name, batch), (_, last) in found.items() if batch == 32}
    slowest = min(others, key=others.get)
    table.goal(f"{backend}: {'no decay' if decay else f'still {least}'} with 1,000,000 waiting or done, under churn or a held snapshot",
               f"least {others[slowest]} ({slowest}), {base} without",
               others[slowest] >= max(least, decay * base))


def judge_pickups(table, backend, found):
    for name, (p50, p99) in found.items():
        table.goal(f"{backend}: {name}: 99 % within {PICKUP_GOAL_MS} ms", f"{p99:.2f} ms, median {p50:.2f}",
                   p99 < PICKUP_GOAL_MS)


# -- peers -----------------------------------------------------------------------------------------------


class Peer:
    """A program of bench/queue_peers, and what it needs around it."""

    def __init__(self, name, argv, count, processes, env):
        self.name, self.argv, self.count, self.processes, self.env = name, argv, count, processes, env

    def run(self, *words):
        output([*self.argv, *words], self.env)

    @contextlib.contextmanager
    def workers(self, file, mode, count):
        words = [] if "TIRO_BENCH_FILE" in self.env else [file, mode]
        with contextlib.ExitStack() as stack:
            for _ in range(count):
                stack.enter_context(serving.running([*self.argv, "work", *words], env={**os.environ, **self.env},
                                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            yield


def wait_size(file, count):
    """When so many jobs were done."""
    end = time.monotonic() + PATIENCE_S
    while not file.exists() or file.stat().st_size < count * 8:
        if time.monotonic() > end:
            raise measure.Failed(f"{file.stat().st_size // 8 if file.exists() else 0} of {count} jobs were done")
        time.sleep(0.002)
    return time.monotonic()


def peer_rate(peer, file):
    """Jobs a second, from the tenth to the ninetieth of a hundred: without starts and ends."""
    file.unlink(missing_ok=True)
    peer.run("fill", peer.count)
    with peer.workers(file, "rate", peer.processes):
        start = wait_size(file, peer.count // 10)
        end = wait_size(file, peer.count * 9 // 10)
        wait_size(file, peer.count)
    return peer.count * 0.8 / (end - start)


def peer_pickup(peer, file, count):
    """(median, 99 %) in ms."""
    file.unlink(missing_ok=True)
    with peer.workers(file, "pickup", 1):
        # The first ones wait for the workers to start.
        peer.run("publish", 100, PICKUPS_PER_S)
        wait_size(file, 100)
        peer.run("publish", count, PICKUPS_PER_S)
        wait_size(file, 100 + count)
    times = [ms for (ms,) in struct.iter_unpack("<d", file.read_bytes())][100:]
    return statistics.median(times), statistics.quantiles(times, n=100)[98]


@contextlib.contextmanager
def folder_for_all():
    """A folder in memory that another user (PostgreSQL's) may enter."""
    with tempfile.TemporaryDirectory(dir=MEMORY, prefix="tiro-peers-") as name:
        os.chmod(name, 0o755)
        yield Path(name)


@contextlib.contextmanager
def postgres(folder):
    """Its environment."""
    folder.mkdir()
    output([POSTGRES, "start", folder, *output([PROGRAM, "settings"]).splitlines()])
    try:
        yield {"PGHOST": str(folder), "PGUSER": "tiro", "PGDATABASE": "postgres"}
    finally:
        subprocess.run([POSTGRES, "stop", folder], check=False, capture_output=True)


@contextlib.contextmanager
def redis(folder):
    """Its environment. In memory only, over a socket."""
    folder.mkdir()
    socket = folder / "socket"
    argv = ["redis-server", "--port", 0, "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", folder]
    with serving.running(argv, stdout=subprocess.DEVNULL):
        end = time.monotonic() + 10
        while not socket.exists():
            if time.monotonic() > end:
                raise measure.Failed("Redis did not start")
            time.sleep(0.02)
        yield {"TIRO_BENCH_BROKER": f"redis+socket://{socket}"}


@contextlib.contextmanager
def peers(table, folder):
    """Those that are there."""
    found = []
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(postgres(folder / "postgres"))
        if (paths.DEPS / "graphile" / "done").exists():
            found.append(Peer("graphile-worker", ["node", paths.DEPS / "graphile" / "peer.mjs"], 60_000, 4, database))
        if (paths.DEPS / "river").exists():
            found.append(Peer("River", [paths.DEPS / "river"], 20_000, 4, database))
        if shutil.which("redis-server"):
            env = {**stack.enter_context(redis(folder / "redis")), "TIRO_BENCH_FILE": str(folder / "celery")}
            found.append(Peer("Celery", [paths.PYTHON, CELERY_APP], 10_000, 1, env))
        for name in {"graphile-worker", "River", "Celery"} - {peer.name for peer in found}:
            table.notes.append(f"{name} was not measured: it could not be had (bench/peers)")
        yield found


# -- the part --------------------------------------------------------------------------------------------


def side_by_side(table, options):
    """Rounds of all in turn; the goal of being ahead."""
    times = {}
    with folder_for_all() as folder, peers(table, folder) as found:
        names = ["tiro", *(peer.name for peer in found)]
        table_rows = {name: table.add(Row(TASK, name, AMOUNT, "parts/s")) for name in names}
        for _ in range(options.repeat):
            options.say(f"{TASK}: tiro")
            text = parts_bench("postgres", MEMORY, 1, "few")
            add(table_rows["tiro"], max(rate for rate, _ in rates(text).values()))
            times.setdefault("tiro", []).extend(pickups(text).values())
            for peer in found:
                options.say(f"{TASK}: {peer.name}")
                file = Path(peer.env.get("TIRO_BENCH_FILE", folder / "file"))
                add(table_rows[peer.name], peer_rate(peer, file))
                times.setdefault(peer.name, []).append(peer_pickup(peer, file, PICKUPS // 4 if options.quick else PICKUPS))
    tails = [p99 for _, p99 in times["tiro"]]
    table.goal(f"PostgreSQL in memory: nothing else waiting: 99 % picked up within {PICKUP_GOAL_MS} ms",
               f"{statistics.median(tails):.2f} ms, the median of {', '.join(f'{ms:.2f}' for ms in tails)}",
               statistics.median(tails) < PICKUP_GOAL_MS)
    ours = table_rows["tiro"].speed()
    for peer in found:
        speed = table_rows[peer.name].speed()
        table.goal(f"more than {peer.name}", f"{ours:.0f} and {speed:.0f} a second", ours > speed)
        mine, theirs = (min(p99 for _, p99 in times[name]) for name in ("tiro", peer.name))
        medians = [min(p50 for p50, _ in times[name]) for name in ("tiro", peer.name)]
        table.goal(f"picked up sooner than by {peer.name}, 99 % (median)",
                   f"{mine:.2f} ({medians[0]:.2f}) and {theirs:.2f} ({medians[1]:.2f}) ms", mine < theirs)


def add(row, rate):
    row.work_s.append(AMOUNT / rate)


def ours_alone(table, options):
    scale = 0.1 if options.quick else 1
    for backend, name in (("postgres", "PostgreSQL in memory"), ("file", "SQLite in memory")):
        options.say(f"parts_bench {backend} {MEMORY} {scale}")
        text = parts_bench(backend, MEMORY, scale)
        table.notes.append(f"`parts_bench {backend} {MEMORY} {scale}`:\n\n```\n{text}```\n")
        judge_rates(table, name, rates(text), RATE_GOAL, DECAY[backend])
        judge_pickups(table, name, {row: ms for row, ms in pickups(text).items() if "done" in row or backend == "file"})
    for backend in ("postgres", "file"):
        with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
            os.chmod(folder, 0o755)
            options.say(f"parts_bench {backend} on a disk")
            text = parts_bench(backend, folder, 0.1)
        table.notes.append(f"`parts_bench {backend} FOLDER 0.1` on a disk, without a goal:\n\n```\n{text}```\n")


def measure_all(table, options):
    if not PROGRAM.exists():
        table.notes.append("queue was not measured: parts_bench was not built")
        return
    side_by_side(table, options)
    ours_alone(table, options)
