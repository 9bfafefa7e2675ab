-- The documented table of calls again: it finds the answer in the messages of OpenTelemetry and OpenInference too, and
-- shows the request's metadata where there is one. Texts that are no JSON are shown as they are.
DROP VIEW llm_calls;

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
             p.output ->> '$.content[0].text', p.output ->> '$.output[0].content[0].text',
             CASE WHEN p.output ->> '$.role' IS NOT NULL THEN p.output ->> '$.content' END,
             CASE WHEN json_type(p.output) = 'array' THEN
               (SELECT group_concat(part.value ->> '$.content', '') FROM json_each(p.output, '$[0].parts') AS part
                WHERE CASE part.type WHEN 'object' THEN part.value ->> '$.type' END = 'text') END,
             p.output ->> '$.messages[#-1].content', p.output)
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
  coalesce(s.attributes ->> '$.metadata', s.attributes) AS metadata
FROM spans AS s LEFT JOIN payload_text AS p ON p.seq = s.seq
WHERE s.kind IN (0, 4);
