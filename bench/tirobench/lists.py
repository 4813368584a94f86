"""Lists of the API over few and over many rows: they cost the same. The rows are copies of one job's, made in the database
while no server runs."""
import contextlib
import sqlite3
import statistics
import time

from . import web

FEW, MANY, QUICK_MANY = 1_000, 1_000_000, 100_000
LISTS = ("/api/v1/jobs", "/api/v1/jobs?status=completed", "/api/v1/files", "/api/v1/files?limit=1")
REQUESTS = 100
FLAT_GOAL, SLACK_MS = 1.5, 0.2
# In each table the columns that a copy has of its own.
COPIED = {"files": ("id", "created_at"), "file_keys": ("file_id", "created_at"), "jobs": ("id", "file_id", "created_at")}
ID, TIME = "CAST(printf('%016x', n) AS BLOB)", "{0} + n"


def copy_rows(path, count):
    """Until there are `count` of each."""
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        for table, own in COPIED.items():
            there = db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
            values = [(TIME.format(name) if name == "created_at" else ID) if name in own else name for name in columns]
            db.execute(f"WITH RECURSIVE c (n) AS (SELECT {there} UNION ALL SELECT n + 1 FROM c WHERE n < {count - 1}) "
                       f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM c, "
                       f"(SELECT * FROM {table} ORDER BY created_at LIMIT 1)")


def times_ms(server, path):
    server.request("GET", path)
    found = []
    for _ in range(REQUESTS):
        start = time.monotonic()
        server.request("GET", path)
        found.append((time.monotonic() - start) * 1e3)
    return statistics.median(found)


def measure_lists(table, options):
    folder, many = web.fresh("lists"), QUICK_MANY if options.quick else MANY
    with web.tiro(folder) as server:
        server.user()
        token, job = server.token, f"/api/v1/jobs/{web.upload(server, web.recording())['id']}"
        server.until(lambda: server.request("GET", job)["status"] == "completed", "the end of a job")
    found = {}
    for count in (FEW, many):
        options.say(f"lists over {count} rows")
        copy_rows(folder / "tiro.db", count)
        with web.tiro(folder) as server:
            server.token = token
            found[count] = {path: times_ms(server, path) for path in LISTS}
    for path in LISTS:
        few, more = found[FEW][path], found[many][path]
        table.goal(f"GET {path} takes the same time over {FEW} and {many} rows", f"{few:.2f} and {more:.2f} ms",
                   more <= FLAT_GOAL * few + SLACK_MS)
