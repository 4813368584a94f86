-- Applications and tokens, and the rest of what a plan limits and usage counts.

-- Whom usage is charged to, and whose tokens are theirs. Until its owner deletes it. One that has its owner's id is the
-- owner's default: it is charged where a request names none, and made by its first charge.
CREATE TABLE applications (
    id {bytes} PRIMARY KEY,
    owner_id {bytes} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    is_active {int} NOT NULL DEFAULT 1,
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL
) {table};
CREATE INDEX applications_owner ON applications (owner_id, created_at, id);

-- Tokens of applications, and users' own keys: those of the default application, which has the user's id. Until the application or
-- the user goes; revoked and expired ones stay to be seen. Only a SHA-256 of the value is kept. permissions: 1 read, 2 write, 4 admin.
CREATE TABLE api_tokens (
    id {bytes} PRIMARY KEY,
    hash {bytes} NOT NULL UNIQUE,
    user_id {bytes} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    application_id {bytes} NOT NULL,
    name text NOT NULL,
    prefix text NOT NULL,
    permissions {int} NOT NULL,
    created_at {int} NOT NULL,
    expires_at {int},
    last_used_at {int},
    revoked_at {int}
) {table};
CREATE INDEX api_tokens_application ON api_tokens (application_id, created_at, id);
CREATE INDEX api_tokens_user ON api_tokens (user_id);

ALTER TABLE plans ADD COLUMN monthly_pages {int};

-- `month` counts from January 1970 UTC; what was used in it is the sum of its days in usage_days.
ALTER TABLE user_totals ADD COLUMN reserved_pages {int} NOT NULL DEFAULT 0;
ALTER TABLE user_totals ADD COLUMN month {int} NOT NULL DEFAULT 0;
ALTER TABLE user_totals ADD COLUMN month_us {int} NOT NULL DEFAULT 0;
ALTER TABLE user_totals ADD COLUMN month_pages {int} NOT NULL DEFAULT 0;

-- By day since 1970 UTC, application and model. As long as the user. Nothing was written to it before.
DROP TABLE usage_days;
CREATE TABLE usage_days (
    user_id {bytes} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    day {int} NOT NULL,
    application_id {bytes} NOT NULL,
    model text NOT NULL,
    used_us {int} NOT NULL DEFAULT 0,
    used_pages {int} NOT NULL DEFAULT 0,
    jobs_succeeded {int} NOT NULL DEFAULT 0,
    jobs_failed {int} NOT NULL DEFAULT 0,
    jobs_cancelled {int} NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, day, application_id, model)
) {busy_table};
