-- Groups that an evaluation left out, because others have more calls.
ALTER TABLE alert_evaluations ADD COLUMN left_out INTEGER NOT NULL DEFAULT 0;
