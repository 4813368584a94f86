"""What a client of /api/v1 can do wrong, and what is the same on every answer."""
import base64
import contextlib
import json
import os
import re
import socket
import subprocess

import pytest
from api_server import MANY_MACHINES, ONE_MACHINE, Server, back_end, built_with_sanitizer, multipart, wait_for
from conftest import TIRO

MAX_UPLOAD = 2 * 1024 * 1024


@pytest.fixture(scope="module", params=[ONE_MACHINE, MANY_MACHINES])
def server(request, speech_detector):
    with back_end(request.param) as behind:
        running = behind.serve("--max-upload", str(MAX_UPLOAD)).wait_ready()
        yield running
        running.stop()


@pytest.fixture(scope="module")
def user(server):
    return server.user()


def is_error(answer, status, code, field=None):
    assert answer.status == status, (answer.status, answer.body)
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    assert set(found) == {"code", "message", "details"}
    assert found["code"] == code and found["message"]
    assert found["details"].get("field") == field
    return True


# -- who ------------------------------------------------------------------------------------------------


def forged(token, **changes):
    """The token with another header or payload and no signature that fits."""
    head, payload, signature = token.split(".")
    parts = {"head": head, "payload": payload, "signature": signature} | changes
    return ".".join(parts.values())


def encode(value):
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=").decode()


def test_without_a_valid_token_nothing_but_auth_is_open(server, user):
    tokens = [None, "", "nonsense", user.token[:-2], user.session["refresh_token"],
              forged(user.token, head=encode({"alg": "none", "typ": "JWT"})),
              forged(user.token, head=encode({"alg": "none", "typ": "JWT"}), signature=""),
              forged(user.token, payload=encode({**user.claims, "roles": ["admin"]})),
              forged(user.token, payload=encode({**user.claims, "exp": user.claims["exp"] + 1}))]
    for token in tokens:
        answer = server.request("GET", "/api/v1/jobs", token=token)
        assert is_error(answer, 401, "AUTHENTICATION_ERROR")
        assert answer.headers["www-authenticate"] == "Bearer"
    assert is_error(server.request("GET", "/api/v1/jobs", headers={"Authorization": f"Basic {user.token}"}), 401,
                    "AUTHENTICATION_ERROR")
    assert server.request("GET", "/api/v1/jobs", headers={"Authorization": f"bearer {user.token}"}).status == 200


def test_sessions_begin_and_go_on(server):
    names = {"email": "Frank@Example.org", "username": "frank", "phone": "+49 151 5555555", "password": "correct horse"}
    session = server.request("POST", "/api/v1/auth/register", {**names, "roles": ["admin"], "first_name": "F"}).ok(201)
    assert set(session) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (session["token_type"], session["expires_in"]) == ("bearer", 3600)
    for field, name in (("email", "frank@example.org"), ("username", "FRANK"), ("phone", "+491515555555"),
                        ("username", "frank@example.org")):
        server.request("POST", "/api/v1/auth/login", {field: name, "password": "correct horse"}).ok()
    renewed = server.request("POST", "/api/v1/auth/refresh", {"refresh_token": session["refresh_token"]}).ok()
    assert server.request("GET", "/api/v1/jobs", token=renewed["access_token"]).status == 200
    # A refresh token is good once; whoever has the old one has stolen it, so the session ends.
    for token in (session["refresh_token"], renewed["refresh_token"], "nonsense"):
        assert is_error(server.request("POST", "/api/v1/auth/refresh", {"refresh_token": token}), 401, "AUTHENTICATION_ERROR")
    claims = json.loads(base64.urlsafe_b64decode(renewed["access_token"].split(".")[1] + "=="))
    assert claims["roles"] == ["user"] and claims["type"] == "access"
    assert {"sub", "exp", "iat", "iss", "jti"} <= set(claims)


