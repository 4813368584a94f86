-- Jobs that wait for their user's other jobs, in the order in which they enter the queue: a job that ends lets the next one in. How many
-- of a user's jobs are in the queue is told by `queue_owners.active`, the only count of them.
CREATE INDEX jobs_waiting ON jobs (owner_id, priority DESC, created_at, id) WHERE state = 0 AND queue_job IS NULL;
ALTER TABLE user_totals DROP COLUMN jobs_under_way;

-- What has ended, of one owner: how long it is kept is their plan's.
DROP INDEX jobs_ended;
CREATE INDEX jobs_history ON jobs (owner_id, ended_at, id) WHERE ended_at IS NOT NULL;
