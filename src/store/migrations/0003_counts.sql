-- How much a user has, so that a list's total and a quota are one row, however long the list is. what: 0 to 4 jobs by their state,
-- 5 files, 6 bytes, reserved or stored. A file counts until its deletion begins, a job as long as its row. As long as the user.
CREATE TABLE user_counts (
    user_id {bytes} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    what {int} NOT NULL,
    n {int} NOT NULL,
    PRIMARY KEY (user_id, what)
) {busy_table};

-- The jobs of a file go when its deletion begins; what is left of earlier ones goes now.
DELETE FROM jobs WHERE file_id IN (SELECT id FROM files WHERE state = 2);

-- Triggers keep them, so that no way in which a row comes or goes is forgotten. PostgreSQL wants a function for each. Of two rows the
-- lower comes first, so that units of one user lock them in one order.

{sqlite CREATE TRIGGER files_added AFTER INSERT ON files FOR EACH ROW WHEN (NEW.state <> 2) BEGIN INSERT INTO user_counts
    (user_id, what, n) VALUES (NEW.owner_id, 5, 1), (NEW.owner_id, 6, NEW.size_bytes) ON CONFLICT (user_id, what) DO UPDATE
    SET n = user_counts.n + excluded.n; END};
{postgres CREATE FUNCTION files_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO user_counts (user_id, what,
    n) VALUES (NEW.owner_id, 5, 1), (NEW.owner_id, 6, NEW.size_bytes) ON CONFLICT (user_id, what) DO UPDATE SET n =
    user_counts.n + excluded.n; RETURN NULL; END $$};
{postgres CREATE TRIGGER files_added AFTER INSERT ON files FOR EACH ROW WHEN (NEW.state <> 2) EXECUTE FUNCTION
    files_added()};

{sqlite CREATE TRIGGER files_grown AFTER UPDATE OF size_bytes ON files FOR EACH ROW WHEN (NEW.state <> 2) BEGIN INSERT INTO
    user_counts (user_id, what, n) VALUES (NEW.owner_id, 6, NEW.size_bytes - OLD.size_bytes) ON CONFLICT (user_id, what) DO
    UPDATE SET n = user_counts.n + excluded.n; END};
{postgres CREATE FUNCTION files_grown() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO user_counts (user_id, what,
    n) VALUES (NEW.owner_id, 6, NEW.size_bytes - OLD.size_bytes) ON CONFLICT (user_id, what) DO UPDATE SET n = user_counts.n
    + excluded.n; RETURN NULL; END $$};
{postgres CREATE TRIGGER files_grown AFTER UPDATE OF size_bytes ON files FOR EACH ROW WHEN (NEW.state <> 2) EXECUTE FUNCTION
    files_grown()};

{sqlite CREATE TRIGGER files_marked AFTER UPDATE OF state ON files FOR EACH ROW WHEN (OLD.state <> 2 AND NEW.state = 2)
    BEGIN INSERT INTO user_counts (user_id, what, n) VALUES (OLD.owner_id, 5, -1), (OLD.owner_id, 6, -OLD.size_bytes) ON
    CONFLICT (user_id, what) DO UPDATE SET n = user_counts.n + excluded.n; END};
{postgres CREATE FUNCTION files_marked() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO user_counts (user_id,
    what, n) VALUES (OLD.owner_id, 5, -1), (OLD.owner_id, 6, -OLD.size_bytes) ON CONFLICT (user_id, what) DO UPDATE SET n =
    user_counts.n + excluded.n; RETURN NULL; END $$};
{postgres CREATE TRIGGER files_marked AFTER UPDATE OF state ON files FOR EACH ROW WHEN (OLD.state <> 2 AND NEW.state = 2)
    EXECUTE FUNCTION files_marked()};

