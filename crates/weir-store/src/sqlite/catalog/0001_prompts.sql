CREATE TABLE prompt_contents (
  hash    TEXT PRIMARY KEY,          -- SHA-256 of the JSON
  content TEXT NOT NULL              -- JSON: format, kind, template or messages
) WITHOUT ROWID;

CREATE TABLE prompts (
  name        TEXT PRIMARY KEY,
  description TEXT
) WITHOUT ROWID;

CREATE TABLE prompt_versions (
  name       TEXT NOT NULL REFERENCES prompts (name),
  version    TEXT NOT NULL,
  hash       TEXT NOT NULL REFERENCES prompt_contents (hash),
  defaults   TEXT NOT NULL,          -- JSON: model, temperature, max_tokens
  message    TEXT,
  created_us INTEGER NOT NULL,
  PRIMARY KEY (name, version)
) WITHOUT ROWID;

CREATE TABLE prompt_labels (
  name    TEXT NOT NULL,
  label   TEXT NOT NULL,
  version TEXT NOT NULL,
  PRIMARY KEY (name, label),
  FOREIGN KEY (name, version) REFERENCES prompt_versions (name, version)
) WITHOUT ROWID;
