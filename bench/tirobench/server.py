"""`tiro serve` as its clients meet it, beside nginx and FastAPI: small requests, large uploads, many event streams, long
lists."""
import contextlib
import http.client
import shutil
import socket
import statistics
import threading
import time
import uuid

from . import lists, measure, serving, web
from .table import Row

TIRO, NGINX, FASTAPI = "tiro", "nginx", "FastAPI"

# -- small requests --------------------------------------------------------------------------------------

TASK_REQUEST, TASK_READ = "a million small requests with a token", "the same, reading a row of SQLite"
CPU_GOAL_US, NGINX_GOAL, FASTAPI_GOAL = 8.0, 1.3, 10.0
# Routing, token, security headers and access log, as for every request; the answer needs no database, because there is no
# file of that name.
NO_FILE, NO_FILE_STATUS = "/api/v1/files/none", 404


def small_requests(table, options):
    """All in turn, so that what disturbs one disturbs the others."""
    seconds = serving.QUICK_SECONDS if options.quick else serving.SECONDS
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(web.tiro(web.fresh("small"), pin=True))
        ours.user()
        file = f"/api/v1/files/{web.upload(ours, web.recording())['id']}"
        theirs = stack.enter_context(web.fastapi(web.fresh("fastapi"), pin=True))
        body = serving.answer(ours.port, NO_FILE, *ours.headers(), status=NO_FILE_STATUS)
        process, port = stack.enter_context(serving.nginx(body))
        loads = [(TASK_REQUEST, TIRO, ours, NO_FILE, NO_FILE_STATUS),
                 (TASK_REQUEST, NGINX, web.Server(process, port, ours.token), "/", 200),
                 (TASK_REQUEST, FASTAPI, theirs, "/small/none", 200), (TASK_READ, TIRO, ours, file, 200)]
        found = [(table.add(Row(task, tool, serving.MILLION, "requests/s")), []) for task, tool, *_ in loads]
        for _ in range(options.repeat):
            for (task, tool, server, path, status), (row, figures) in zip(loads, found):
                options.say(f"{task}: {tool}")
                us, run, count = serving.one_load(server.process, server.port, path, server.headers(), seconds, status)
                figures.append(us)
                row.runs.append(run)
                row.work_s.append(run.wall_s / count * serving.MILLION)
    best, constant, framework, _ = (min(figures) for _, figures in found)
    told = ", ".join(f"{us:.2f}" for us in found[0][1])
    table.goal(f"a small request takes at most {CPU_GOAL_US:.0f} µs of CPU", f"{best:.2f} µs least ({told})",
               best <= CPU_GOAL_US)
    table.goal(f"and at most {NGINX_GOAL} times nginx's constant", f"{best / constant:.2f} (nginx {constant:.2f} µs)",
               best <= NGINX_GOAL * constant)
    table.goal(f"and a {FASTAPI_GOAL:.0f}th of FastAPI's", f"1 in {framework / best:.1f} (FastAPI {framework:.1f} µs)",
               framework >= FASTAPI_GOAL * best)


# -- large uploads ---------------------------------------------------------------------------------------

RATE_GOAL, CORES_GOAL, P99_GOAL_MS = 400, 1.5, 50
GROWTH_GOAL_MIB = {1: 16, 4: 64}
PROBE_S = 0.004


class Probe(threading.Thread):
    """Somebody else's requests meanwhile: their times in milliseconds."""

    def __init__(self, server, path):
        super().__init__(daemon=True)
        self.server, self.path = server, path
        self.stop = threading.Event()
        self.times_ms = []
        self.failure = None

    def run(self):
        try:
            self.ask()
        except (OSError, http.client.HTTPException) as failure:
            self.failure = failure

    def ask(self):
        headers = dict(line.split(": ", 1) for line in self.server.headers())
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.server.port)) as connection:
            while not self.stop.is_set():
                start = time.monotonic()
                connection.request("GET", self.path, headers=headers)
                connection.getresponse().read()
                self.times_ms.append((time.monotonic() - start) * 1e3)
                self.stop.wait(PROBE_S)

    def p99_ms(self):
        self.stop.set()
        self.join()
        if self.failure:
            raise measure.Failed(f"a request beside an upload failed: {self.failure!r}")
        return statistics.quantiles(self.times_ms, n=100)[98]


def one_upload(server, content, path, probe_path):
    """(measure.Run, bytes that the server grew by, 99 % of other requests in ms, the answer)."""
    pid = server.process.pid
    memory, cpu = serving.status_bytes(pid, "VmRSS"), serving.process_cpu_s(pid)
    probe = Probe(server, probe_path)
    probe.start()
    start = time.monotonic()
    answer = web.upload(server, content, path)
    wall_s = time.monotonic() - start
    cpu = serving.process_cpu_s(pid) - cpu
    p99_ms = probe.p99_ms()
    peak = serving.status_bytes(pid, "VmHWM")
    return measure.Run([], 0, wall_s, cpu, peak / 1e6, 0, "", ""), peak - memory, p99_ms, answer


def uploads(table, options):
    for gib in (1,) if options.quick else (1, 4):
        uploads_of(table, options, gib)


