-- The first schema: accounts, files and their keys, jobs and their events, and the queue of parts.
--
-- Times are microseconds since 1970 UTC, ids are 16 bytes (UUIDv7), e-mail addresses and names are kept as the accounts room
-- normalises them. A table says how long its rows live.

-- Facts about this installation: the master key's record, the server's own wrapped key (accounts/installation.h). A handful of rows.
CREATE TABLE meta (
    key text PRIMARY KEY,
    value {bytes} NOT NULL
) {table};

-- Settings that an administrator changed at run time. A row per setting.
CREATE TABLE settings (
    name text PRIMARY KEY,
    value text NOT NULL,
    updated_at {int} NOT NULL
) {table};

-- What users may do; changed with `tiro admin plan set`. NULL is no limit. `weight`, a share of the
-- engines, is in millionths. A handful of rows.
CREATE TABLE plans (
    name text PRIMARY KEY,
    monthly_us {int},
    file_bytes {int},
    storage_bytes {int},
    history_days {int},
    concurrency {int},
    weight {int} NOT NULL DEFAULT 1000000,
    priority_max {int} NOT NULL DEFAULT 10,
    updated_at {int} NOT NULL
) {table};
INSERT INTO plans (name, monthly_us, file_bytes, storage_bytes, history_days, updated_at)
VALUES ('standard', 360000000000, 2147483648, 107374182400, 90, 0);

-- Until the user is deleted. `generation` is in every token: raising it ends them all. deleted_at: the user is being removed, with
-- all that is theirs, of which this row goes last.
CREATE TABLE users (
    id {bytes} PRIMARY KEY,
    email text NOT NULL UNIQUE,
    username text NOT NULL UNIQUE,
    phone text UNIQUE,
    first_name text NOT NULL DEFAULT '',
    last_name text NOT NULL DEFAULT '',
    password_hash text NOT NULL,
    roles text NOT NULL,
    plan text NOT NULL DEFAULT 'standard' REFERENCES plans (name),
    is_active {int} NOT NULL DEFAULT 1,
    generation {int} NOT NULL DEFAULT 0,
    public_key {bytes} NOT NULL,
    wrapped_private_key {bytes} NOT NULL,
    own_public_key {bytes},
    own_key_at {int},
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    deleted_at {int}
) {table};
CREATE INDEX users_deleted ON users (id) WHERE deleted_at IS NOT NULL;

-- What a user has now, so that a limit is checked by one row however much they own: whoever takes room adds to it first, which
-- makes others of the same user wait. As long as the user, whose first use makes it.
CREATE TABLE user_totals (
    user_id {bytes} PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    stored_bytes {int} NOT NULL DEFAULT 0,
    reserved_us {int} NOT NULL DEFAULT 0,
    jobs_under_way {int} NOT NULL DEFAULT 0
) {busy_table};

-- What was used, by day since 1970 UTC and by the application that is charged, whose id is the user's where none was named.
-- As long as the user.
CREATE TABLE usage_days (
    user_id {bytes} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    day {int} NOT NULL,
    application_id {bytes} NOT NULL,
    used_us {int} NOT NULL DEFAULT 0,
    pages {int} NOT NULL DEFAULT 0,
    jobs_succeeded {int} NOT NULL DEFAULT 0,
    jobs_failed {int} NOT NULL DEFAULT 0,
    jobs_cancelled {int} NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, day, application_id)
) {table};

-- Until it expires; the cleanup deletes by expires_at. A row per refresh token that was given out, under its hash; those that
-- follow from one log-in are a family. One that comes back after it was used was stolen, and its family goes.
CREATE TABLE refresh_tokens (
    hash {bytes} PRIMARY KEY,
    user_id {bytes} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    family {bytes} NOT NULL,
    expires_at {int} NOT NULL,
    used_at {int}
) {table};
CREATE INDEX refresh_tokens_user ON refresh_tokens (user_id);
CREATE INDEX refresh_tokens_family ON refresh_tokens (family);
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);

-- Until its owner deletes it or the plan's history ends. state: 0 being uploaded, 1 stored, 2 being deleted. `node_id` is the
-- node that receives it, by which an upload that died with its node is found; 0 where that was no node. Others are found by their age.
CREATE TABLE files (
    id {bytes} PRIMARY KEY,
    owner_id {bytes} NOT NULL REFERENCES users (id),
    name text NOT NULL,
    content_type text NOT NULL,
    size_bytes {int} NOT NULL DEFAULT 0,
    sha256 {bytes},
    state {int} NOT NULL DEFAULT 0,
    node_id {int} NOT NULL DEFAULT 0,
    created_at {int} NOT NULL,
    stored_at {int}
) {table};
CREATE INDEX files_owner ON files (owner_id, created_at, id);
CREATE INDEX files_unfinished ON files (created_at) WHERE state <> 1;

-- As long as the file: its data key, sealed to its owner and to everyone it is shared with, and once more to the key that
-- a user brought.
CREATE TABLE file_keys (
    file_id {bytes} NOT NULL REFERENCES files (id) ON DELETE CASCADE,
    user_id {bytes} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    sealed_key {bytes} NOT NULL,
    own_sealed_key {bytes},
    is_owner {int} NOT NULL,
    created_at {int} NOT NULL,
    PRIMARY KEY (file_id, user_id)
) {table};
CREATE INDEX file_keys_user ON file_keys (user_id, created_at);

