"""The dashboard of gateway.md: applications and their tokens."""
import re
import uuid

import pytest
from api_server import MANY_MACHINES, ONE_MACHINE, back_end

NOBODY = "01900000-0000-7000-8000-000000000000"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture(scope="module", params=[ONE_MACHINE, MANY_MACHINES])
def server(request, speech_detector):
    with back_end(request.param) as behind:
        running = behind.serve().wait_ready()
        yield running
        running.stop()


class Dashboard:
    """Somebody's requests to /api."""

    def __init__(self, user):
        self.server, self.token = user.server, user.token

    def __call__(self, method, path, body=None, headers=None):
        return self.server.request(method, "/api" + path, body, self.token, headers)

    def make(self, **fields):
        return self("POST", "/apps/", {"name": "app", **fields}).ok(201)


@pytest.fixture
def ask(server):
    return Dashboard(server.user())


def is_error(answer, status, code):
    assert (answer.status, answer.headers["content-type"]) == (status, "application/json"), answer.body
    found = answer.json()
    assert set(found) == {"detail", "code"} and found["code"] == code and found["detail"], found


def is_fault(answer, field):
    assert answer.status == 400, answer.body
    found = answer.json()
    assert set(found) == {"errors"} and list(found["errors"]) == [field], found
    assert all(isinstance(message, str) and message for message in found["errors"][field])


# -- applications ---------------------------------------------------------------------------------------


def test_an_application_is_made_read_changed_and_deleted(ask):
    made = ask.make(name="Kiosk", description="in the hall")
    assert set(made) == {"id", "name", "description", "is_active", "created_at", "updated_at"}
    assert (made["name"], made["description"], made["is_active"]) == ("Kiosk", "in the hall", True)
    assert uuid.UUID(made["id"]).version == 7
    assert TIME.fullmatch(made["created_at"]) and TIME.fullmatch(made["updated_at"])
    place = f"/apps/{made['id']}/"
    assert ask("GET", place).ok() == made
    changed = ask("PATCH", place, {"description": "at the door"}).ok()
    assert changed == {**made, "description": "at the door", "updated_at": changed["updated_at"]}
    assert ask("PATCH", place, {"name": "Door", "is_active": False}).ok()["is_active"] is False
    assert ask("GET", place).ok()["name"] == "Door"
    assert ask("DELETE", place).status == 204
    is_error(ask("GET", place), 404, "not_found")


def test_applications_come_in_pages_newest_first(ask):
    ids = [ask.make(name=f"app {i}")["id"] for i in range(5)]
    seen, page = [], "/apps/?page_size=2"
    addresses = []
    while page:
        answer = ask("GET", page, headers={"Host": "tiro.example:8443"}).ok()
        assert set(answer) == {"count", "next", "previous", "results"} and answer["count"] == 5
        seen += [row["id"] for row in answer["results"]]
        addresses.append((answer["previous"], answer["next"]))
        page = answer["next"] and answer["next"].removeprefix("http://tiro.example:8443/api")
    assert seen == ids[::-1]
    address = "http://tiro.example:8443/api/apps/?page={}&page_size=2".format
    assert addresses == [(None, address(2)), (address(1), address(3)), (address(2), None)]
    is_error(ask("GET", "/apps/?page=4&page_size=2"), 404, "not_found")


def test_a_host_that_could_break_out_of_an_address_is_left_out_of_it(ask):
    ask.make()
    ask.make()
    answer = ask("GET", "/apps?page_size=1", headers={"Host": "evil.example/path?"})
    assert answer.ok()["next"] == "/api/apps?page=2&page_size=1"


def test_who_has_no_applications_has_an_empty_page(ask):
    assert ask("GET", "/apps/").ok() == {"count": 0, "next": None, "previous": None, "results": []}


def test_what_is_wrong_with_a_field_is_said_under_its_name(ask):
    for fields in ({}, {"name": None}, {"name": ""}, {"name": 7}, {"name": "é" * 128}):
        is_fault(ask("POST", "/apps/", fields), "name")
    is_fault(ask("POST", "/apps/", {"name": "a", "description": "d" * 2001}), "description")
    is_fault(ask("POST", "/apps/", b"{nothing", headers={"Content-Type": "application/json"}), "body")
    made = ask.make(name="n" * 255, description="d" * 2000)
    is_fault(ask("PATCH", f"/apps/{made['id']}/", {"is_active": "no"}), "is_active")
    is_fault(ask("PATCH", f"/apps/{made['id']}/", {"name": ""}), "name")
    for query in ("page=0", "page=x", "page_size=201"):
        is_fault(ask("GET", "/apps/?" + query), query.split("=")[0])


