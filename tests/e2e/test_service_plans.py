"""What a user's plan does to their jobs, on every back end."""
import pytest
from api_server import BACK_ENDS, back_end


@pytest.fixture(name="behind", params=BACK_ENDS)
def fixture_behind(request, speech_detector):
    with back_end(request.param) as behind:
        yield behind


def test_jobs_beyond_the_plan_wait_for_each_other(behind, jfk):
    server = behind.serve().wait_ready()
    behind.sql("UPDATE plans SET concurrency = 1")
    user = server.user()
    created = [user.upload(jfk.read_bytes(), fields=[("language", "en")]).ok(201) for _ in range(4)]
    user.post(f"/jobs/{created[3]['id']}/cancel")
    jobs = [user.wait_job(one["id"]) for one in created]
    assert [job["status"] for job in jobs[:3]] == ["completed"] * 3
    assert jobs[3]["status"] in ("cancelled", "completed")
    for before, after in zip(jobs, jobs[1:3]):
        assert before["completed_at"] <= after["started_at"]
    server.stop()


def test_what_ended_before_the_plans_history_is_gone_for_all(behind, jfk):
    server = behind.serve().wait_ready()
    user, friend = server.user(), server.user()
    old = user.upload(jfk.read_bytes(), fields=[("language", "en")]).ok(201)
    user.wait_job(old["id"], "completed")
    user.post(f"/keys/files/{old['id']}/shares/{friend.id}").ok(201)
    behind.sql("UPDATE jobs SET ended_at = 1")
    young = user.upload(jfk.read_bytes(), fields=[("language", "en")]).ok(201)
    user.wait_job(young["id"], "completed")
    server.stop()
    server = user.server = friend.server = behind.serve().wait_ready()
    server.wait_log("deleted 1 files past their plan's history")
    assert friend.get(f"/transcriptions/{old['id']}").status == 404
    for kind in ("files", "jobs", "transcriptions"):
        assert user.get(f"/{kind}/{old['id']}").status == 404
        assert user.get(f"/{kind}/{young['id']}").ok()
    assert len(behind.objects()) == 2  # the file and its result
    server.stop()
