-- Scores that are more than a value: expectations, errors, metadata, corrections. From here on `call` and `trace_id` may
-- both be there: a span of that trace.
ALTER TABLE scores ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;    -- feedback 0, expectation 1, issue 2
ALTER TABLE scores ADD COLUMN valid INTEGER NOT NULL DEFAULT 1;   -- 0: another one overrides it
ALTER TABLE scores ADD COLUMN overrides BLOB;                     -- id of the one that this stands instead of
ALTER TABLE scores ADD COLUMN metadata TEXT;                      -- JSON object of texts
ALTER TABLE scores ADD COLUMN error TEXT;                         -- JSON: code, message, stack
ALTER TABLE scores ADD COLUMN updated_us INTEGER;                 -- NULL: as created_us
-- Those whose trace only their span tells.
DROP INDEX scores_call;
CREATE INDEX scores_loose ON scores (call) WHERE trace_id IS NULL;