def test_what_goes_wrong_has_the_shape_of_this_dialect(ask, server):
    is_error(server.request("GET", "/api/apps/"), 401, "not_authenticated")
    is_error(ask("PUT", "/apps/"), 405, "method_not_allowed")
    is_error(ask("GET", "/nothing"), 404, "not_found")
    is_error(ask("GET", "/apps/no-id/"), 404, "not_found")
    is_error(ask("POST", "/apps/", b"name=a", {"Content-Type": "application/x-www-form-urlencoded"}), 415,
             "unsupported_media_type")
    assert set(ask("GET", "/v1/nothing").json()) == {"code", "message", "details"}


def test_another_users_application_is_like_one_that_is_not_there(ask, server):
    made, stranger = ask.make(), Dashboard(server.user())
    token = ask("POST", f"/apps/{made['id']}/tokens/", {"name": "t"}).ok(201)
    for method, path, body in (("GET", "", None), ("PATCH", "", {"name": "mine"}), ("DELETE", "", None),
                               ("POST", "activate/", None), ("POST", "deactivate/", None), ("GET", "tokens/", None),
                               ("POST", "tokens/", {"name": "t"}), ("POST", f"tokens/{token['id']}/revoke/", None)):
        theirs = stranger(method, f"/apps/{made['id']}/{path}", body)
        nobodys = stranger(method, f"/apps/{NOBODY}/{path}", body)
        assert (theirs.status, theirs.body) == (nobodys.status, nobodys.body)
        assert theirs.status == 404
    assert ask("GET", f"/apps/{made['id']}/").ok() == made
    assert stranger("GET", "/apps/").ok()["count"] == 0


# -- tokens ---------------------------------------------------------------------------------------------


def test_a_token_shows_its_value_once(ask):
    place = f"/apps/{ask.make()['id']}/tokens/"
    made = ask("POST", place, {"name": "scanner"}).ok(201)
    value = made.pop("token")
    assert re.fullmatch("tiro_[0-9a-f]{64}", value) and value.startswith(made["prefix"])
    assert set(made) == {"id", "name", "prefix", "is_active", "created_at", "expires_at", "last_used_at", "revoked_at"}
    assert (made["name"], made["is_active"], made["expires_at"], made["last_used_at"], made["revoked_at"]) == (
        "scanner", True, None, None, None)
    listed = ask("GET", place)
    assert listed.ok() == {"count": 1, "next": None, "previous": None, "results": [made]}
    assert value.encode() not in listed.body
    for fields in ({}, {"name": ""}, {"name": "n" * 256}):
        is_fault(ask("POST", place, fields), "name")


def test_a_revoked_token_stays_revoked(ask):
    place = f"/apps/{ask.make()['id']}/tokens/"
    made = ask("POST", place, {"name": "t"}).ok(201)
    revoked = ask("POST", f"{place}{made['id']}/revoke/").ok()
    assert revoked["is_active"] is False and TIME.fullmatch(revoked["revoked_at"]) and "token" not in revoked
    assert ask("POST", f"{place}{made['id']}/revoke/").ok() == revoked
    other = f"/apps/{ask.make()['id']}/tokens/"
    is_error(ask("POST", f"{other}{made['id']}/revoke/"), 404, "not_found")


def test_an_application_that_is_switched_off_gets_no_new_token_until_it_is_on_again(ask):
    place = f"/apps/{ask.make()['id']}/"
    assert ask("POST", place + "deactivate/").ok()["is_active"] is False
    is_error(ask("POST", place + "tokens/", {"name": "t"}), 409, "conflict")
    assert ask("POST", place + "activate/").ok()["is_active"] is True
    ask("POST", place + "tokens/", {"name": "t"}).ok(201)


def test_a_token_is_no_log_in(ask, server):
    value = ask("POST", f"/apps/{ask.make()['id']}/tokens/", {"name": "t"}).ok(201)["token"]
    is_error(server.request("GET", "/api/apps/", token=value), 401, "not_authenticated")


# -- usage ----------------------------------------------------------------------------------------------


