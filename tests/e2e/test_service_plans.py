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
