// The unmodified npm `@anthropic-ai/sdk` client through Weir, over both kinds of upstream.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { serve } from './server.mjs';

const messages = [{ role: 'user', content: 'hello there' }];
const tools = [{ name: 'get_weather', input_schema: { type: 'object', properties: {} } }];
let server;
before(async () => { server = await serve(); });
after(async () => { await server.stop(); });

const client = (id) =>
  new Anthropic({ baseURL: server.url, apiKey: 'x', maxRetries: 0, defaultHeaders: { 'x-request-id': id } });

for (const upstream of ['claude/claude-sonnet-4-5', 'up/gpt-4o']) {
  const ask = (...words) => {
    const key = randomUUID().slice(0, 13);
    return { key, body: { model: `${upstream}!${[`key=${key}`, ...words].join(',')}`, max_tokens: 100, messages } };
  };

  test(`${upstream}: a plain message`, async () => {
    const { key, body } = ask('usage=30:7');
    const answer = await client(key).messages.create(body);
    assert.match(answer.content[0].text, /^The river keeps/);
    assert.equal(answer.stop_reason, 'end_turn');
    assert.equal(answer.usage.input_tokens, 30);
    assert.equal(answer._request_id, key);
    assert.equal((await server.call(key)).tokens.completion, 7);
  });

  test(`${upstream}: a streamed message`, async () => {
    const { key, body } = ask('chunks=4');
    const stream = client(key).messages.stream(body);
    const final = await stream.finalMessage();
    assert.equal(final.content[0].text, 'w0 w1 w2 w3');
    assert.equal((await server.call(key)).status, 'success');
  });

  test(`${upstream}: streamed tools`, async () => {
    const { key, body } = ask('tools');
    const final = await client(key).messages.stream({ ...body, tools }).finalMessage();
    assert.equal(final.content.filter((b) => b.type === 'tool_use').length, 2);
    assert.equal(final.stop_reason, 'tool_use');
  });

  test(`${upstream}: an error in its own form`, async () => {
    const { key, body } = ask('status=401');
    await assert.rejects(client(key).messages.create(body), (error) =>
      error instanceof Anthropic.AuthenticationError && error.error.type === 'error' && error.requestID === key);
  });

  test(`${upstream}: a truncated stream throws`, async () => {
    const { key, body } = ask('chunks=6', 'truncate', 'after=2');
    await assert.rejects(client(key).messages.stream(body).finalMessage(), Anthropic.APIError);
    assert.equal((await server.call(key)).status, 'error');
  });
}

test('tokens are counted', async () => {
  const { input_tokens } = await client('c').messages.countTokens({ model: 'claude/claude-sonnet-4-5', messages, tools });
  assert.ok(input_tokens > 0);
});
