"""The HTTP room through the tests' server: a small request beside nginx, a large upload, many idle event streams."""
import contextlib
import os
import re
import resource
import select
import shutil
import socket
import subprocess
import time

from . import measure, paths
from .table import Row

PROGRAM = paths.BUILD / "tests" / "tools" / "http_server"
HEADERS = ("Authorization: Bearer good", "Accept: application/json", "User-Agent: bench", "X-Request-Id: bench-1")
CONNECTIONS = 64
WARM_S, SECONDS, QUICK_SECONDS = 1, 6, 3
STREAMS = 10_000
SPARE_FILES = 100
UPLOAD_BYTES = 1 << 30
PIECE = 1 << 20
MILLION = 1_000_000
TASK_REQUEST, TASK_UPLOAD, TASK_STREAMS = "a million small JSON requests", "1 GiB multipart upload", f"{STREAMS} idle event streams"
TIRO, NGINX = "tiro", "nginx"
CPU_GOAL_US, RATIO_GOAL, STREAM_GOAL_BYTES, EVENT_GOAL_MS, UPLOAD_GOAL_MIB = 8.0, 1.3, 2048, 500, 1.0


def cpu_s(root):
    """Of a process and its descendants, to the nanosecond."""
    total = 0
    for pid in measure.tree(root):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as f:
                total += int(f.read().split()[0])
    return total / 1e9


def status_bytes(pid, name):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(rf"^{name}:\s+(\d+) kB", f.read(), re.M)[1]) * 1024


def cores():
    """One for the server and one for its client, where there are two."""
    there = sorted(os.sched_getaffinity(0))
    return there[0], there[-1]


@contextlib.contextmanager
def pinned(argv, **options):
    process = subprocess.Popen([str(a) for a in ("taskset", "-c", cores()[0], *argv)], **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def tiro(*options):
    """(process, port) of the tests' server with its access log on."""
    log = paths.WORK / "access.log"
    with pinned([PROGRAM, "127.0.0.1:0", "per_address=0", "connections=20000", f"log={log}", *options],
                stdout=subprocess.PIPE, text=True) as process:
        yield process, int(process.stdout.readline())
    log.unlink()


@contextlib.contextmanager
def nginx(body):
    """(process, port) of one worker that answers with a constant, without a log."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = paths.WORK / "nginx"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "nginx.conf").write_text(f"""
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 100000000; default_type application/json;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 '{body}'; }} }}
}}
""", encoding="utf-8")
    with pinned(["nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"]) as process:
        end = time.monotonic() + 5
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                if time.monotonic() > end or process.poll() is not None:
                    raise measure.Failed("nginx did not start") from None
                time.sleep(0.02)
        yield process, port


def answer(port, path, *headers, method="GET"):
    """The body of an answer."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        lines = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close", *headers, "", ""]
        sock.sendall("\r\n".join(lines).encode())
        data = b"".join(iter(lambda: sock.recv(65536), b""))
    head, body = data.split(b"\r\n\r\n", 1)
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise measure.Failed(f"{path} was answered with {head[:60]!r}")
    return body.decode()


def load(port, seconds):
    """Runs wrk; (requests, seconds)."""
    argv = ["taskset", "-c", cores()[1], "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s"]
    for header in HEADERS:
        argv += ["-H", header]
    out = subprocess.run([str(a) for a in [*argv, f"http://127.0.0.1:{port}/private"]], check=True, capture_output=True,
                         text=True).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        raise measure.Failed(f"wrk saw errors: {out[-200:]}")
    count, unit_seconds = re.search(r"(\d+) requests in ([\d.]+)s", out).groups()
    return int(count), float(unit_seconds)


def one_load(process, port, seconds):
    """(CPU microseconds for each request, measure.Run, requests)."""
    load(port, WARM_S)
    before = cpu_s(process.pid)
    count, wall_s = load(port, seconds)
    used = cpu_s(process.pid) - before
    peak = sum(measure.pss_kb(pid) for pid in measure.tree(process.pid)) / 1024
    us = used / count * MILLION
    # The table tells seconds of a million requests: as many as microseconds of one.
    return us, measure.Run(["wrk"], 0, wall_s, us, peak, 0, "", ""), count


def requests(table, options):
    """Both in turn, so that what disturbs one disturbs the other."""
    figures = {TIRO: [], NGINX: []}
    rows = {tool: table.add(Row(TASK_REQUEST, tool, MILLION, "requests/s")) for tool in figures}
    with tiro() as (ours, our_port), nginx(answer(our_port, "/private", *HEADERS)) as (theirs, their_port):
        for _ in range(options.repeat):
            for tool, process, port in ((TIRO, ours, our_port), (NGINX, theirs, their_port)):
                options.say(f"{TASK_REQUEST}: {tool}")
                us, run, count = one_load(process, port, QUICK_SECONDS if options.quick else SECONDS)
                figures[tool].append(us)
                rows[tool].runs.append(run)
                rows[tool].work_s.append(run.wall_s / count * MILLION)
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
        answer(port, "/health")
        before, cpu_before, start = status_bytes(process.pid, "VmRSS"), cpu_s(process.pid), time.monotonic()
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
        grown = status_bytes(process.pid, "VmHWM") - before
        row.work_s.append(wall_s)
        row.runs.append(measure.Run([], 0, wall_s, cpu_s(process.pid) - cpu_before, (before + grown) / 2**20, 0, "", ""))
    table.goal(f"1 GiB through the multipart parser grows the server by less than {UPLOAD_GOAL_MIB:.0f} MiB",
               f"{grown / 2**20:.2f} MiB", grown < UPLOAD_GOAL_MIB * 2**20)


def read_all(sockets, mark, seconds=30):
    """Waits until each socket has had `mark`."""
    poll, left, end = select.epoll(), {}, time.monotonic() + seconds
    for sock in sockets:
        left[sock.fileno()] = (sock, b"")
        poll.register(sock, select.EPOLLIN)
    while left:
        if time.monotonic() > end:
            raise measure.Failed(f"{len(left)} event streams got nothing")
        for fd, _ in poll.poll(1):
            sock, had = left[fd]
            had += sock.recv(4096)
            if mark in had:
                del left[fd]
                poll.unregister(fd)
            else:
                left[fd] = (sock, had)
    poll.close()


def streams(table, options):
    options.say(TASK_STREAMS)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < STREAMS + SPARE_FILES:
        table.notes.append(f"{TASK_STREAMS}: not measured, a process may open only {hard} files")
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (STREAMS + SPARE_FILES, hard))
    with tiro() as (process, port), contextlib.ExitStack() as stack:
        answer(port, "/health")
        rss, pss = status_bytes(process.pid, "VmRSS"), measure.pss_kb(process.pid) * 1024
        sockets = []
        for _ in range(STREAMS):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            sock.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n")
            sockets.append(sock)
        read_all(sockets, b"\r\n\r\n")
        rss = (status_bytes(process.pid, "VmRSS") - rss) / STREAMS
        pss = (measure.pss_kb(process.pid) * 1024 - pss) / STREAMS
        times_ms = []
        for _ in range(max(2, options.repeat)):
            start = time.monotonic()
            answer(port, "/events", method="POST")
            read_all(sockets, b"event: tick")
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
    missing = [name for name in ("nginx", "wrk", "taskset") if not shutil.which(name)]
    if missing:
        raise measure.Failed(f"{', '.join(missing)} not installed")
    requests(table, options)
    upload(table, options)
    streams(table, options)
