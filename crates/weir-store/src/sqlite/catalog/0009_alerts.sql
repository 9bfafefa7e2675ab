-- Alert rules that were made over the API; those of files are in no table.
CREATE TABLE alert_rules (
  id         TEXT PRIMARY KEY,
  document   TEXT NOT NULL,              -- JSON
  version    INTEGER NOT NULL,           -- from 1, one more with each change
  created_us INTEGER NOT NULL,           -- microseconds since 1970, UTC
  updated_us INTEGER NOT NULL
) WITHOUT ROWID;

-- The series of each rule of which something is to be remembered.
CREATE TABLE alerts (
  fingerprint  TEXT PRIMARY KEY,
  rule         TEXT NOT NULL,
  project      TEXT NOT NULL,
  phase        TEXT NOT NULL,            -- inactive, pending, firing, resolved, no_data
  severity     INTEGER NOT NULL,         -- info 0, warning 1, critical 2
  starts_us    INTEGER,                  -- of the alert that goes on, or was last
  ends_us      INTEGER,
  evaluated_us INTEGER NOT NULL,
  state        TEXT NOT NULL,            -- JSON: the series' state
  alert        TEXT NOT NULL,            -- JSON: the alert as it is told
  ack          TEXT                      -- JSON: who takes care; of the alert that began at starts_us
) WITHOUT ROWID;
CREATE INDEX alerts_rule ON alerts (rule);
CREATE INDEX alerts_firing ON alerts (severity) WHERE phase IN ('firing', 'no_data');

-- How far each rule was evaluated.
CREATE TABLE alert_evaluations (
  rule         TEXT PRIMARY KEY,
  evaluated_us INTEGER NOT NULL,         -- the instant that was judged
  ran_us       INTEGER NOT NULL,         -- when that was done
  took_us      INTEGER NOT NULL,
  series       INTEGER NOT NULL,
  error        TEXT                      -- why it could not be; NULL: it could
) WITHOUT ROWID;

-- What became of alerts.
CREATE TABLE alert_history (
  seq         INTEGER PRIMARY KEY AUTOINCREMENT,
  rule        TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  at_us       INTEGER NOT NULL,
  phase       TEXT NOT NULL,
  event       TEXT,                      -- what was told: fired, escalated, ...; NULL: nothing
  severity    INTEGER NOT NULL,
  value       REAL,
  threshold   REAL,
  summary     TEXT NOT NULL,
  person      TEXT                       -- who did it; NULL: nobody
);
CREATE INDEX alert_history_fingerprint ON alert_history (fingerprint, seq);
CREATE INDEX alert_history_rule ON alert_history (rule, seq);

-- Silences that people set.
CREATE TABLE alert_mutes (
  id       TEXT PRIMARY KEY,
  document TEXT NOT NULL,                -- JSON
  ends_us  INTEGER NOT NULL
) WITHOUT ROWID;
