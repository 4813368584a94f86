"""What measuring a server needs: processes on a core of their own, CPU and memory from /proc, wrk, many event streams."""
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

CONNECTIONS = 64
WARM_S, SECONDS, QUICK_SECONDS = 1, 6, 3
SPARE_FILES = 200
MILLION = 1_000_000


def need(*programs):
    missing = [name for name in programs if not shutil.which(name)]
    if missing:
        raise measure.Failed(f"{', '.join(missing)} not installed")


def cpu_s(root):
    """Of a process and its descendants, to the nanosecond."""
    total = 0
    for pid in measure.tree(root):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a jail that has just ended
            for thread in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as f:
                    total += int(f.read().split()[0])
    return total / 1e9


def process_cpu_s(pid):
    """Of one process, threads that have ended included, to a hundredth."""
    with open(f"/proc/{pid}/stat", "rb") as f:
        words = f.read().rsplit(b")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def status_bytes(pid, name):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(rf"^{name}:\s+(\d+) kB", f.read(), re.M)[1]) * 1024


def cores():
    """One for the server and one for its client, where there are two."""
    there = sorted(os.sched_getaffinity(0))
    return there[0], there[-1]


@contextlib.contextmanager
def running(argv, **options):
    process = subprocess.Popen([str(a) for a in argv], **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def pinned(argv, **options):
    return running(["taskset", "-c", cores()[0], *argv], **options)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def wait_port(process, port, name, seconds=30):
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            if time.monotonic() > end or process.poll() is not None:
                raise measure.Failed(f"{name} did not start") from None
            time.sleep(0.02)


@contextlib.contextmanager
def nginx(body):
    """(process, port) of one worker that answers with a constant, without a log."""
    port = free_port()
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
        wait_port(process, port, "nginx")
        yield process, port


def send_head(sock, method, path, headers):
    sock.sendall("\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode())


def read_rest(sock):
    return b"".join(iter(lambda: sock.recv(65536), b""))


def answer(port, path, *headers, method="GET", status=200):
    """The body of an answer that has this status."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        send_head(sock, method, path, ["Connection: close", *headers])
        data = read_rest(sock)
    head, body = data.split(b"\r\n\r\n", 1)
    if f" {status} ".encode() not in head.split(b"\r\n")[0]:
        raise measure.Failed(f"{path} was answered with {head[:60]!r}")
    return body.decode()


# -- many requests ---------------------------------------------------------------------------------------


def wrk(port, path, headers, seconds, status=200):
    """(requests, seconds); Failed where an answer has another status."""
    argv = ["taskset", "-c", cores()[1], "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s"]
    for header in headers:
        argv += ["-H", header]
    out = subprocess.run([str(a) for a in [*argv, f"http://127.0.0.1:{port}{path}"]], check=True, capture_output=True,
                         text=True).stdout
    count, wall_s = re.search(r"(\d+) requests in ([\d.]+)s", out).groups()
    other = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    refused = int(other[1]) if other else 0
    if "Socket errors" in out or refused != (0 if status < 300 else int(count)):
        raise measure.Failed(f"wrk saw errors: {out[-200:]}")
    return int(count), float(wall_s)


def one_load(process, port, path, headers, seconds, status=200):
    """(CPU microseconds for each request, measure.Run, requests)."""
    wrk(port, path, headers, WARM_S, status)
    before = cpu_s(process.pid)
    count, wall_s = wrk(port, path, headers, seconds, status)
    used = cpu_s(process.pid) - before
    peak = sum(measure.pss_kb(pid) for pid in measure.tree(process.pid)) / 1024
    us = used / count * MILLION
    # The table tells seconds of a million requests: as many as microseconds of one.
    return us, measure.Run(["wrk"], 0, wall_s, us, peak, 0, "", ""), count


# -- many event streams ----------------------------------------------------------------------------------


def allow_files(count):
    """Raises the limit of this process and those that it starts; Failed where the system does not."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < count + SPARE_FILES:
        raise measure.Failed(f"a process may open only {hard} files, for {count} connections")
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + SPARE_FILES, hard))


def open_streams(stack, port, path, headers, count):
    """Sockets whose answers have begun; `stack` closes them."""
    sockets = []
    for _ in range(count):
        sock = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        send_head(sock, "GET", path, ["Accept: text/event-stream", *headers])
        sockets.append(sock)
    read_all(sockets, b"\r\n\r\n")
    return sockets


def forget_waiting(sockets):
    """What has come by now is no answer to what is asked next."""
    for sock in sockets:
        with contextlib.suppress(BlockingIOError):
            while sock.recv(65536, socket.MSG_DONTWAIT):
                pass


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
            more = sock.recv(4096)
            had += more
            if not more:
                raise measure.Failed(f"an event stream ended: {had[:80]!r}")
            if mark in had:
                del left[fd]
                poll.unregister(fd)
            else:
                left[fd] = (sock, had)
    poll.close()
