-- Alert rules ask what has ended lately.
CREATE INDEX runs_ended ON runs (end_ms) WHERE end_ms IS NOT NULL;
