-- What was done to calls that are shown as runs, by the run's id (16 bytes).
CREATE TABLE call_marks (
  run     BLOB PRIMARY KEY,
  deleted INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE call_tags (
  run   BLOB NOT NULL,
  key   TEXT NOT NULL,
  value TEXT,                                -- NULL: the call's own tag is taken away
  PRIMARY KEY (run, key)
) WITHOUT ROWID;
CREATE INDEX call_tags_key ON call_tags (key);
CREATE INDEX call_marks_deleted ON call_marks (deleted);
