-- What traces say of themselves, apart from their spans. Most say nothing and have no row.
CREATE TABLE traces (
  trace_id          BLOB PRIMARY KEY,  -- 16 bytes
  foreign_id        TEXT,
  project           TEXT,
  name              TEXT,
  session           TEXT,
  start_us          INTEGER,           -- microseconds since 1970, UTC; a trace that has one is listed by it
  duration_us       INTEGER,
  status            INTEGER,           -- as in `spans`
  request_preview   TEXT,
  response_preview  TEXT,
  client_request_id TEXT,
  tags              TEXT,              -- JSON object of texts
  metadata          TEXT,              -- JSON object of texts
  updated_us        INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX traces_start ON traces (project, start_us) WHERE start_us IS NOT NULL;

-- Which traces belong to what.
CREATE TABLE trace_links (
  trace_id   BLOB NOT NULL,
  kind       INTEGER NOT NULL,         -- 1: a run, 2: a version of a prompt
  target     TEXT NOT NULL,
  created_us INTEGER NOT NULL,
  PRIMARY KEY (trace_id, kind, target)
) WITHOUT ROWID;
CREATE INDEX trace_links_target ON trace_links (kind, target, created_us);
