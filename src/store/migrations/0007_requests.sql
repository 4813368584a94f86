-- What a job's recogniser is told beside the language: names and words to expect, into English, where sampling starts (millionths).
ALTER TABLE jobs ADD COLUMN prompt text NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN translate {int} NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN temperature {int} NOT NULL DEFAULT 0;

-- Jobs that somebody waits for with a connection open: what the same request, sent again, finds its job by. An hour longer than
-- anybody waits. `fingerprint` is a SHA-256 of the recording and what is asked of it, `key_hash` that of an Idempotency-Key.
CREATE TABLE job_requests (
    job_id {bytes} PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    application_id {bytes} NOT NULL,
    fingerprint {bytes} NOT NULL,
    key_hash {bytes},
    wanted_until {int} NOT NULL
) {table};
CREATE INDEX job_requests_fingerprint ON job_requests (application_id, fingerprint);
CREATE INDEX job_requests_key ON job_requests (application_id, key_hash) WHERE key_hash IS NOT NULL;
CREATE INDEX job_requests_wanted ON job_requests (wanted_until);