def test_a_wrong_password_and_an_unknown_user_are_one_answer(server, user):
    wrong = server.request("POST", "/api/v1/auth/login", {"email": user.email, "password": "wrong horse"})
    unknown = server.request("POST", "/api/v1/auth/login", {"email": "nobody@example.org", "password": "wrong horse"})
    assert is_error(wrong, 401, "AUTHENTICATION_ERROR")
    assert (wrong.status, wrong.body) == (unknown.status, unknown.body)


@pytest.mark.parametrize("body, status, field", [
    ({"password": "correct horse"}, 400, "email"),
    ({"email": "g@example.org"}, 400, "password"),
    ({"email": "no address", "password": "correct horse"}, 400, "email"),
    ({"email": "g@example.org", "password": "short"}, 400, "password"),
    ({"email": 5, "password": "correct horse"}, 400, "email"),
    ({"email": "g@example.org", "password": "correct horse", "phone": []}, 400, "phone"),
    ({"email": "g@example.org", "password": "correct horse", "phone": "x"}, 400, "phone"),
])
def test_a_wrong_field_of_a_sign_up_is_named(server, body, status, field):
    assert is_error(server.request("POST", "/api/v1/auth/register", body), status, "VALIDATION_ERROR", field)


def test_a_name_that_is_taken_is_a_conflict(server, user):
    answer = server.request("POST", "/api/v1/auth/register", {"email": user.email.upper(), "password": "correct horse"})
    assert is_error(answer, 409, "CONFLICT", "email")


# -- bodies ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [
    b"{", b"[]", b"null", b'"text"', b'{"email":"a","email":"b"}', b'{"email":"\xff"}', b'{"email":"\\u0000"}',
    b'{"email":NaN}', b'{} {}', b"\xef\xbb\xbf{}", b"[" * 100000,
])
def test_what_is_no_json_object_is_refused(server, body):
    answer = server.request("POST", "/api/v1/auth/login", body, headers={"Content-Type": "application/json"})
    assert is_error(answer, 400, "VALIDATION_ERROR", "body")


def test_bodies_have_a_type_and_a_largest_size(server):
    json_type = {"Content-Type": "application/json"}
    large = b'{"email":"' + b"a" * (1 << 20) + b'"}'
    assert is_error(server.request("POST", "/api/v1/auth/login", large, headers=json_type), 413, "PAYLOAD_TOO_LARGE")
    answer = server.request("POST", "/api/v1/auth/login", b"a=b", headers={"Content-Type": "text/plain"})
    assert is_error(answer, 415, "UNSUPPORTED_MEDIA_TYPE")
    assert answer.json()["message"] == "the body must have the Content-Type application/json"
    assert is_error(server.request("POST", "/api/v1/auth/login", b"", headers=json_type), 400, "VALIDATION_ERROR")


def test_unknown_fields_are_passed_over(server, user):
    server.request("POST", "/api/v1/auth/login", {"email": user.email, "password": "correct horse", "x": [{}]}).ok()


# -- paths ----------------------------------------------------------------------------------------------