-- The queue: what has not ended. A row goes, and its parts with it, when its job ends. Virtual times are microseconds of speech (or
-- of pages' worth) that a job of weight 1000 would have had.
CREATE TABLE queue_jobs (
    id {identity},
    owner {bytes},
    weight {int} NOT NULL,
    rank_offset {int} NOT NULL,
    finish_plan {int} NOT NULL,
    finish_recognise {int} NOT NULL,
    finish_finish {int} NOT NULL
) {busy_table};

-- Who shares the engines: how many jobs are under way, and where the next one starts. A row per user who ever had a job.
CREATE TABLE queue_owners (
    owner {bytes} PRIMARY KEY,
    active {int} NOT NULL,
    start {int} NOT NULL
) {busy_table};

-- The virtual time, a little behind what the nodes know themselves. One row.
CREATE TABLE queue_clock (
    now {int} NOT NULL
) {busy_table};
INSERT INTO queue_clock (now) VALUES (0);

-- Nodes that live. One that stops counting up is dead to the others, who delete its row. `about` and the times are for people.
CREATE TABLE queue_nodes (
    id {identity},
    name text NOT NULL,
    about text NOT NULL,
    beat {int} NOT NULL,
    started_at {int} NOT NULL,
    seen_at {int} NOT NULL
) {busy_table};

-- status: 0 ready, 1 running, 2 done, 3 waits until `due`, 4 failed for good. As long as the job is in the queue.
-- There is no index on `worker`, and none may hold a column that changes while a part is ready or running: the planner would use
-- it, and walk all its dead entries.
CREATE TABLE parts (
    id {identity},
    job {int} NOT NULL REFERENCES queue_jobs (id) ON DELETE CASCADE,
    stage {int} NOT NULL,
    idx {int} NOT NULL,
    status {int} NOT NULL DEFAULT 0,
    rank {int} NOT NULL,
    start {int} NOT NULL,
    cost {int} NOT NULL,
    failures {int} NOT NULL DEFAULT 0,
    token {int} NOT NULL DEFAULT 0,
    worker {int} NOT NULL DEFAULT 0,
    due {int} NOT NULL DEFAULT 0,
    UNIQUE (job, stage, idx)
) {busy_table};
CREATE INDEX parts_ready ON parts (stage, rank, id) WHERE status = 0;
CREATE INDEX parts_running ON parts (id) WHERE status = 1;
CREATE INDEX parts_waiting ON parts (due) WHERE status = 3;

-- What a part became, sealed, until the job's result is stored. Goes with the job in the queue. Fractions are in millionths.
CREATE TABLE part_results (
    job {int} NOT NULL REFERENCES queue_jobs (id) ON DELETE CASCADE,
    idx {int} NOT NULL,
    data {bytes} NOT NULL,
    language text NOT NULL DEFAULT '',
    confidence {int} NOT NULL DEFAULT 0,
    cost {int} NOT NULL DEFAULT 0,
    PRIMARY KEY (job, idx)
) {table};

-- As long as its file, or the plan's history. state: 0 queued, 1 running, 2 succeeded, 3 failed, 4 cancelled. kind: 0 speech, 1
-- pages. `queue_job` is its number in the queue while it is there: a job that waits for its user's other jobs has none. Fractions
-- (weight, progress, plan_fraction) are in millionths, costs those of the queue; planned: the plan is complete.
CREATE TABLE jobs (
    id {bytes} PRIMARY KEY,
    owner_id {bytes} NOT NULL REFERENCES users (id),
    file_id {bytes} NOT NULL REFERENCES files (id) ON DELETE CASCADE,
    application_id {bytes},
    kind {int} NOT NULL,
    state {int} NOT NULL DEFAULT 0,
    priority {int} NOT NULL DEFAULT 0,
    weight {int} NOT NULL DEFAULT 1000000,
    language text NOT NULL DEFAULT '',
    found_language text NOT NULL DEFAULT '',
    model text NOT NULL DEFAULT '',
    diarize {int} NOT NULL DEFAULT 0,
    options text NOT NULL DEFAULT '',
    queue_job {int},
    planned {int} NOT NULL DEFAULT 0,
    parts_planned {int} NOT NULL DEFAULT 0,
    parts_done {int} NOT NULL DEFAULT 0,
    cost_planned {int} NOT NULL DEFAULT 0,
    cost_done {int} NOT NULL DEFAULT 0,
    plan_fraction {int} NOT NULL DEFAULT 0,
    progress {int} NOT NULL DEFAULT 0,
    busy_us {int} NOT NULL DEFAULT 0,
    finishes {int} NOT NULL DEFAULT 0,
    duration_us {int},
    reserved_us {int} NOT NULL DEFAULT 0,
    retries {int} NOT NULL DEFAULT 0,
    error_code text,
    error_message text,
    created_at {int} NOT NULL,
    started_at {int},
    ended_at {int}
) {busy_table};
CREATE INDEX jobs_owner ON jobs (owner_id, created_at, id);
CREATE INDEX jobs_owner_state ON jobs (owner_id, state, created_at, id);
CREATE INDEX jobs_file ON jobs (file_id);
CREATE INDEX jobs_under_way ON jobs (created_at, id) WHERE state < 2;
CREATE INDEX jobs_ended ON jobs (ended_at) WHERE ended_at IS NOT NULL;
CREATE UNIQUE INDEX jobs_queue_job ON jobs (queue_job) WHERE queue_job IS NOT NULL;

-- What happens to a file and its jobs, as long as the file: a client that comes back asks for what follows an id. Who adds one has
-- changed the file's or the job's row in the same transaction: that row's lock keeps the ids of one file in the order in
-- which they are committed.
CREATE TABLE events (
    id {identity},
    file_id {bytes} NOT NULL REFERENCES files (id) ON DELETE CASCADE,
    name text NOT NULL,
    data text NOT NULL,
    created_at {int} NOT NULL
) {table};
CREATE INDEX events_file ON events (file_id, id);
