"""The HTTP server through its test program: routes, bodies, long waits and hang-ups."""
import json
import random
import re
import socket
import time

import pytest
from raw_http import memory, outcomes, serving, wait_for


@pytest.fixture(scope="module")
def server():
    with serving(per_address=0) as running:
        yield running
        running.stop()


# -- routes ------------------------------------------------------------------------------------------


def test_paths_and_queries_are_decoded(server):
    answer = server.get("/items/%C3%A4%20b/?q=1%262+3&q=no")
    assert json.loads(answer.body) == {"id": "ä b", "q": "1&2 3", "address": "127.0.0.1"}


def test_an_unknown_path_is_told_in_the_shape_of_its_owner(server):
    assert "error" in json.loads(server.get("/nothing").body)
    answer = server.get("/items/a/b")
    assert (answer.status, "item_error" in json.loads(answer.body)) == (404, True)


def test_a_wrong_method_is_told_what_is_allowed(server):
    answer = server.get("/items/a", method="DELETE")
    assert (answer.status, answer.header("Allow")) == (405, "GET, HEAD")
    answer = server.get("/echo/")
    assert (answer.status, answer.header("Allow")) == (405, "POST, PUT")


def test_request_ids_are_taken_over_where_they_are_sound(server):
    assert server.get("/health", "X-Request-Id: a-B_1.2").header("X-Request-Id") == "a-B_1.2"
    for bad in ("a b", "<script>", "", "a" * 65):
        answer = server.get("/health", f"X-Request-Id: {bad}")
        assert re.fullmatch("[0-9a-f]{32}", answer.header("X-Request-Id"))


def test_a_value_of_a_user_cannot_add_a_header(server):
    answer = server.get("/header?value=a%0d%0aSet-Cookie:+b")
    assert answer.header("X-Value") == "a  Set-Cookie: b"
    assert answer.header("Set-Cookie") is None


def test_an_answers_own_header_replaces_the_servers(server):
    assert server.get("/health").header("Referrer-Policy") == "no-referrer"
    assert server.get("/header").header("Referrer-Policy") == "origin"


def test_headers_may_be_added_to_whatever_answer_comes(server):
    for headers in ([], ["Range: bytes=0-9"], ["Range: bytes=900000-"], ['If-None-Match: "v1"']):
        answer = server.get("/file", *headers)
        assert [value for name, value in answer.headers if name == "X-RateLimit-Remaining"] == ["999"]
    assert server.get("/private").header("X-RateLimit-Remaining") == "999"
    assert server.get("/items/a?q=1&q=2&r=&q=3").header("X-Fields") == "q=1 q=2 r= q=3 "


# -- bodies ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method, path, headers, body, status", [
    ("POST", "/echo", ["Content-Type: application/json; charset=utf-8"], b"[1]", 200),
    ("POST", "/echo", ["Content-Type: application/problem+json"], b"[1]", 200),
    ("POST", "/echo", ["Content-Type: text/plain"], b"[1]", 415),
    ("POST", "/echo", [], b"[1]", 415),
    ("POST", "/echo", ["Content-Type: application/json"], b"", 400),
    ("PUT", "/echo", [], b"", 200),
    ("POST", "/form", ["Content-Type: application/x-www-form-urlencoded"], b"a=1&b=%C3%A4", 200),
    ("POST", "/form", ["Content-Type: application/x-www-form-urlencoded"], b"a=%ff", 400),
    ("POST", "/upload", ["Content-Type: multipart/form-data"], b"--x--", 400),
    ("POST", "/upload", ["Content-Type: multipart/form-data; boundary=x"], b"--x\r\nA: b\r\n\r\n", 400),
])
def test_bodies_are_checked_and_the_connection_is_kept(server, method, path, headers, body, status):
    with server.connect() as client:
        client.request(path, *headers, method=method, body=body)
        assert client.response().status == status
        client.request("/health")
        assert client.response().status == 200


