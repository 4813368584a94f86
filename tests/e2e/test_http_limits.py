"""How long the HTTP server waits, how many it serves, and how it goes."""
import re
import resource
import socket
import subprocess
import threading
import time

import pytest
from raw_http import outcomes, serving, wait_for


# -- time-outs ---------------------------------------------------------------------------------------


def test_deadlines():
    limits = {"head_ms": 400, "keep_alive_ms": 400, "body_idle_ms": 400, "send_idle_ms": 400, "linger_ms": 200,
              "event_comment_ms": 200}
    with serving(**limits) as server:
        silent, dribbling, idle, body = (server.connect() for _ in range(4))
        stuck, events, waiting = (server.connect() for _ in range(3))
        stuck.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck.request("/stream?bytes=100000000")
        idle.request("/health")
        assert idle.response().status == 200
        body.send(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello")
        events.request("/events")
        waiting.request("/wait?ms=1500")
        events.head()

        def dribble():
            try:
                for byte in b"GET /health HTTP/1.1\r\nHost: " + b"x" * 1000:
                    dribbling.send(bytes([byte]))
                    time.sleep(0.05)
            except OSError:
                pass

        thread = threading.Thread(target=dribble)
        start = time.monotonic()
        thread.start()
        assert silent.is_closed()
        assert idle.is_closed()
        assert body.response().status == 408
        assert dribbling.response().status == 408
        wait_for(lambda: outcomes(server)["hung_up"] >= 2)  # the body and the one who does not read
        assert time.monotonic() - start < 5
        assert [events.chunk() for _ in range(3)] == [b":\n\n"] * 3
        assert waiting.response().status == 200, "who waits for the server is not to blame"
        thread.join()
        for client in (silent, dribbling, idle, body, stuck, events, waiting):
            client.sock.close()
        server.stop()


@pytest.mark.parametrize("framing", [b"Content-Length: 1000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n5;",
                                     b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"],
                         ids=["body", "chunk extension", "trailer"])
def test_a_body_below_the_rate_is_cut_off(framing):
    with serving(rate_grace_ms=300, min_rate=1000) as server:
        with server.connect() as client:
            client.send(b"POST /upload HTTP/1.1\r\nHost: x\r\n" + framing)
            start = time.monotonic()
            with pytest.raises(OSError):
                while time.monotonic() - start < 10:
                    client.send(b"x")
                    time.sleep(0.02)
        assert time.monotonic() - start < 5
        assert outcomes(server)["hung_up"] == 1
        server.stop()


def test_connections_are_limited_in_all_and_per_address():
    for limits in ({"connections": 5}, {"per_address": 5}):
        with serving(**limits) as server:
            clients = [server.connect() for _ in range(5)]
            for client in clients:
                client.request("/health")
                assert client.response().status == 200
            with server.connect() as one_more:
                assert one_more.is_closed()
            clients.pop().sock.close()
            wait_for(lambda: b"connections" in (server.connect_and_ask() or b""))
            for client in clients:
                client.sock.close()
            server.stop()


def test_running_out_of_descriptors_is_survived():
    with serving() as server:
        files = len(subprocess.check_output(["ls", f"/proc/{server.process.pid}/fd"]).split())
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (files + 3, files + 3))
        clients = [server.connect() for _ in range(10)]
        for client in clients[:2]:
            client.request("/health")
            assert client.response().status == 200
        for client in clients:
            client.sock.close()
        wait_for(lambda: b"connections" in (server.connect_and_ask() or b""))
        server.stop()


# -- drain -------------------------------------------------------------------------------------------


def test_a_drain_finishes_what_is_under_way_and_takes_nothing_new():
    with serving() as server:
        idle, waiting, upload, events = (server.connect() for _ in range(4))
        idle.request("/health")
        assert idle.response().status == 200
        waiting.request("/wait?ms=400")
        upload.send(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello")
        events.request("/events")
        events.head()
        wait_for(lambda: outcomes(server)["connections"] >= 5)
        server.drain()
        assert idle.is_closed()
        assert events.chunk() == b"" and events.is_closed()
        with pytest.raises(OSError):
            server.connect()
        upload.send(b"world")
        for client in (upload, waiting):
            answer = client.response()
            assert (answer.status, answer.header("Connection")) == (200, "close")
            client.sock.close()
        assert server.process.wait(timeout=10) == 0


def test_a_drain_ends_at_its_deadline():
    with serving() as server:
        client = server.connect()
        client.send(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello")
        wait_for(lambda: outcomes(server)["connections"] >= 2)
        start = time.monotonic()
        server.drain()
        assert server.process.wait(timeout=10) == 0
        assert 2 < time.monotonic() - start < 8
        client.sock.close()


def test_the_access_log_names_patterns_and_never_paths(tmp_path):
    with serving(log=tmp_path / "access.log") as server:
        server.get("/items/secret?q=secret", "X-Request-Id: one")
        server.get("/secret")
        server.stop()
    log = (tmp_path / "access.log").read_text()
    assert "secret" not in log
    assert re.search(r"^GET /items/\{id\} 200 hung_up=0 in=0 out=\d+ id=one$", log, re.MULTILINE)
    assert re.search(r"^GET - 404 ", log, re.MULTILINE)
