-- Exporters of calls and exporters of all spans share the queue. A span that turns out to be a call after it was queued
-- is queued again, for the exporters of calls only.
ALTER TABLE export_queue ADD COLUMN scope INTEGER NOT NULL DEFAULT 3;  -- 1: for exporters of calls, 2: of all spans, 3: both
ALTER TABLE export_queue ADD COLUMN calls INTEGER NOT NULL DEFAULT 0;  -- how many rows with a 1 there were up to this one
UPDATE export_queue SET calls = id;

-- What an exporter is given: 1 calls, 2 all spans.
ALTER TABLE export_cursor ADD COLUMN scope INTEGER NOT NULL DEFAULT 1;