def test_an_application_that_did_nothing_has_used_nothing(ask):
    place = f"/apps/{ask.make()['id']}/usage/"
    limit = 100 * 3600
    nothing = {"seconds_used": 0, "seconds_reserved": 0, "seconds_limit": limit, "seconds_remaining": limit,
               "jobs": {"total": 0, "completed": 0, "failed": 0, "cancelled": 0}, "daily": []}
    usage = ask("GET", place).ok()
    period = usage.pop("period")
    assert usage == nothing
    assert period["start"].endswith("-01") and period["start"][:7] == period["end"][:7]
    assert ask("GET", place + "?start=2024-02-01&end=2024-02-29").ok()["period"] == {"start": "2024-02-01", "end": "2024-02-29"}
    is_error(ask("GET", f"/apps/{NOBODY}/usage/"), 404, "not_found")


def test_what_the_default_application_used_is_counted_by_day(server, jfk):
    user = server.user()
    user.wait_job(user.upload(jfk.read_bytes()).ok(201)["id"])
    usage = Dashboard(user)("GET", f"/apps/{user.id}/usage/").ok()
    assert usage["jobs"] == {"total": 1, "completed": 1, "failed": 0, "cancelled": 0}
    assert usage["seconds_used"] == pytest.approx(11, abs=0.1)
    assert usage["seconds_remaining"] == pytest.approx(usage["seconds_limit"] - usage["seconds_used"])
    assert [(day["seconds"], day["jobs"]) for day in usage["daily"]] == [(usage["seconds_used"], 1)]


def test_days_that_are_none_are_refused(ask):
    place = f"/apps/{ask.make()['id']}/usage/"
    for text in ("2026-02-31", "2026-1-1", "yesterday", "", "%202026-01-01", "2026-01-01T00:00:00Z"):
        is_fault(ask("GET", f"{place}?start={text}"), "start")
    is_fault(ask("GET", place + "?start=2026-02-02&end=2026-02-01"), "end")
    is_fault(ask("GET", place + "?start=2000-01-01&end=2026-02-01"), "end")


# -- sessions -------------------------------------------------------------------------------------------


def sign_up(server, **fields):
    email = f"{uuid.uuid4().hex}@example.org"
    return server.request("POST", "/api/auth/register/", {"email": email, "password": "correct horse", **fields})


def test_who_signs_up_has_a_session_and_is_known_by_it(server):
    session = sign_up(server, first_name="Ada").ok(201)
    assert set(session) == {"access", "refresh", "user"}
    user = session["user"]
    assert set(user) == {"id", "email", "username", "phone", "first_name", "last_name", "roles", "plan", "created_at"}
    assert (user["first_name"], user["roles"], user["plan"]) == ("Ada", ["user"], "standard")
    assert server.request("GET", "/api/auth/me/", token=session["access"]).ok() == user
    is_fault(server.request("POST", "/api/auth/register/", {"email": "nobody", "password": "correct horse"}), "email")
    taken = sign_up(server, email=user["email"])
    assert taken.status == 409 and "email" in taken.json()["errors"]


def test_any_name_under_any_field_logs_in(server):
    phone = f"+49{uuid.uuid4().int % 10**11:011}"
    user = sign_up(server, username=f"u{uuid.uuid4().hex}", phone=phone).ok(201)["user"]
    for name in ("email", "username", "phone"):
        for field in ("email", "username", "phone"):
            session = server.request("POST", "/api/auth/login/", {field: user[name], "password": "correct horse"}).ok()
            assert session["user"] == user
    is_error(server.request("POST", "/api/auth/login/", {"email": user["email"], "password": "wrong horse"}), 401,
             "not_authenticated")


def test_a_log_out_ends_the_refresh_token_in_its_body(server):
    refresh = sign_up(server).ok(201)["refresh"]
    refresh = server.request("POST", "/api/auth/refresh/", {"refresh": refresh}).ok()["refresh"]
    assert set(server.request("POST", "/api/auth/logout/", {"refresh": refresh}).ok()) == {"detail"}
    is_error(server.request("POST", "/api/auth/refresh/", {"refresh": refresh}), 401, "not_authenticated")
    is_fault(server.request("POST", "/api/auth/logout/", {}), "refresh")
    is_error(server.request("POST", "/api/auth/logout/", {"refresh": "nonsense"}), 401, "not_authenticated")
