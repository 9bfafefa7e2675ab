-- The documented tables, for people who open the database with `sqlite3`. Inputs and outputs are readable here only
-- when the store keeps them as plain text.
CREATE VIEW llm_calls AS
SELECT
  strftime('%Y-%m-%dT%H:%M:%S', s.start_us / 1000000, 'unixepoch') || printf('.%06dZ', s.start_us % 1000000) AS timestamp,
  s.request_id AS request_id,
  (SELECT value FROM names WHERE id = s.prompt_version) AS prompt_version,
  (SELECT value FROM names WHERE id = s.model) AS model,
  CASE WHEN json_valid(p.input) THEN
    coalesce(p.input ->> '$.messages', p.input ->> '$.prompt', p.input ->> '$.input', p.input)
  ELSE p.input END AS prompt,
  CASE WHEN json_valid(p.output) THEN
    coalesce(p.output ->> '$.choices[0].message.content', p.output ->> '$.choices[0].text',
             p.output ->> '$.content[0].text', p.output ->> '$.output[0].content[0].text', p.output)
  ELSE p.output END AS response,
  s.prompt_tokens + s.cached_tokens + s.cache_write_tokens + s.cache_write_1h_tokens + s.audio_in_tokens AS prompt_tokens,
  s.completion_tokens + s.reasoning_tokens + s.audio_out_tokens AS completion_tokens,
  s.prompt_tokens + s.cached_tokens + s.cache_write_tokens + s.cache_write_1h_tokens + s.audio_in_tokens
    + s.completion_tokens + s.reasoning_tokens + s.audio_out_tokens AS total_tokens,
  CASE WHEN s.start_us IS NOT NULL THEN max(s.duration_us, 0) / 1000.0 END AS latency_ms,
  s.cost_nano / 1000000000.0 AS cost,
  CASE s.status WHEN 0 THEN 'pending' WHEN 1 THEN 'success' WHEN 2 THEN 'error' WHEN 3 THEN 'cached'
    WHEN 4 THEN 'rate_limited' WHEN 5 THEN 'blocked' WHEN 6 THEN 'cancelled' END AS status,
  s.error AS error,
  s.attributes AS metadata
FROM spans AS s LEFT JOIN payload_text AS p ON p.seq = s.seq
WHERE s.kind IN (0, 4);

CREATE VIEW branch_decisions AS
SELECT
  strftime('%Y-%m-%dT%H:%M:%S', s.start_us / 1000000, 'unixepoch') || printf('.%06dZ', s.start_us % 1000000) AS timestamp,
  s.request_id AS request_id,
  s.attributes ->> '$.from_node' AS from_node,
  s.attributes ->> '$.to_node' AS to_node,
  s.attributes ->> '$.condition' AS condition,
  s.attributes ->> '$.condition_result' AS condition_result,
  s.attributes ->> '$.context' AS context
FROM spans AS s
WHERE s.kind = 2;

CREATE VIEW tool_calls AS
SELECT
  strftime('%Y-%m-%dT%H:%M:%S', s.start_us / 1000000, 'unixepoch') || printf('.%06dZ', s.start_us % 1000000) AS timestamp,
  s.request_id AS request_id,
  coalesce(s.attributes ->> '$.tool_name', (SELECT value FROM names WHERE id = s.name)) AS tool_name,
  coalesce(p.input, s.attributes ->> '$.inputs') AS inputs,
  coalesce(p.output, s.attributes ->> '$.output') AS output,
  CASE WHEN s.start_us IS NOT NULL THEN max(s.duration_us, 0) / 1000.0 END AS latency_ms,
  CASE s.status WHEN 0 THEN 'pending' WHEN 1 THEN 'success' WHEN 2 THEN 'error' WHEN 3 THEN 'cached'
    WHEN 4 THEN 'rate_limited' WHEN 5 THEN 'blocked' WHEN 6 THEN 'cancelled' END AS status,
  s.error AS error
FROM spans AS s LEFT JOIN payload_text AS p ON p.seq = s.seq
WHERE s.kind = 1;