def uploads_of(table, options, gib):
    task, content = f"upload of {gib} GiB to a disk", web.recording(gib)
    figures = {TIRO: [], FASTAPI: []}
    found = {tool: table.add(Row(task, tool, content[1] / 1e6, "MB/s")) for tool in figures}
    with contextlib.ExitStack() as stack:
        folder = web.fresh("uploads")
        ours, theirs = stack.enter_context(web.tiro(folder)), stack.enter_context(web.fastapi(web.fresh("fastapi")))
        ours.user()
        web.allow_large_files(folder)
        forget(ours, web.upload(ours, web.recording()))  # the first makes threads and opens files
        web.upload(theirs, web.recording(), "/upload")
        for _ in range(options.repeat if gib == 1 else 1):
            for tool, server, routes in ((TIRO, ours, ("/api/v1/files/upload", "/api/v1/jobs?limit=1")),
                                         (FASTAPI, theirs, ("/upload", "/small/none"))):
                options.say(f"{task}: {tool}")
                run, grown, p99_ms, answer = one_upload(server, content, *routes)
                found[tool].runs.append(run)
                found[tool].work_s.append(run.wall_s)
                figures[tool].append((run.cpu_s / run.wall_s, grown / web.MIB, p99_ms))
                if tool == TIRO:
                    forget(ours, answer)
    row = found[TIRO]
    cores, grown, p99_ms = (max(column) for column in zip(*figures[TIRO]))
    if gib == 1:
        # One that is faster may use more: what counts is what it would do with so many.
        within = row.speed() * min(1, CORES_GOAL / cores)
        table.goal(f"{task}: {RATE_GOAL} MB/s with {CORES_GOAL} cores, hashed, compressed and sealed",
                   f"{row.speed():.0f} MB/s on {cores:.2f} cores", within >= RATE_GOAL)
    table.goal(f"{task}: the server grows by at most {GROWTH_GOAL_MIB[gib]} MiB",
               f"{grown:.1f} MiB (FastAPI {max(f[1] for f in figures[FASTAPI]):.1f})", grown <= GROWTH_GOAL_MIB[gib])
    table.goal(f"{task}: 99 % of other requests within {P99_GOAL_MS} ms meanwhile",
               f"{p99_ms:.1f} ms (FastAPI {max(f[2] for f in figures[FASTAPI]):.1f})", p99_ms < P99_GOAL_MS)


def forget(server, answer):
    """Its job would be at work during the next."""
    server.request("DELETE", f"/api/v1/files/{answer['id']}", status=204)


# -- event streams ---------------------------------------------------------------------------------------

STREAMS, QUICK_STREAMS = 10_000, 2_000
STREAM_GOAL_BYTES, EVENT_GOAL_MS = 2048, 500
EVENT = b"event: upload_progress"
# An upload tells of itself twice a second at most (files/intake.h).
PAUSE_S = 0.6
TOLD_BYTES = 4 * web.MIB


class SlowUpload:
    """One that is never through, whose file so has something to tell whenever more of it comes."""

    def __init__(self, server, stack):
        self.sock = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
        self.id = str(uuid.uuid4())
        form = f'--{web.BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
        serving.send_head(self.sock, "POST", "/api/v1/files/upload",
                          [*server.headers(), f"X-Upload-Id: {self.id}", f"Content-Length: {web.GIB}",
                           f"Content-Type: multipart/form-data; boundary={web.BOUNDARY}"])
        self.sock.sendall(form.encode() + web.recording()[0][0])

    def more(self):
        self.sock.sendall(bytes(TOLD_BYTES))


def measure_streams(stack, server, path, count, rounds, tell):
    """(RSS and PSS for each, times in ms until all have had an event)."""
    pid = server.process.pid
    rss, pss = serving.status_bytes(pid, "VmRSS"), measure.pss_kb(pid) * 1024
    sockets = serving.open_streams(stack, server.port, path, server.headers(), count)
    rss = (serving.status_bytes(pid, "VmRSS") - rss) / count
    pss = (measure.pss_kb(pid) * 1024 - pss) / count
    times_ms = []
    for _ in range(rounds):
        time.sleep(PAUSE_S)
        serving.forget_waiting(sockets)
        start = time.monotonic()
        tell()
        serving.read_all(sockets, EVENT)
        times_ms.append((time.monotonic() - start) * 1e3)
    return rss, pss, times_ms


def streams(table, options):
    count, rounds = QUICK_STREAMS if options.quick else STREAMS, max(2, options.repeat)
    serving.allow_files(count)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(web.tiro(web.fresh("streams"), pin=True))
        server.user()
        options.say(f"{count} event streams: {TIRO}")
        slow = SlowUpload(server, stack)
        time.sleep(PAUSE_S)
        slow.more()
        rss, pss, times_ms = measure_streams(stack, server, f"/api/v1/files/{slow.id}/events", count, rounds, slow.more)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(web.fastapi(web.fresh("fastapi"), pin=True))
        options.say(f"{count} event streams: {FASTAPI}")
        peer_rss, _, peer_ms = measure_streams(stack, server, "/events", count, rounds,
                                               lambda: server.request("POST", "/events"))
    table.goal(f"an idle event stream takes at most {STREAM_GOAL_BYTES} bytes of the server, of {count}",
               f"RSS {rss:.0f}, PSS {pss:.0f} (uvicorn {peer_rss:.0f})", max(rss, pss) <= STREAM_GOAL_BYTES)
    table.goal(f"an event reaches all {count} within {EVENT_GOAL_MS} ms",
               f"{max(times_ms):.0f} ms at most, of {rounds}, from the bytes that cause it to the last client's reading (uvicorn "
               f"{max(peer_ms):.0f})", max(times_ms) <= EVENT_GOAL_MS)


def measure_all(table, options):
    serving.need("nginx", "wrk", "taskset")
    for part in (small_requests, uploads, streams, lists.measure_lists):
        part(table, options)
    shutil.rmtree(web.WORK)
