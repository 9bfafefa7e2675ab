-- What was found odd. The columns beside the record are for looking up.
CREATE TABLE anomalies (
  id          TEXT PRIMARY KEY,
  project     TEXT NOT NULL,
  metric      TEXT NOT NULL,
  kind        TEXT NOT NULL,
  severity    INTEGER NOT NULL,          -- info 0, warning 1, critical 2
  firing      INTEGER NOT NULL,          -- 1 while it goes on
  onset_us    INTEGER NOT NULL,          -- microseconds since 1970, UTC
  detected_us INTEGER NOT NULL,
  ended_us    INTEGER,
  feedback    TEXT,                      -- expected, new_normal; NULL: nothing was said
  record      TEXT NOT NULL              -- JSON: all of it but the feedback
) WITHOUT ROWID;
CREATE INDEX anomalies_detected ON anomalies (detected_us, id);
CREATE INDEX anomalies_project ON anomalies (project, detected_us, id);
CREATE INDEX anomalies_firing ON anomalies (severity) WHERE firing;

-- What the engine of each project has learned.
CREATE TABLE anomaly_engines (
  project  TEXT PRIMARY KEY,
  until_us INTEGER NOT NULL,             -- end of the last bucket that it was fed
  live     INTEGER NOT NULL,             -- 1: its traffic is followed as it comes
  late_us  INTEGER,                      -- from when on calls came that it has not seen; NULL: none
  state    BLOB NOT NULL                 -- in the engine's own form
) WITHOUT ROWID;
