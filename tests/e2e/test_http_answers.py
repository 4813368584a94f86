"""What the HTTP server answers with beside small texts: streams, ranges of a file, events."""
import json
import re
import resource
import socket
import time

import pytest
from raw_http import FILE, memory, outcomes, serving, wait_for


@pytest.fixture(scope="module")
def server():
    with serving(per_address=0) as running:
        yield running
        running.stop()


# -- answers -----------------------------------------------------------------------------------------


def test_streams_are_chunked_or_have_a_length(server):
    answer = server.get("/stream?bytes=3000000")
    assert (answer.header("Transfer-Encoding"), len(answer.body)) == ("chunked", 3000000)
    answer = server.get("/stream?bytes=3000000&length=1")
    assert (answer.header("Content-Length"), len(answer.body)) == ("3000000", 3000000)
    assert server.get("/stream?bytes=0").body == b""


def test_a_stream_to_http_1_0_ends_with_the_connection(server):
    with server.connect() as client:
        client.send(b"GET /stream?bytes=100000 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        answer = client.head()
        assert (answer.header("Transfer-Encoding"), answer.header("Connection")) == (None, "close")
        assert len(client.rest()) == 100000


def test_a_stream_is_not_piled_up_for_who_does_not_read(server):
    before = memory(server)
    with server.connect() as client:
        client.request("/stream?bytes=100000000&length=1")
        assert client.head().status == 200
        time.sleep(0.3)  # nothing tells that the server has stopped, which is the point
        if before:
            assert memory(server) - before < 2_000_000
        assert sum(len(client.exactly(1_000_000)) for _ in range(100)) == 100_000_000


def test_a_slow_reader_is_not_taken_for_a_stuck_one():
    with serving(send_idle_ms=200) as server, server.connect() as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.request("/stream?bytes=8000000&length=1")
        assert client.head().status == 200
        start, left = time.monotonic(), 8_000_000
        while left > 0:
            left -= len(client.exactly(min(left, 40_000)))
            time.sleep(0.01)
        assert time.monotonic() - start > 1.5, "longer than the server waits"


@pytest.mark.parametrize("header, status, first, length", [
    ([], 200, 0, 300000),
    (["Range: bytes=0-0"], 206, 0, 1),
    (["Range: bytes=100000-250000"], 206, 100000, 150001),
    (["Range: bytes=-1"], 206, 299999, 1),
    (["Range: bytes=299990-"], 206, 299990, 10),
    (["Range: bytes=1-2,5-6"], 200, 0, 300000),
    (["Range: bytes=0-9", 'If-Range: "v1"'], 206, 0, 10),
    (["Range: bytes=0-9", 'If-Range: "v0"'], 200, 0, 300000),
    (["Range: bytes=0-9", 'If-Range: W/"v1"'], 200, 0, 300000),
    (["Range: bytes=0-9", "If-Range: Mon, 01 Jun 2026 10:00:00 GMT"], 206, 0, 10),
])
def test_ranges(server, header, status, first, length):
    answer = server.get("/file", *header)
    assert answer.status == status
    assert answer.body == FILE[first:first + length]
    assert answer.header("ETag") == '"v1"'
    if status == 206:
        assert answer.header("Content-Range") == f"bytes {first}-{first + length - 1}/300000"


def test_a_range_outside_is_refused_with_the_size(server):
    answer = server.get("/file", "Range: bytes=300000-")
    assert (answer.status, answer.header("Content-Range")) == (416, "bytes */300000")


def test_what_the_client_has_is_not_sent_again(server):
    answer = server.get("/file", 'If-None-Match: "v0", W/"v1"')
    assert (answer.status, answer.header("ETag"), answer.header("Content-Length")) == (304, '"v1"', None)


def test_head_and_empty_content(server):
    with server.connect() as client:
        client.request("/file", method="HEAD")
        assert client.response(head_only=True).header("Content-Length") == "300000"
        client.request("/file?size=0")
        assert client.response().header("Content-Length") == "0"
        client.request("/health")
        assert client.response().status == 200


# -- events ------------------------------------------------------------------------------------------


def tick(server, times=1):
    return json.loads(server.get(f"/events?times={times}", method="POST").body)["subscribers"]


def test_events_come_and_are_resumed(server):
    with server.connect() as client:
        client.request("/events")
        answer = client.head()
        assert answer.header("Content-Type") == "text/event-stream"
        assert answer.header("Cache-Control") == "no-store"
        assert tick(server) >= 1
        event = client.chunk().decode()
        number = int(re.match(r"id: (\d+)\n", event)[1])
        assert event == f"id: {number}\nevent: tick\ndata: event {number}\ndata: line 2\n\n"
    tick(server, 3)
    with server.connect() as client:
        client.request("/events", f"Last-Event-ID: {number}")
        client.head()
        text = b""
        while text.count(b"\n\n") < 3:
            text += client.chunk()
        assert re.findall(rb"id: (\d+)", text) == [str(number + i).encode() for i in (1, 2, 3)]


def test_an_idle_event_stream_costs_little(server):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = 2000
    if hard < count + 200:
        pytest.skip("too few descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + 200), hard))

    assert server.get("/health").status == 200
    before = memory(server)
    clients = [server.connect() for _ in range(count)]
    for client in clients:
        client.request("/events")
    for client in clients:
        assert client.head().status == 200
    each = (memory(server) - before) / count if before else 0
    start = time.monotonic()
    assert tick(server) >= count
    for client in clients:
        assert client.chunk().startswith(b"id: ")
    spent = time.monotonic() - start
    for client in clients:
        client.sock.close()
    wait_for(lambda: outcomes(server)["connections"] < 100)
    assert each < 2048, f"{each} bytes each"
    assert spent < 10
