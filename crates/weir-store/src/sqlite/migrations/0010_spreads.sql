-- More than latencies of the single calls of a cell. `logs` is NULL in what was counted before: nothing of it is known.
ALTER TABLE rollup ADD COLUMN ttft BLOB;          -- sketch, microseconds to the first token; NULL: no call has it
ALTER TABLE rollup ADD COLUMN output_rate BLOB;   -- sketch, completion tokens a second of answered calls; NULL: none
ALTER TABLE rollup ADD COLUMN logs BLOB;          -- of prompt tokens, completion tokens, cost: count, sum of ln
ALTER TABLE cube ADD COLUMN ttft BLOB;
ALTER TABLE cube ADD COLUMN output_rate BLOB;
ALTER TABLE cube ADD COLUMN logs BLOB;
