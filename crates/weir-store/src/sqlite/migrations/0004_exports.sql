-- Ended calls that exporters have still to see, in the order in which they were committed. Numbers are never given
-- twice, as cursors hold them.
CREATE TABLE export_queue (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  trace_id BLOB NOT NULL,
  span_id  BLOB NOT NULL,
  at_us    INTEGER NOT NULL              -- when it was committed
);

-- How far each exporter has come: everything up to and including this number is done.
CREATE TABLE export_cursor (
  target TEXT PRIMARY KEY,
  after  INTEGER NOT NULL
) WITHOUT ROWID;
