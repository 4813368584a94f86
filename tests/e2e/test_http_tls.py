"""The HTTP server behind its own TLS."""
import json
import ssl
import subprocess

import pytest
from raw_http import FILE, PROGRAM, serving


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    context = ssl.create_default_context(cafile=certificate)
    with serving(certificate=certificate, key=key, head_ms=500) as running:
        yield running, context
        running.stop()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_serves_everything(secure, version):
    server, context = secure
    context.minimum_version = context.maximum_version = version
    with server.connect(context) as client:
        assert client.sock.version() == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name]
        for _ in range(2):
            client.request("/health")
            assert client.response().status == 200
        client.request("/upload", method="POST", body=b"x" * 2_000_000)
        assert json.loads(client.response().body)["bytes"] == 2_000_000
        client.request("/slow", method="POST", body=b"x" * 500_000)
        assert json.loads(client.response().body)["bytes"] == 500_000
        client.request("/stream?bytes=3000000")
        assert len(client.response().body) == 3_000_000
        client.request("/file", "Range: bytes=1000-70000")
        assert client.response().body == FILE[1000:70001]
        client.request("/health", "Connection: close")
        assert client.response().status == 200
        assert client.is_closed()


def test_tls_offers_http_1_1_only(secure):
    server, _ = secure
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    with server.connect(context) as client:
        assert client.sock.selected_alpn_protocol() == "http/1.1"


def test_what_is_no_tls_is_dropped_and_a_slow_handshake_too(secure):
    server, _ = secure
    with server.connect() as plain, server.connect() as silent:
        plain.send(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"HTTP" not in plain.rest()
        assert silent.is_closed()


def test_a_wrong_certificate_is_an_error_that_names_it(secure, tmp_path):
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    done = subprocess.run([PROGRAM, "127.0.0.1:0", f"certificate={broken}", f"key={broken}"], capture_output=True,
                          check=False)
    assert done.returncode == 1
    assert b"broken.pem" in done.stderr
