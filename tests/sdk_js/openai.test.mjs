// The unmodified npm `openai` client through Weir.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { eventually, serve } from './server.mjs';

const messages = [{ role: 'user', content: 'hello there' }];
let server;
before(async () => { server = await serve(); });
after(async () => { await server.stop(); });

const client = (id, options = {}) =>
  new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'x', maxRetries: 0, defaultHeaders: { 'x-request-id': id }, ...options });
const named = () => randomUUID().slice(0, 13);
const model = (name, key, ...words) => `${name}!${[`key=${key}`, ...words].join(',')}`;

test('a plain chat is answered and recorded', async () => {
  const key = named();
  const answer = await client(key).chat.completions.create({ model: model('up/gpt-4o', key), messages });
  assert.match(answer.choices[0].message.content, /^The river keeps/);
  assert.equal(answer._request_id, key);
  const call = await server.call(key);
  assert.equal(call.status, 'success');
  assert.equal(call.tokens.completion, answer.usage.completion_tokens);
});

test('the first chunk arrives before the last is sent', async () => {
  const key = named();
  const stream = await client(key).chat.completions.create({
    model: model('up/gpt-4o', key, 'chunks=8', 'delay=60', 'stamp'), messages, stream: true,
  });
  const times = [];
  for await (const chunk of stream) {
    const stamp = /\[(\d{16})\]/.exec(chunk.choices[0]?.delta?.content ?? '');
    if (stamp) times.push([Number(stamp[1]), Date.now() * 1000]);
  }
  assert.equal(times.length, 8);
  assert.ok(times[0][1] < times.at(-1)[0]);
});

test('usage is given to those who ask', async () => {
  const key = named();
  const ask = { model: model('up/gpt-4o', key, 'chunks=2'), messages, stream: true };
  const quiet = [];
  for await (const chunk of await client(key).chat.completions.create(ask)) quiet.push(chunk);
  assert.ok(quiet.every((c) => c.choices.length === 1 && !c.usage));
  const told = [];
  const options = { ...ask, stream_options: { include_usage: true } };
  for await (const chunk of await client(key).chat.completions.create(options)) told.push(chunk);
  assert.equal(told.at(-1).usage.completion_tokens, 2);
});

test('streamed tool calls are put together by the client', async () => {
  const key = named();
  const tools = [{ type: 'function', function: { name: 'get_weather', parameters: { type: 'object', properties: {} } } }];
  const runner = client(key).chat.completions.stream({ model: model('up/gpt-4o', key, 'tools'), messages, tools });
  const final = await runner.finalChatCompletion();
  const calls = final.choices[0].message.tool_calls;
  assert.equal(calls.length, 2);
  for (const call of calls) assert.equal(typeof JSON.parse(call.function.arguments), 'object');
});

test('an upstream error keeps its code and Retry-After', async () => {
  const key = named();
  await assert.rejects(
    client(key).chat.completions.create({ model: model('up/gpt-4o', key, 'status=429', 'code=rate_limit_exceeded', 'retry=33'), messages }),
    (error) => error instanceof OpenAI.RateLimitError && error.code === 'rate_limit_exceeded' &&
      error.headers.get('retry-after') === '33' && error.requestID === key,
  );
});

test('the client does not retry what Weir has retried', async () => {
  const key = named();
  await assert.rejects(
    client(key, { maxRetries: 2 }).chat.completions.create({ model: model('up/gpt-4o', key, 'status=500'), messages }),
    OpenAI.InternalServerError,
  );
  assert.equal((await server.upstream(key)).length, 3);
});

test('a cut stream throws', async () => {
  const key = named();
  const stream = await client(key).chat.completions.create({
    model: model('up/gpt-4o', key, 'chunks=6', 'cut', 'after=2'), messages, stream: true,
  });
  await assert.rejects(async () => { for await (const _ of stream); }, OpenAI.APIError);
  assert.equal((await server.call(key)).status, 'error');
});

test('aborting a stream cancels the upstream', async () => {
  const key = named();
  const stream = await client(key).chat.completions.create({
    model: model('up/gpt-4o', key, 'chunks=2000', 'delay=10'), messages, stream: true,
  });
  let count = 0;
  for await (const _ of stream) if (++count === 5) break;
  await eventually('the upstream is left', async () => (await server.upstream(key))[0].disconnected, 3000);
  const call = await server.call(key);
  assert.equal(call.status, 'cancelled');
  assert.ok(call.tokens.completion > 0);
});

test('aborting a plain request cancels the upstream', async () => {
  const key = named();
  const control = new AbortController();
  const asked = client(key).chat.completions.create({ model: model('up/gpt-4o', key, 'first=20000'), messages }, { signal: control.signal });
  await eventually('the request is upstream', async () => (await server.upstream(key)).length === 1);
  control.abort();
  await assert.rejects(asked, OpenAI.APIUserAbortError);
  await eventually('the upstream is left', async () => (await server.upstream(key))[0].disconnected, 3000);
  assert.equal((await server.call(key)).status, 'cancelled');
});

test('embeddings come as numbers', async () => {
  const key = named();
  const answer = await client(key).embeddings.create({ model: model('up/text-embedding-3-small', key), input: ['a b', 'c'], dimensions: 16 });
  assert.deepEqual(answer.data.map((d) => d.embedding.length), [16, 16]);
});

test('responses are streamed', async () => {
  const key = named();
  const stream = await client(key).responses.create({ model: model('up/gpt-4o', key, 'chunks=3'), input: 'hello', stream: true });
  let text = '', last;
  for await (const event of stream) {
    if (event.type === 'response.output_text.delta') text += event.delta;
    last = event.type;
  }
  assert.equal(text, 'w0 w1 w2');
  assert.equal(last, 'response.completed');
});

test('the OpenAI client over an Anthropic upstream', async () => {
  const key = named();
  const stream = await client(key).chat.completions.create({
    model: model('claude/claude-sonnet-4-5', key, 'chunks=3', 'usage=30:7'), messages, stream: true, stream_options: { include_usage: true },
  });
  let text = '', usage;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta?.content ?? '';
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, 'w0 w1 w2');
  assert.equal(usage.prompt_tokens, 30);
});

test('the models are listed', async () => {
  const ids = [];
  for await (const entry of client(named()).models.list()) ids.push(entry.id);
  assert.ok(ids.some((id) => id.startsWith('demo/')));
});