def test_errors_have_the_shape_of_who_owns_the_path(server, user):
    for path in ("/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v1/files/upload/more"):
        assert is_error(server.request("GET", path), 404, "NOT_FOUND")
    for path in ("/api/v10", "/api/nothing", "/api"):
        assert server.request("GET", path).json()["code"] == "not_found"
    for path in ("/", "/nothing"):
        answer = server.request("GET", path)
        assert (answer.status, set(answer.json())) == (404, {"error"})
    answer = server.request("PUT", "/api/v1/files")
    assert is_error(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "GET, HEAD"
    for bad in ("nonsense", "123e4567-e89b-12d3-a456-42661417400", "%20"):
        assert is_error(user.get(f"/jobs/{bad}"), 404, "NOT_FOUND")
    for bad in ("/jobs/..%2f", "/jobs/%01", "/jobs/%ff", "/jobs/%", "/jobs/../files", "/jobs?limit=%ff", "/jobs?a=%00"):
        assert is_error(user.get(bad), 400, "VALIDATION_ERROR")


def test_every_answer_has_the_headers_that_protect_browsers(server, user):
    answers = [server.request("GET", "/livez"), server.request("GET", "/nothing"), server.request("GET", "/api/v1/jobs"),
               user.get("/jobs"), server.request("GET", "/docs"), user.request("HEAD", "/jobs")]
    for answer in answers:
        for name in ("content-security-policy", "x-frame-options", "x-content-type-options", "strict-transport-security",
                     "x-xss-protection", "x-request-id"):
            assert answer.headers.get(name), (name, answer.headers)
        assert "access-control-allow-origin" not in answer.headers
    assert user.request("GET", "/jobs", headers={"X-Request-Id": "mine-1"}).headers["x-request-id"] == "mine-1"


def test_the_log_has_patterns_and_no_secrets(server, user):
    file_id = "0198c5a2-0000-7000-8000-000000000000"
    user.get(f"/files/{file_id}?secret=value")
    line = server.wait_log(r"access method=GET route=/api/v1/files/\{file_id\} status=404.*").group(0)
    assert re.search(r"id=[0-9a-f]{32}", line)
    for secret in (file_id, "value", user.token, user.session["refresh_token"], "correct horse"):
        assert secret not in server.log()


# -- uploads --------------------------------------------------------------------------------------------


WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + b"\x00\xff"


@pytest.mark.parametrize("content, name", [
    (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(600), "page.pdf"), (b"\x89PNG\r\n\x1a\n" + bytes(600), "page.png"),
    (b"PK\x03\x04" + bytes(600), "a.zip"), (b"\x7fELF\x02\x01\x01" + bytes(600), "program"),
    (b"This is text.\n" * 100, "talk.mp3"), (b"<html></html>", "talk.wav"),
])
def test_what_is_no_recording_is_refused_at_once(server, user, content, name):
    before = server.back_end.objects()
    assert is_error(user.upload(content, name), 415, "UNSUPPORTED_MEDIA_TYPE")
    assert user.get("/files").ok()["total"] == 0
    assert server.back_end.objects() == before


def test_forms_that_are_not_right_are_refused(server, user):
    whole, headers = multipart(WAV * 1000)
    twice = whole[:-len(b"--tiro-test-boundary--\r\n")] + whole
    cut = whole[:-10]
    bad = [(multipart(None)[0], headers, "file"), (multipart(b"")[0], headers, "file"), (twice, headers, "file"),
           (cut, headers, None), (b"nonsense", headers, None),
           (whole.replace(b"Content-Type: audio/wav", b"Content-Type: audio/\xff"), headers, "file"),
           (multipart(WAV, fields=[("language", "en\0")])[0], headers, "language"),
           (whole, {"Content-Type": "multipart/form-data"}, None)]
    for body, form, field in bad:
        assert is_error(user.request("POST", "/files/upload", body, form), 400, "VALIDATION_ERROR", field)
    assert is_error(user.request("POST", "/files/upload", whole, {"Content-Type": "application/json"}), 415,
                    "UNSUPPORTED_MEDIA_TYPE")
    wait_for(lambda: user.get("/files").ok()["total"] == 0, "an empty list")
    wait_for(lambda: server.back_end.objects() == [], "an empty store")


def test_a_file_that_is_announced_too_large_is_refused_before_it_comes(server, user):
    with contextlib.closing(server.connect()) as connection:
        connection.putrequest("POST", "/api/v1/files/upload")
        for name, value in {"Authorization": f"Bearer {user.token}", "Content-Length": str(1 << 40),
                            "Content-Type": "multipart/form-data; boundary=x"}.items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        assert (response.status, json.loads(response.read())["code"]) == (413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize("chunked", [True, False])
def test_a_file_that_turns_out_too_large_leaves_nothing(server, user, chunked):
    body, headers = multipart(WAV + bytes(MAX_UPLOAD + 1))
    pieces = (body[i:i + 60000] for i in range(0, len(body), 60000))
    if not chunked:
        # Within what the form may add, so that only the file's own size is over.
        assert len(body) < MAX_UPLOAD + 60000
        headers["Content-Length"] = str(len(body))
    with contextlib.closing(server.connect()) as connection:
        try:
            connection.request("POST", "/api/v1/files/upload", pieces, {**headers, "Authorization": f"Bearer {user.token}"},
                               encode_chunked=chunked)
        except OSError:
            pass  # refused while it was sent
        response = connection.getresponse()
        assert (response.status, json.loads(response.read())["code"]) == (413, "PAYLOAD_TOO_LARGE")
    wait_for(lambda: user.get("/files").ok()["total"] == 0, "an empty list")
    wait_for(lambda: server.back_end.objects() == [], "an empty store")


def test_a_file_of_the_largest_size_is_taken(server, user):
    created = user.upload(WAV + bytes(MAX_UPLOAD - len(WAV))).ok(201)
    assert created["size"] == MAX_UPLOAD
    assert server.back_end.objects() != []
    user.request("DELETE", f"/files/{created['id']}").ok(204)
    wait_for(lambda: server.back_end.objects() == [], "an empty store")


def test_a_client_that_hangs_up_leaves_nothing(server, user):
    body, headers = multipart(WAV + bytes(MAX_UPLOAD // 2))
    head = (f"POST /api/v1/files/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {user.token}\r\n"
            f"Content-Type: {headers['Content-Type']}\r\nContent-Length: {len(body)}\r\n\r\n").encode()
    for part in (0, 100, 600, 400000, len(body) - 1):
        sock = socket.create_connection(("127.0.0.1", server.port))
        sock.sendall(head + body[:part])
        if part > 600:
            wait_for(lambda: user.get("/files").ok()["total"] == 1, "an upload")
        sock.close()
        wait_for(lambda: user.get("/files").ok()["total"] == 0, "an empty list")
        wait_for(lambda: server.back_end.objects() == [], "an empty store")


def test_an_upload_that_fails_as_a_stream_says_so_in_an_event(server, user):
    body, headers = multipart(WAV + bytes(MAX_UPLOAD + 1))
    with contextlib.closing(server.connect()) as connection:
        connection.request("POST", "/api/v1/files/upload", body,
                           {**headers, "Authorization": f"Bearer {user.token}", "Accept": "text/event-stream"})
        response = connection.getresponse()
        text = response.read().decode()
        assert response.status == 200
        assert "event: failed\n" in text and '"code":"too_big"' in text
    wait_for(lambda: server.back_end.objects() == [], "an empty store")


# -- documents and health --------------------------------------------------------------------------------


def test_the_documents_are_served(server):
    document = server.request("GET", "/openapi.json")
    assert document.json()["openapi"].startswith("3.1")
    page = server.request("GET", "/docs")
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    for path in ("/livez", "/readyz"):
        assert server.request("GET", path).status == 200


# -- starting -------------------------------------------------------------------------------------------


def test_a_second_server_on_the_same_folder_is_refused(tmp_path, speech_detector):
    server = Server(tmp_path / "data").wait_ready()
    done = subprocess.run([TIRO, "serve", "--data", server.data, "--listen", "127.0.0.1:0", "--fake-engine"],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0 and "tiro.db" in done.stderr
    assert server.request("GET", "/readyz").status == 200
    server.stop()


def test_a_master_key_that_is_missing_is_named(tmp_path, speech_detector):
    first = Server(tmp_path / "data")
    first.stop()
    key = tmp_path / "data" / "master.key"
    assert key.stat().st_mode & 0o777 == 0o600
    key.rename(tmp_path / "key")
    done = subprocess.run([TIRO, "serve", "--data", tmp_path / "data", "--listen", "127.0.0.1:0", "--fake-engine"],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0 and "master.key" in done.stderr
    assert not key.exists()


@pytest.mark.skipif(built_with_sanitizer(), reason="a sanitizer's build can be traced")
def test_the_servers_memory_is_nobodys_business(server):
    status = open(f"/proc/{server.process.pid}/status", encoding="ascii").read()
    assert "NoNewPrivs:\t1" in status
    assert os.stat(f"/proc/{server.process.pid}/mem").st_uid == 0
    assert oct((server.data).stat().st_mode & 0o777) == "0o700"