{sqlite CREATE TRIGGER files_removed AFTER DELETE ON files FOR EACH ROW WHEN (OLD.state <> 2) BEGIN INSERT INTO user_counts
    (user_id, what, n) VALUES (OLD.owner_id, 5, -1), (OLD.owner_id, 6, -OLD.size_bytes) ON CONFLICT (user_id, what) DO
    UPDATE SET n = user_counts.n + excluded.n; END};
{postgres CREATE FUNCTION files_removed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO user_counts (user_id,
    what, n) VALUES (OLD.owner_id, 5, -1), (OLD.owner_id, 6, -OLD.size_bytes) ON CONFLICT (user_id, what) DO UPDATE SET n =
    user_counts.n + excluded.n; RETURN NULL; END $$};
{postgres CREATE TRIGGER files_removed AFTER DELETE ON files FOR EACH ROW WHEN (OLD.state <> 2) EXECUTE FUNCTION
    files_removed()};

{sqlite CREATE TRIGGER jobs_added AFTER INSERT ON jobs FOR EACH ROW BEGIN INSERT INTO user_counts (user_id, what, n) VALUES
    (NEW.owner_id, NEW.state, 1) ON CONFLICT (user_id, what) DO UPDATE SET n = user_counts.n + excluded.n; END};
{postgres CREATE FUNCTION jobs_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO user_counts (user_id, what,
    n) VALUES (NEW.owner_id, NEW.state, 1) ON CONFLICT (user_id, what) DO UPDATE SET n = user_counts.n + excluded.n; RETURN
    NULL; END $$};
{postgres CREATE TRIGGER jobs_added AFTER INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION jobs_added()};

{sqlite CREATE TRIGGER jobs_moved AFTER UPDATE OF state ON jobs FOR EACH ROW WHEN (OLD.state <> NEW.state) BEGIN INSERT INTO
    user_counts (user_id, what, n) VALUES (OLD.owner_id, min(OLD.state, NEW.state), CASE WHEN OLD.state < NEW.state THEN -1
    ELSE 1 END), (NEW.owner_id, max(OLD.state, NEW.state), CASE WHEN OLD.state < NEW.state THEN 1 ELSE -1 END) ON CONFLICT
    (user_id, what) DO UPDATE SET n = user_counts.n + excluded.n; END};
{postgres CREATE FUNCTION jobs_moved() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO user_counts (user_id, what,
    n) VALUES (OLD.owner_id, least(OLD.state, NEW.state), CASE WHEN OLD.state < NEW.state THEN -1 ELSE 1 END),
    (NEW.owner_id, greatest(OLD.state, NEW.state), CASE WHEN OLD.state < NEW.state THEN 1 ELSE -1 END) ON CONFLICT (user_id,
    what) DO UPDATE SET n = user_counts.n + excluded.n; RETURN NULL; END $$};
{postgres CREATE TRIGGER jobs_moved AFTER UPDATE OF state ON jobs FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE
    FUNCTION jobs_moved()};

{sqlite CREATE TRIGGER jobs_removed AFTER DELETE ON jobs FOR EACH ROW BEGIN INSERT INTO user_counts (user_id, what, n)
    VALUES (OLD.owner_id, OLD.state, -1) ON CONFLICT (user_id, what) DO UPDATE SET n = user_counts.n + excluded.n; END};
{postgres CREATE FUNCTION jobs_removed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO user_counts (user_id,
    what, n) VALUES (OLD.owner_id, OLD.state, -1) ON CONFLICT (user_id, what) DO UPDATE SET n = user_counts.n +
    excluded.n; RETURN NULL; END $$};
{postgres CREATE TRIGGER jobs_removed AFTER DELETE ON jobs FOR EACH ROW EXECUTE FUNCTION jobs_removed()};

-- What is there already; the triggers hold others off until this is committed.
INSERT INTO user_counts (user_id, what, n) SELECT owner_id, state, count(*) FROM jobs GROUP BY owner_id, state;
INSERT INTO user_counts (user_id, what, n) SELECT owner_id, 5, count(*) FROM files WHERE state <> 2 GROUP BY owner_id;
INSERT INTO user_counts (user_id, what, n)
    SELECT owner_id, 6, CAST(sum(size_bytes) AS {int}) FROM files WHERE state <> 2 GROUP BY owner_id;
