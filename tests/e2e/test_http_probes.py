"""What other servers let through: malformed and ambiguous requests over raw sockets, each with its one right answer."""
import json
import re

import pytest
from raw_http import serving

UPLOAD = b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n"
CHUNKED = UPLOAD + b"Transfer-Encoding: chunked\r\n\r\n"
NEXT = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"


def get(*lines):
    return b"".join(line + b"\r\n" for line in (b"GET /health HTTP/1.1", *lines, b""))


def length(value, body=b"hello"):
    return UPLOAD + b"Content-Length: " + value + b"\r\n\r\n" + body


def coding(value, more=b""):
    return UPLOAD + b"Transfer-Encoding:" + value + b"\r\n" + more + b"\r\n5\r\nhello\r\n0\r\n\r\n"


# Name, what is sent, the statuses of the answers, whether the connection stays open.
PROBES = [
    ("keep-alive", NEXT, [200], True),
    ("pipeline of five", NEXT * 5, [200] * 5, True),
    ("pipeline of GET, POST, GET", NEXT + length(b"5") + NEXT, [200] * 3, True),
    ("pipeline behind a suspended one", b"GET /wait?ms=100 HTTP/1.1\r\nHost: x\r\n\r\n" + NEXT, [200] * 2, True),
    ("expect 100", UPLOAD + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\nhello", [100, 200], True),
    ("expect something else", UPLOAD + b"Content-Length: 5\r\nExpect: 200-ok\r\n\r\nhello", [417], False),
    ("header of 64 KiB", get(b"Host: x", b"X: " + b"a" * 65536), [431], False),
    ("2,000 headers", get(b"Host: x", *(b"X-%d: y" % i for i in range(2000))), [431], False),
    ("101 headers", get(b"Host: x", *(b"X-%d: y" % i for i in range(100))), [431], False),
    ("100 headers", get(b"Host: x", *(b"X-%d: y" % i for i in range(99))), [200], True),
    ("URL of 20,000", b"GET /health?" + b"a" * 20000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", [414], False),
    ("chunk size zz", CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n", [400], False),
    ("chunk size overflows", CHUNKED + b"FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n", [400], False),
    ("chunk size -1", CHUNKED + b"-1\r\nhello\r\n0\r\n\r\n", [400], False),
    ("chunk size 0x5", CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n", [400], False),
    ("no line end after a chunk", CHUNKED + b"5\r\nhelloX0\r\n\r\n", [400], False),
    ("line feed in a chunk extension", CHUNKED + b"5;a=\nb\r\nhello\r\n0\r\n\r\n", [400], False),
    ("chunks with line feeds", CHUNKED + b"5\nhello\n0\n\n", [400], False),
    ("chunks with a trailer", CHUNKED + b"5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n", [200], True),
    ("endless chunk extension", CHUNKED + b"5;a=" + b"b" * 20000 + b"\r\nhello\r\n0\r\n\r\n", [413], False),
    ("many trailers", CHUNKED + b"5\r\nhello\r\n0\r\n" + b"X: y\r\n" * 8000 + b"\r\n", [413], False),
    ("length and coding", UPLOAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + NEXT, [400], False),
    ("length over a request, and coding", UPLOAD + b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
     % (5 + len(NEXT)) + NEXT, [400], False),
    ("two lengths that differ", UPLOAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", [400], False),
    ("two lengths that agree", UPLOAD + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", [400], False),
    ("length 5,5", length(b"5,5"), [400], False),
    ("length +5", length(b"+5"), [400], False),
    ("length -1", length(b"-1"), [400], False),
    ("length 5abc", length(b"5abc"), [400], False),
    ("length 2^64+5", length(b"18446744073709551621"), [400], False),
    ("coding xchunked", coding(b" xchunked"), [501], False),
    ("coding identity, with a length", coding(b" identity", b"Content-Length: 5\r\n"), [400], False),
    ("coding gzip, chunked", coding(b" gzip, chunked"), [501], False),
    ("coding chunked, identity", coding(b" chunked, identity"), [400], False),
    ("two codings", UPLOAD + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n5\r\nhello\r\n0\r\n\r\n", [400], False),
    ("blank before a colon", UPLOAD + b"Transfer-Encoding : chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", [400], False),
    ("coding behind a vertical tab", coding(b" \x0bchunked", b"Content-Length: 5\r\n"), [400], False),
    ("coding in HTTP/1.0", b"POST /upload HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", [501], False),
    ("folded coding", coding(b"\r\n chunked"), [400], False),
    ("line feeds only", b"GET /health HTTP/1.1\nHost: x\n\n", [400], False),
    ("carriage return in a value", get(b"Host: x", b"A: b\rTransfer-Encoding: chunked"), [400], False),
    ("NUL in a value", get(b"Host: x", b"A: b\0c"), [400], False),
    ("control character in a name", get(b"Host: x", b"A\x01B: c"), [400], False),
    ("no Host", get(), [400], False),
    ("two Authorizations", get(b"Host: x", b"Authorization: Bearer a", b"authorization: Bearer b"), [400], False),
    ("two Ranges", get(b"Host: x", b"Range: bytes=0-1", b"Range: bytes=2-3"), [400], False),
    ("two Content-Types", length(b"5").replace(b"Content-Length", b"Content-Type: text/plain\r\nContent-Length"), [400], False),
    ("two Hosts", get(b"Host: a", b"Host: b"), [400], False),
    ("HTTP/1.0", b"GET /health HTTP/1.0\r\n\r\n", [200], False),
    ("HTTP/1.0 with keep-alive", b"GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", [200], True),
    ("HTTP/9.9", b"GET /health HTTP/9.9\r\nHost: x\r\n\r\n", [505], False),
    ("method G@T", b"G@T /health HTTP/1.1\r\nHost: x\r\n\r\n", [400], False),
    ("unknown method", b"PROPFIND /health HTTP/1.1\r\nHost: x\r\n\r\n", [405], True),
    ("CONNECT", b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", [404], True),
    ("absolute URL", b"GET http://x/health HTTP/1.1\r\nHost: x\r\n\r\n", [200], True),
    ("GET with a body", get(b"Host: x", b"Content-Length: 5") + b"hello" + NEXT, [200] * 2, True),
    ("offer of HTTP/2", get(b"Host: x", b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c") + NEXT, [200] * 2, True),
    ("preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", [505], False),
    ("line ends before a request", b"\r\n\r\n" + NEXT, [200], True),
    ("dots and NUL in a path", b"GET /../../health%00 HTTP/1.1\r\nHost: x\r\n\r\n", [400], False),
    ("encoded slash in a path", b"GET /items/a%2fb HTTP/1.1\r\nHost: x\r\n\r\n", [400], False),
    ("encoded dots in a path", b"GET /items/%2e%2e HTTP/1.1\r\nHost: x\r\n\r\n", [400], False),
    ("bad percent in a path", b"GET /items/%zz HTTP/1.1\r\nHost: x\r\n\r\n", [400], False),
    ("bad UTF-8 in a query", b"GET /health?a=%ff HTTP/1.1\r\nHost: x\r\n\r\n", [400], False),
    ("garbage", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", [400], False),
]


@pytest.fixture(scope="module")
def server():
    with serving() as running:
        yield running
        running.stop()


@pytest.mark.parametrize("sent, statuses, stays_open", [p[1:] for p in PROBES], ids=[p[0] for p in PROBES])
def test_probe(server, sent, statuses, stays_open):
    with server.connect() as client:
        client.send(sent)
        answers = [client.response() for _ in statuses]
        assert [answer.status for answer in answers] == statuses
        if stays_open:
            client.send(NEXT)
            assert client.response().status == 200
        else:
            assert client.is_closed(), "no further answer, and then the end"


REFUSED = [probe for probe in PROBES if probe[2][0] >= 400]


@pytest.mark.parametrize("sent", [p[1] for p in REFUSED], ids=[p[0] for p in REFUSED])
def test_errors_are_json_with_all_headers(server, sent):
    with server.connect() as client:
        client.send(sent)
        answer = client.response()
        assert answer.header("Content-Type") == "application/json"
        told = json.loads(answer.body)
        assert told["status"] == answer.status
        assert told.keys() & {"error", "item_error"}
        assert answer.header("X-Content-Type-Options") == "nosniff"
        assert re.fullmatch("[0-9a-f]{32}", answer.header("X-Request-Id"))


def test_head_has_no_body(server):
    with server.connect() as client:
        client.request("/health", method="HEAD")
        head = client.response(head_only=True)
        client.request("/health")
        answer = client.response()
    assert (head.status, head.header("Content-Length")) == (200, answer.header("Content-Length"))
    assert int(head.header("Content-Length")) == len(answer.body) > 0


def test_a_request_byte_by_byte(server):
    with server.connect() as client:
        for byte in length(b"5"):
            client.send(bytes([byte]))
        assert client.response().body == b'{"bytes":5,"parts":0}'
