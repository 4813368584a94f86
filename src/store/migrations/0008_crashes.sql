-- How often an engine or a jail went down with the part in hand, apart from what may pass.
ALTER TABLE parts ADD COLUMN crashes {int} NOT NULL DEFAULT 0;