def test_an_announced_body_that_is_too_large_is_refused_before_it_comes(server):
    with server.connect() as client:
        client.send(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1048577\r\n\r\n")
        answer = client.response()
        assert (answer.status, answer.header("Connection")) == (413, "close")
        assert client.is_closed()


def test_a_body_that_grows_too_large_is_refused_while_it_comes(server):
    before = outcomes(server)["failed"]
    with server.connect() as client:
        client.send(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        for _ in range(16):
            client.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        assert client.response().status == 413
        client.rest()
    assert outcomes(server)["failed"] == before  # the handler of /echo counts nothing; the server lives


def test_an_early_refusal_is_seen_by_a_client_that_goes_on_sending(server):
    with server.connect() as client:
        client.send(b"POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n")
        try:
            for _ in range(100):
                client.send(b"x" * 10000)
        except OSError:
            pass
        answer = client.response()
        assert (answer.status, answer.header("Connection")) == (403, "close")


def test_100_continue_comes_only_after_authentication(server):
    head = b"POST /private/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n"
    with server.connect() as client:
        client.send(head + b"Authorization: Bearer bad\r\n\r\n")
        answer = client.response()
        assert (answer.status, answer.header("WWW-Authenticate")) == (401, "Bearer")
        assert client.is_closed(), "who knows whether the body still comes"
    with server.connect() as client:
        client.send(head + b"Authorization: Bearer later\r\n\r\n")
        assert client.response().status == 100
        client.send(b"hello")
        assert client.response().body == b'{"bytes":5,"parts":0}'


def test_bytes_behind_a_slow_authentication_are_not_lost(server):
    with server.connect() as client:
        client.request("/private/upload", "Authorization: Bearer later", method="POST", body=b"x" * 200000)
        client.request("/health")
        assert client.response().body == b'{"bytes":200000,"parts":0}'
        assert client.response().status == 200


def test_multipart_in_random_pieces(server):
    content = random.Random(1).randbytes(500000)
    body = (b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.bin"\r\n\r\n' + content
            + b'\r\n--b\r\nContent-Disposition: form-data; name=o\r\n\r\nde\r\n--b--\r\n')
    with server.connect() as client:
        client.send(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
                    b"Content-Length: %d\r\n\r\n" % len(body))
        at = 0
        while at < len(body):
            step = random.Random(at).randint(1, 40000)
            client.send(body[at:at + step])
            at += step
        assert json.loads(client.response().body) == {"bytes": len(content) + 2, "parts": 2}


def test_a_large_upload_takes_no_memory(server):
    piece = random.Random(2).randbytes(1 << 20)
    head, tail = b'--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n', b"\r\n--b--\r\n"
    assert server.get("/health").status == 200
    before = memory(server)
    with server.connect() as client:
        client.send(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
                    b"Content-Length: %d\r\n\r\n" % (len(head) + 100 * len(piece) + len(tail)) + head)
        for _ in range(100):
            client.send(piece)
        if before:
            assert memory(server) - before < 500_000
        client.send(tail)
        assert json.loads(client.response().body) == {"bytes": 100 * len(piece), "parts": 1}


def test_a_paused_body_holds_the_client_back_and_loses_nothing(server):
    body = b"x" * 3_000_000
    with server.connect() as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        client.request("/slow", method="POST", body=body)
        assert json.loads(client.response().body)["bytes"] == len(body)
    with server.connect() as client:
        client.send(b"POST /slow HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.send(b"5\r\nhello\r\n" * 40 + b"0\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert json.loads(client.response().body)["bytes"] == 200
        assert client.response().status == 200


# -- long waits --------------------------------------------------------------------------------------


def test_waiting_requests_hold_up_nobody(server):
    waiting = [server.connect() for _ in range(50)]
    for client in waiting:
        client.request("/wait?ms=60")
    start = time.monotonic()
    assert server.get("/health").status == 200
    assert time.monotonic() - start < 0.5
    for client in waiting:
        assert client.response().status == 200
        client.sock.close()


def test_a_flood_of_work_is_refused_and_not_kept(server):
    clients = [server.connect() for _ in range(120)]
    for client in clients:
        client.request("/wait?ms=100")
    statuses = [client.response().status for client in clients]
    assert set(statuses) == {200, 503} and statuses.count(200) >= 64
    for client in clients:
        client.sock.close()


@pytest.mark.parametrize("path", ["/wait?ms=60000", "/events", "/stream?bytes=100000000000"])
def test_a_handler_is_told_of_a_hang_up(server, path):
    if path.startswith("/wait"):
        path = "/wait?ms=300"
    before = outcomes(server)["hung_up"]
    client = server.connect()
    client.request(path)
    if not path.startswith("/wait"):
        assert client.head().status == 200
    client.sock.close()
    wait_for(lambda: outcomes(server)["hung_up"] == before + 1)


def test_a_hang_up_in_an_upload_is_told(server):
    before = outcomes(server)["hung_up"]
    with server.connect() as client:
        client.send(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nhello")
    wait_for(lambda: outcomes(server)["hung_up"] == before + 1)
