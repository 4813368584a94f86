"""Who a client is, behind proxies that are trusted and before those that are not."""
import pytest
from raw_http import serving


def who(server, *lines):
    with server.connect() as client:
        client.send(b"GET /who HTTP/1.1\r\nHost: x\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n")
        return client.response().body.decode()


@pytest.mark.parametrize("lines, expected", [
    ([], "127.0.0.1 http"),
    ([b"X-Forwarded-For: 192.0.2.1", b"X-Forwarded-Proto: https"], "192.0.2.1 https"),
    # What a client claims stands left of what the proxy has seen.
    ([b"X-Forwarded-For: 6.6.6.6, 192.0.2.1"], "192.0.2.1 http"),
    ([b"X-Forwarded-For: 6.6.6.6", b"X-Forwarded-For: 192.0.2.1", b"X-Forwarded-For: 10.1.1.1"], "192.0.2.1 http"),
    ([b"X-Forwarded-For: 127.0.0.1, 6.6.6.6, 10.1.1.1"], "6.6.6.6 http"),
    ([b"X-Forwarded-Proto: https, http"], "127.0.0.1 http"),
    ([b"X-Forwarded-Proto: https", b"X-Forwarded-Proto: http"], "127.0.0.1 http"),
    ([b"X-Forwarded-For: nonsense, 10.1.1.1"], "10.1.1.1 http"),
    ([b"X-Real-IP: 6.6.6.6", b"Forwarded: for=6.6.6.6"], "127.0.0.1 http"),
])
def test_a_trusted_proxy_is_believed_about_its_client(lines, expected):
    with serving(proxies="127.0.0.1,10.0.0.0/8") as server:
        assert who(server, *lines) == expected


@pytest.mark.parametrize("options", [{}, {"proxies": "10.0.0.0/8"}], ids=["none", "another"])
def test_nobody_else_is(options):
    with serving(**options) as server:
        assert who(server, b"X-Forwarded-For: 192.0.2.1, 10.1.1.1", b"X-Forwarded-Proto: https") == "127.0.0.1 http"


def test_only_the_connections_of_proxies_are_not_limited_by_address():
    with serving(per_address=2, proxies="10.0.0.0/8") as server:
        clients = [server.connect() for _ in range(3)]
        assert clients[2].is_closed()
    with serving(per_address=2, proxies="127.0.0.1") as server:
        clients = [server.connect() for _ in range(5)]
        clients[4].request("/health")
        assert clients[4].response().status == 200
