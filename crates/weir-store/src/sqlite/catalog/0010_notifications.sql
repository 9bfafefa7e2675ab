-- Notifications on their way to channels: one row per notification and channel. `body` is the notification as JSON.
CREATE TABLE notifications (
  seq         INTEGER PRIMARY KEY AUTOINCREMENT,   -- the order of an alert's notifications
  id          TEXT NOT NULL,                       -- the same on every attempt and in every channel
  channel     TEXT NOT NULL,
  alert       TEXT NOT NULL,                       -- fingerprint
  body        TEXT NOT NULL,
  created_us  INTEGER NOT NULL,
  state       INTEGER NOT NULL,                    -- 0 waiting, 1 delivered, 2 given up
  attempts    INTEGER NOT NULL,
  next_try_us INTEGER NOT NULL,
  settled_us  INTEGER,
  error       TEXT                                 -- of the last attempt that failed; never a secret
);
CREATE UNIQUE INDEX notifications_id ON notifications (id, channel);
CREATE INDEX notifications_waiting ON notifications (channel, alert, seq) WHERE state = 0;
CREATE INDEX notifications_settled ON notifications (channel, state, settled_us) WHERE state > 0;
-- What a channel was last told of each alert that goes on, for channels that want to be told again and again.
CREATE TABLE standing_alerts (
  channel TEXT NOT NULL,
  alert   TEXT NOT NULL,
  body    TEXT NOT NULL,
  told_us INTEGER NOT NULL,
  PRIMARY KEY (channel, alert)
) WITHOUT ROWID;
-- When each channel was last tested.
CREATE TABLE channel_tests (
  channel   TEXT PRIMARY KEY,
  target    TEXT NOT NULL,                         -- digest of what was tested: another target is untested
  tested_us INTEGER NOT NULL,
  ok        INTEGER NOT NULL,
  said      TEXT NOT NULL
) WITHOUT ROWID;
