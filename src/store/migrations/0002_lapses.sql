-- Nodes that died with a part in hand, apart from failures of the part itself. `due` is from now on by the monotonic clock of the
-- node in `worker`; what waits by another clock is ready at once, as its node has gone when this runs.
ALTER TABLE parts ADD COLUMN lapses {int} NOT NULL DEFAULT 0;
