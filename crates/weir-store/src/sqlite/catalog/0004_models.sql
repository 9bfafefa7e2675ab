CREATE TABLE registered_models (
  id           INTEGER PRIMARY KEY,
  name         TEXT NOT NULL UNIQUE,
  description  TEXT,
  created_ms   INTEGER NOT NULL,
  updated_ms   INTEGER NOT NULL,
  last_version INTEGER NOT NULL DEFAULT 0   -- the highest number ever given, also to versions that are deleted
);

CREATE TABLE registered_model_tags (
  model INTEGER NOT NULL REFERENCES registered_models (id) ON DELETE CASCADE,
  key   TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (model, key)
) WITHOUT ROWID;

CREATE TABLE model_versions (
  id          INTEGER PRIMARY KEY,
  model       INTEGER NOT NULL REFERENCES registered_models (id) ON DELETE CASCADE,
  version     INTEGER NOT NULL,
  stage       TEXT NOT NULL,
  source      TEXT NOT NULL,                -- as it was given
  location    TEXT NOT NULL,                -- where the source led when the version was made
  run_id      TEXT NOT NULL,                -- empty: none
  run_link    TEXT NOT NULL,
  model_id    TEXT NOT NULL,                -- the logged model; empty: none
  description TEXT,
  created_ms  INTEGER NOT NULL,
  updated_ms  INTEGER NOT NULL,
  UNIQUE (model, version)
);
CREATE INDEX model_versions_stage ON model_versions (model, stage, version);
CREATE INDEX model_versions_updated ON model_versions (updated_ms);
CREATE INDEX model_versions_run ON model_versions (run_id) WHERE run_id <> '';
CREATE INDEX model_versions_logged ON model_versions (model_id) WHERE model_id <> '';

CREATE TABLE model_version_tags (
  version INTEGER NOT NULL REFERENCES model_versions (id) ON DELETE CASCADE,
  key     TEXT NOT NULL,
  value   TEXT NOT NULL,
  PRIMARY KEY (version, key)
) WITHOUT ROWID;

CREATE TABLE model_aliases (
  model   INTEGER NOT NULL,
  alias   TEXT NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (model, alias),
  FOREIGN KEY (model, version) REFERENCES model_versions (model, version) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX model_aliases_version ON model_aliases (model, version);

-- Models as runs made them. Their metrics are `model_points`.
CREATE TABLE logged_models (
  id           INTEGER PRIMARY KEY,
  model_id     TEXT NOT NULL UNIQUE,
  project      INTEGER NOT NULL,
  name         TEXT NOT NULL,
  artifact_uri TEXT NOT NULL,
  status       TEXT NOT NULL,
  model_type   TEXT NOT NULL,              -- empty: none
  run_id       TEXT NOT NULL,              -- the run that made it; empty: none
  deleted      INTEGER NOT NULL DEFAULT 0,
  created_ms   INTEGER NOT NULL,
  updated_ms   INTEGER NOT NULL
);
CREATE INDEX logged_models_newest ON logged_models (project, deleted, created_ms DESC, model_id);
CREATE INDEX logged_models_run ON logged_models (run_id) WHERE run_id <> '';
CREATE INDEX logged_models_deleted ON logged_models (updated_ms) WHERE deleted;

CREATE TABLE logged_model_params (
  model INTEGER NOT NULL REFERENCES logged_models (id) ON DELETE CASCADE,
  key   TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (model, key)
) WITHOUT ROWID;

CREATE TABLE logged_model_tags (
  model INTEGER NOT NULL REFERENCES logged_models (id) ON DELETE CASCADE,
  key   TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (model, key)
) WITHOUT ROWID;

-- What MLflow notes on prompts, and the numbers it counts their versions by.
CREATE TABLE prompt_notes (
  name        TEXT PRIMARY KEY,
  description TEXT,
  created_ms  INTEGER NOT NULL,
  updated_ms  INTEGER NOT NULL,
  last_number INTEGER NOT NULL,            -- the highest ever given
  tags        TEXT NOT NULL                -- JSON object
) WITHOUT ROWID;
CREATE TABLE prompt_version_notes (
  name        TEXT NOT NULL REFERENCES prompt_notes (name) ON DELETE CASCADE,
  number      INTEGER NOT NULL,
  version     TEXT NOT NULL,               -- prompt_versions.version, or that of a file
  description TEXT,
  updated_ms  INTEGER NOT NULL,
  tags        TEXT NOT NULL,
  PRIMARY KEY (name, number),
  UNIQUE (name, version)
) WITHOUT ROWID;
