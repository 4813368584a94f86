-- A user who is being removed, with all that is theirs, of which this row goes last.
ALTER TABLE users ADD COLUMN deleted_at {int};
CREATE INDEX users_deleted ON users (id) WHERE deleted_at IS NOT NULL;

-- The node that receives an upload, by which one that died with its node is found; 0 where that was no node. Others are found by
-- their age.
ALTER TABLE files ADD COLUMN node_id {int} NOT NULL DEFAULT 0;
