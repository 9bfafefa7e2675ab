-- Scores of calls and traces. They may come before their target, so nothing here refers to `spans`.
CREATE TABLE scores (
  id         BLOB PRIMARY KEY,           -- 16 bytes, or 8
  call       TEXT,                       -- span id in hex, or request id
  trace_id   BLOB,                       -- exactly one of the two is there
  name       TEXT NOT NULL,
  value      TEXT NOT NULL,              -- JSON: number, text, true or false
  number     REAL,                       -- the value as a number; NULL: a text
  source     INTEGER NOT NULL,           -- human 0, judge 1, code 2, api 3
  author     TEXT,
  reason     TEXT,
  created_us INTEGER NOT NULL            -- microseconds since 1970, UTC
) WITHOUT ROWID;
CREATE INDEX scores_call ON scores (call) WHERE call IS NOT NULL;
CREATE INDEX scores_trace ON scores (trace_id) WHERE trace_id IS NOT NULL;
CREATE INDEX scores_created ON scores (created_us);
