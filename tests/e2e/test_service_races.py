"""Everything at once for one user, on both databases: units of work that meet in the same rows wait for each other, and
neither lock each other up nor lose count."""
import concurrent.futures
import random
import time

import pytest
from api_server import MANY_MACHINES, ONE_MACHINE, back_end, repeated, wait_for

SECONDS = 4


@pytest.fixture(scope="module", params=[ONE_MACHINE, MANY_MACHINES])
def server(request, speech_detector):
    with back_end(request.param) as behind:
        running = behind.serve().wait_ready()
        yield running
        running.stop()


def act(user, content, seed):
    """What a thread of one user does to all of the user's files and jobs; returns the answers' statuses."""
    chance = random.Random(seed)
    statuses = []
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        jobs = user.get("/jobs?limit=20").ok()["jobs"]
        if len(jobs) < 5 or chance.random() < 0.3:
            statuses.append(user.upload(content).status)
            continue
        job = chance.choice(jobs)["id"]
        statuses.append(chance.choice([lambda: user.post(f"/jobs/{job}/cancel"), lambda: user.post(f"/jobs/{job}/retry"),
                                       lambda: user.request("DELETE", f"/files/{job}"), lambda: user.get(f"/jobs/{job}")])().status)
    return statuses


def test_uploads_cancels_retries_deletions_and_parts_of_one_user_meet_without_an_error(server, jfk):
    user = server.user()
    content = repeated(jfk, 3)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = [status for done in pool.map(lambda seed: act(user, content, seed), range(8)) for status in done]
    assert set(statuses) <= {200, 201, 204, 404, 409}, sorted(set(statuses))
    assert {201, 204} <= set(statuses)
    wait_for(lambda: all(user.get(f"/jobs?status={status}").ok()["total"] == 0 for status in ("pending", "processing")),
             "the end of all jobs")
    for line in server.log().splitlines():
        assert "deadlock" not in line and not line.startswith("error:"), line


def test_when_all_is_deleted_nothing_is_left_of_it(server, jfk):
    user = server.user()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        files = list(pool.map(lambda _: user.upload(jfk.read_bytes()).ok(201)["id"], range(12)))
        assert set(pool.map(lambda file: user.request("DELETE", f"/files/{file}").status, files)) == {204}
    assert user.get("/files").ok()["total"] == 0 and user.get("/jobs").ok()["total"] == 0
    wait_for(lambda: not [path for path in server.back_end.objects() if any(file in str(path) for file in files)],
             "the end of all objects")


def test_no_token_outlives_the_application_that_is_deleted_meanwhile(server):
    user = server.user()
    app = server.request("POST", "/api/apps/", {"name": "short-lived"}, user.token).ok(201)["id"]

    def make_tokens(_):
        values = []
        while (answer := server.request("POST", f"/api/apps/{app}/tokens/", {"name": "one of many"}, user.token)).status == 201:
            values.append(answer.json()["token"])
        return answer.status, values

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        makers = [pool.submit(make_tokens, number) for number in range(4)]
        time.sleep(0.3)
        server.request("DELETE", f"/api/apps/{app}/", token=user.token).ok(204)
        ends = [maker.result() for maker in makers]
    assert {status for status, _ in ends} == {404}
    values = [value for _, some in ends for value in some]
    assert values
    assert {server.request("GET", "/v1/models", token=value).status for value in values} == {401}
