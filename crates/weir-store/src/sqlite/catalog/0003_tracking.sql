-- Projects. Numbers are never given again. Times are Unix milliseconds.
CREATE TABLE projects (
  number            INTEGER PRIMARY KEY AUTOINCREMENT,
  key               TEXT NOT NULL UNIQUE,    -- what spans carry
  name              TEXT NOT NULL UNIQUE,
  artifact_location TEXT NOT NULL,
  deleted           INTEGER NOT NULL DEFAULT 0,
  created_ms        INTEGER NOT NULL,
  updated_ms        INTEGER NOT NULL
);
CREATE TABLE project_tags (
  project INTEGER NOT NULL,
  key     TEXT NOT NULL,
  value   TEXT NOT NULL,
  PRIMARY KEY (project, key)
) WITHOUT ROWID;
INSERT INTO projects VALUES
  (0, 'default', 'Default', 'mlflow-artifacts:/0', 0, unixepoch('subsec') * 1000, unixepoch('subsec') * 1000);

-- Keys of params, tags and metrics, by number.
CREATE TABLE keys (
  id   INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE
);

CREATE TABLE runs (
  id           INTEGER PRIMARY KEY,
  uuid         BLOB NOT NULL UNIQUE,         -- 16 bytes
  project      INTEGER NOT NULL,
  name         TEXT NOT NULL,
  user         TEXT NOT NULL,
  status       INTEGER NOT NULL,             -- 1 running, 2 scheduled, 3 finished, 4 failed, 5 killed
  start_ms     INTEGER NOT NULL,
  end_ms       INTEGER,
  artifact_uri TEXT NOT NULL,
  deleted      INTEGER NOT NULL DEFAULT 0,
  deleted_ms   INTEGER
);
CREATE INDEX runs_newest ON runs (project, deleted, start_ms DESC, uuid);
CREATE INDEX runs_name ON runs (name, project);

CREATE TABLE run_params (
  run   INTEGER NOT NULL,
  key   INTEGER NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (run, key)
) WITHOUT ROWID;
CREATE TABLE run_tags (
  run   INTEGER NOT NULL,
  key   INTEGER NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (run, key)
) WITHOUT ROWID;

-- Params and tags by value, newest run first. `head` is the beginning of the value. Tag mlflow.runName is not here:
-- runs_name has it.
CREATE TABLE param_index (
  key INTEGER NOT NULL, project INTEGER NOT NULL, head TEXT NOT NULL, start_ms INTEGER NOT NULL, uuid BLOB NOT NULL,
  run INTEGER NOT NULL,
  PRIMARY KEY (key, project, head, start_ms DESC, uuid)
) WITHOUT ROWID;
CREATE TABLE tag_index (
  key INTEGER NOT NULL, project INTEGER NOT NULL, head TEXT NOT NULL, start_ms INTEGER NOT NULL, uuid BLOB NOT NULL,
  run INTEGER NOT NULL,
  PRIMARY KEY (key, project, head, start_ms DESC, uuid)
) WITHOUT ROWID;

-- The latest point of each metric: the greatest by step, timestamp, value. NaN is 0 with `nan` set.
CREATE TABLE run_metrics (
  run          INTEGER NOT NULL,
  key          INTEGER NOT NULL,
  project      INTEGER NOT NULL,
  nan          INTEGER NOT NULL,
  value        REAL NOT NULL,
  step         INTEGER NOT NULL,
  timestamp_ms INTEGER NOT NULL,
  PRIMARY KEY (run, key)
) WITHOUT ROWID;
CREATE INDEX metric_index ON run_metrics (key, project, nan, value);

-- Every point, in the order of a history.
CREATE TABLE metric_points (
  run          INTEGER NOT NULL,
  key          INTEGER NOT NULL,
  timestamp_ms INTEGER NOT NULL,
  step         INTEGER NOT NULL,
  value        REAL NOT NULL,
  nan          INTEGER NOT NULL,
  PRIMARY KEY (run, key, timestamp_ms, step, value, nan)
) WITHOUT ROWID;

-- Points that were logged for a logged model, found by the model.
CREATE TABLE model_points (
  model          TEXT NOT NULL,
  key            INTEGER NOT NULL,
  timestamp_ms   INTEGER NOT NULL,
  step           INTEGER NOT NULL,
  run            INTEGER NOT NULL,
  value          REAL NOT NULL,
  nan            INTEGER NOT NULL,
  dataset_name   TEXT,
  dataset_digest TEXT,
  PRIMARY KEY (model, key, timestamp_ms, step, run)
) WITHOUT ROWID;

-- Datasets that runs read.
CREATE TABLE run_datasets (
  id          INTEGER PRIMARY KEY,
  project     INTEGER NOT NULL,
  name        TEXT NOT NULL,
  digest      TEXT NOT NULL,
  source_type TEXT NOT NULL,
  source      TEXT NOT NULL,
  schema      TEXT,
  profile     TEXT,
  UNIQUE (project, name, digest)
);
CREATE INDEX run_datasets_digest ON run_datasets (project, digest);
CREATE TABLE run_inputs (
  run     INTEGER NOT NULL,
  dataset INTEGER NOT NULL,
  context TEXT,                              -- its tag mlflow.data.context
  tags    TEXT NOT NULL,                     -- JSON list of [key, value]
  PRIMARY KEY (run, dataset)
) WITHOUT ROWID;
CREATE INDEX run_inputs_dataset ON run_inputs (dataset, context);

-- Logged models that runs read or made.
CREATE TABLE run_models (
  run    INTEGER NOT NULL,
  output INTEGER NOT NULL,
  model  TEXT NOT NULL,
  step   INTEGER NOT NULL,
  PRIMARY KEY (run, output, model)
) WITHOUT ROWID;
CREATE INDEX run_models_model ON run_models (model);
