"""The HTTP room through the tests' server: a small request beside nginx, a large upload, many idle event streams."""
import contextlib
import os
import socket
import subprocess
import time

from . import measure, paths, serving
from .table import Row

PROGRAM = paths.BUILD / "tests" / "tools" / "http_server"
HEADERS = ("Authorization: Bearer good", "Accept: application/json", "User-Agent: bench", "X-Request-Id: bench-1")
STREAMS = 10_000
UPLOAD_BYTES = 1 << 30
PIECE = 1 << 20
TASK_REQUEST, TASK_UPLOAD, TASK_STREAMS = "a million small JSON requests", "1 GiB multipart upload", f"{STREAMS} idle event streams"
TIRO, NGINX = "tiro", "nginx"
CPU_GOAL_US, RATIO_GOAL, STREAM_GOAL_BYTES, EVENT_GOAL_MS, UPLOAD_GOAL_MIB = 8.0, 1.3, 2048, 500, 1.0


@contextlib.contextmanager
def tiro(*options):
    """(process, port) of the tests' server with its access log on."""
    log = paths.WORK / "access.log"
    with serving.pinned([PROGRAM, "127.0.0.1:0", "per_address=0", "connections=20000", f"log={log}", *options],
                        stdout=subprocess.PIPE, text=True) as process:
        yield process, int(process.stdout.readline())
    log.unlink()


def requests(table, options):
    """Both in turn, so that what disturbs one disturbs the other."""
    figures = {TIRO: [], NGINX: []}
    rows = {tool: table.add(Row(TASK_REQUEST, tool, serving.MILLION, "requests/s")) for tool in figures}
    with tiro() as (ours, our_port), serving.nginx(serving.answer(our_port, "/private", *HEADERS)) as (theirs, their_port):
        for _ in range(options.repeat):
            for tool, process, port in ((TIRO, ours, our_port), (NGINX, theirs, their_port)):
                options.say(f"{TASK_REQUEST}: {tool}")
                us, run, count = serving.one_load(process, port, "/private", HEADERS,
                                                  serving.QUICK_SECONDS if options.quick else serving.SECONDS)
                figures[tool].append(us)
                rows[tool].runs.append(run)
                rows[tool].work_s.append(run.wall_s / count * serving.MILLION)
    best, peer = min(figures[TIRO]), min(figures[NGINX])
    told = ", ".join(f"{us:.2f}" for us in figures[TIRO])
    table.goal(f"a small request takes {CPU_GOAL_US:.0f} µs of CPU", f"{best:.2f} µs least ({told})", best <= CPU_GOAL_US)
    table.goal(f"and at most {RATIO_GOAL} times nginx's", f"{best / peer:.2f} (nginx {peer:.2f} µs)",
               best <= RATIO_GOAL * peer)


def upload(table, options):
    """Pieces without pattern, so that the search for the boundary has false starts."""
    options.say(TASK_UPLOAD)
    piece = os.urandom(PIECE)
    first = b'--frontier\r\nContent-Disposition: form-data; name="f"; filename="a.bin"\r\n\r\n'
    last = b"\r\n--frontier--\r\n"
    row = table.add(Row(TASK_UPLOAD, TIRO, UPLOAD_BYTES / 1e6, "MB/s"))
    with tiro() as (process, port):
        serving.answer(port, "/health")
        before, cpu_before, start = serving.status_bytes(process.pid, "VmRSS"), serving.cpu_s(process.pid), time.monotonic()
        with socket.create_connection(("127.0.0.1", port)) as sock:
            sock.sendall(b"POST /upload HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                         b"Content-Type: multipart/form-data; boundary=frontier\r\n"
                         b"Content-Length: %d\r\n\r\n" % (len(first) + UPLOAD_BYTES + len(last)) + first)
            for _ in range(UPLOAD_BYTES // PIECE):
                sock.sendall(piece)
            sock.sendall(last)
            told = b"".join(iter(lambda: sock.recv(65536), b""))
        wall_s = time.monotonic() - start
        if b'{"bytes":%d,"parts":1}' % UPLOAD_BYTES not in told:
            raise measure.Failed(f"the upload was answered with {told[-100:]!r}")
        grown = serving.status_bytes(process.pid, "VmHWM") - before
        row.work_s.append(wall_s)
        row.runs.append(measure.Run([], 0, wall_s, serving.cpu_s(process.pid) - cpu_before, (before + grown) / 2**20, 0, "", ""))
    table.goal(f"1 GiB through the multipart parser grows the server by less than {UPLOAD_GOAL_MIB:.0f} MiB",
               f"{grown / 2**20:.2f} MiB", grown < UPLOAD_GOAL_MIB * 2**20)


def streams(table, options):
    options.say(TASK_STREAMS)
    serving.allow_files(STREAMS)
    with tiro() as (process, port), contextlib.ExitStack() as stack:
        serving.answer(port, "/health")
        rss, pss = serving.status_bytes(process.pid, "VmRSS"), measure.pss_kb(process.pid) * 1024
        sockets = serving.open_streams(stack, port, "/events", (), STREAMS)
        rss = (serving.status_bytes(process.pid, "VmRSS") - rss) / STREAMS
        pss = (measure.pss_kb(process.pid) * 1024 - pss) / STREAMS
        times_ms = []
        for _ in range(max(2, options.repeat)):
            start = time.monotonic()
            serving.answer(port, "/events", method="POST")
            serving.read_all(sockets, b"event: tick")
            times_ms.append((time.monotonic() - start) * 1e3)
    table.goal(f"an idle event stream takes at most {STREAM_GOAL_BYTES} bytes of the server, of {STREAMS}",
               f"RSS {rss:.0f}, PSS {pss:.0f}", max(rss, pss) <= STREAM_GOAL_BYTES)
    table.goal(f"an event reaches all of them within {EVENT_GOAL_MS} ms",
               f"{max(times_ms):.0f} ms at most, of {len(times_ms)}, the client's reading included",
               max(times_ms) <= EVENT_GOAL_MS)


def measure_all(table, options):
    paths.WORK.mkdir(parents=True, exist_ok=True)
    if not PROGRAM.exists():
        table.notes.append("http was not measured: the tests' server was not built")
        return
    serving.need("nginx", "wrk", "taskset")
    requests(table, options)
    upload(table, options)
    streams(table, options)
