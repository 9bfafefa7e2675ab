-- Texts that repeat, by number. Number 0 stands for absence wherever a column is part of a key.
CREATE TABLE names (
  id    INTEGER PRIMARY KEY,
  value TEXT NOT NULL UNIQUE
);

-- Small state: the journal position, how far back the fine rollups reach.
CREATE TABLE state (
  key   TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) WITHOUT ROWID;

-- One row per span, ordered by start: seq = (start_us - 2020-01-01) / 1000 << 20 | place within the millisecond.
-- Columns that hold a number of `names`: project .. error_type. Closed sets are stored by number.
CREATE TABLE spans (
  seq                 INTEGER PRIMARY KEY,
  trace_id            BLOB NOT NULL,     -- 16 bytes
  span_id             BLOB NOT NULL,     -- 16 bytes, or 8 of an OpenTelemetry id
  parent_id           BLOB,
  kind                INTEGER,
  status              INTEGER,
  project             INTEGER,
  model               INTEGER,
  provider            INTEGER,
  department          INTEGER,
  key                 INTEGER,
  prompt_name         INTEGER,
  prompt_version      INTEGER,
  name                INTEGER,
  response_model      INTEGER,
  deployment          INTEGER,
  operation           INTEGER,
  finish_reason       INTEGER,
  cache               INTEGER,
  error_type          INTEGER,
  start_us            INTEGER,           -- microseconds since 1970, UTC
  duration_us         INTEGER,           -- end - start; the end itself where there is no start
  ttft_us             INTEGER,
  cost_nano           INTEGER,           -- nano-dollars; NULL: price unknown
  prompt_tokens       INTEGER,           -- disjoint classes; all NULL: not said
  cached_tokens       INTEGER,
  cache_write_tokens  INTEGER,
  cache_write_1h_tokens INTEGER,
  completion_tokens   INTEGER,
  reasoning_tokens    INTEGER,
  audio_in_tokens     INTEGER,
  audio_out_tokens    INTEGER,
  token_source        INTEGER,
  stream              INTEGER,
  http_status         INTEGER,
  attempts            INTEGER,
  user                TEXT,
  session             TEXT,
  request_id          TEXT,
  upstream_request_id TEXT,
  error               TEXT,
  tags                TEXT,              -- JSON array
  attributes          TEXT,              -- JSON object
  stamp_after_us      INTEGER NOT NULL,  -- stamp of the first write, after the start
  stamp_rank          INTEGER NOT NULL,  -- 0 create, 1 update
  stamps              TEXT,              -- JSON, of fields merged from other writes
  payload             INTEGER            -- block << 6 | slot; NULL: no payload, or in payload_text
);
CREATE UNIQUE INDEX spans_key ON spans (trace_id, span_id);

-- Inputs and outputs of up to 64 spans, compressed together.
CREATE TABLE payload_blocks (
  id         INTEGER PRIMARY KEY,
  first_seq  INTEGER NOT NULL,
  last_seq   INTEGER NOT NULL,
  spans      INTEGER NOT NULL,
  dictionary INTEGER,                    -- of `dictionaries`; NULL: none was used
  data       BLOB NOT NULL
);
CREATE INDEX payload_blocks_last ON payload_blocks (last_seq, first_seq);

-- Inputs and outputs as plain text, when the store was opened for that.
CREATE TABLE payload_text (
  seq    INTEGER PRIMARY KEY,
  input  TEXT,
  output TEXT
);

CREATE TABLE dictionaries (
  id   INTEGER PRIMARY KEY,
  data BLOB NOT NULL
);

-- Skip index: closed groups of consecutive rows partition [first_seq, end_seq); a hole is scanned.
CREATE TABLE groups (
  first_seq INTEGER PRIMARY KEY,
  end_seq   INTEGER NOT NULL,
  rows      INTEGER NOT NULL
);
CREATE TABLE group_index (
  field     INTEGER NOT NULL,
  first_seq INTEGER NOT NULL,
  data      BLOB NOT NULL,
  PRIMARY KEY (field, first_seq)
) WITHOUT ROWID;

-- Slices: level 0 minute, 1 hour, 2 day; dim 0 all, else a dimension; t in microseconds; value of `names`.
CREATE TABLE rollup (
  level INTEGER NOT NULL, dim INTEGER NOT NULL, t INTEGER NOT NULL, project INTEGER NOT NULL, value INTEGER NOT NULL,
  count INTEGER NOT NULL, errors INTEGER NOT NULL, cache_hits INTEGER NOT NULL,
  prompt_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL, cache_write_tokens INTEGER NOT NULL,
  cache_write_1h_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL,
  audio_in_tokens INTEGER NOT NULL, audio_out_tokens INTEGER NOT NULL,
  cost_nano INTEGER NOT NULL, unpriced INTEGER NOT NULL, latency_sum_us INTEGER NOT NULL, sketch BLOB NOT NULL,
  PRIMARY KEY (level, dim, t, project, value)
) WITHOUT ROWID;

-- One hour (level 1) or day (level 2) of one combination of all dimensions.
CREATE TABLE cube (
  level INTEGER NOT NULL, t INTEGER NOT NULL, project INTEGER NOT NULL, model INTEGER NOT NULL, provider INTEGER NOT NULL,
  department INTEGER NOT NULL, prompt_version INTEGER NOT NULL, status INTEGER NOT NULL, key INTEGER NOT NULL,
  count INTEGER NOT NULL, errors INTEGER NOT NULL, cache_hits INTEGER NOT NULL,
  prompt_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL, cache_write_tokens INTEGER NOT NULL,
  cache_write_1h_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL,
  audio_in_tokens INTEGER NOT NULL, audio_out_tokens INTEGER NOT NULL,
  cost_nano INTEGER NOT NULL, unpriced INTEGER NOT NULL, latency_sum_us INTEGER NOT NULL, sketch BLOB NOT NULL,
  PRIMARY KEY (level, t, project, model, provider, department, prompt_version, status, key)
) WITHOUT ROWID;
