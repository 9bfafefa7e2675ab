-- Datasets. Ids are 16 bytes, times Unix milliseconds.
CREATE TABLE datasets (
  id         BLOB PRIMARY KEY,
  name       TEXT NOT NULL,
  schema     TEXT,                   -- JSON: fields of inputs, outputs, expectations and their kinds
  digest     TEXT NOT NULL,
  revision   INTEGER NOT NULL,       -- the last one
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  created_by TEXT,
  updated_by TEXT
) WITHOUT ROWID;
CREATE INDEX datasets_newest ON datasets (created_ms DESC, id DESC);
CREATE INDEX datasets_name ON datasets (name);

CREATE TABLE dataset_tags (
  dataset BLOB NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
  key     TEXT NOT NULL,
  value   TEXT NOT NULL,
  PRIMARY KEY (dataset, key)
) WITHOUT ROWID;

CREATE TABLE dataset_projects (
  place   INTEGER PRIMARY KEY,       -- in the order in which they were added
  dataset BLOB NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
  project INTEGER NOT NULL,
  UNIQUE (dataset, project)
);
CREATE INDEX dataset_projects_project ON dataset_projects (project);

CREATE TABLE dataset_revisions (
  dataset BLOB NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
  number  INTEGER NOT NULL,
  at_ms   INTEGER NOT NULL,
  PRIMARY KEY (dataset, number)
) WITHOUT ROWID;

-- What an example was like from one revision up to another.
CREATE TABLE examples (
  dataset    BLOB NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
  id         BLOB NOT NULL,
  first      INTEGER NOT NULL,       -- the revision that wrote it
  ended      INTEGER,                -- the revision that ended it; NULL: it is valid
  inputs_key BLOB NOT NULL,          -- SHA-256 of the inputs in canonical form
  inputs     TEXT NOT NULL,          -- JSON, as it came
  outputs    TEXT,
  expected   TEXT,
  metadata   TEXT,
  source     TEXT,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  created_by TEXT,
  updated_by TEXT
);
CREATE UNIQUE INDEX examples_key ON examples (dataset, id, first);
CREATE INDEX examples_order ON examples (dataset, created_ms, id);
CREATE UNIQUE INDEX examples_valid ON examples (dataset, inputs_key) WHERE ended IS NULL;

CREATE TABLE scorers (
  id      TEXT PRIMARY KEY,          -- a UUID
  project INTEGER NOT NULL,
  name    TEXT NOT NULL,
  UNIQUE (project, name)
) WITHOUT ROWID;

CREATE TABLE scorer_versions (
  scorer     TEXT NOT NULL REFERENCES scorers (id) ON DELETE CASCADE,
  version    INTEGER NOT NULL,
  content    TEXT NOT NULL,          -- JSON, the client's; never run
  created_ms INTEGER NOT NULL,
  PRIMARY KEY (scorer, version)
);
