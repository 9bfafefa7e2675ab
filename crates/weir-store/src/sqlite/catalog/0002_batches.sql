CREATE TABLE files (
  id         TEXT PRIMARY KEY,       -- file-<hex of a UUIDv7>, so that ids sort by time
  owner      TEXT NOT NULL,          -- name of the key; empty without keys
  purpose    TEXT NOT NULL,
  filename   TEXT NOT NULL,
  bytes      INTEGER NOT NULL,
  created_us INTEGER NOT NULL,
  expires_us INTEGER
) WITHOUT ROWID;

CREATE INDEX files_by_expiry ON files (expires_us) WHERE expires_us IS NOT NULL;

CREATE TABLE batches (
  id         TEXT PRIMARY KEY,       -- batch_<hex of a UUIDv7>
  owner      TEXT NOT NULL,
  status     TEXT NOT NULL,
  open       INTEGER NOT NULL,       -- 1 until it has ended
  input_file TEXT NOT NULL,
  created_us INTEGER NOT NULL,
  record     TEXT NOT NULL           -- JSON: all of it; the columns beside it are for looking up
) WITHOUT ROWID;

CREATE INDEX batches_open ON batches (input_file) WHERE open;
