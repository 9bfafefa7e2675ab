// Files and batches with the unmodified npm `openai` client.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI, { toFile } from 'openai';
import { eventually, serve } from './server.mjs';

let server;
let client;
before(async () => {
  server = await serve();
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'x', maxRetries: 0 });
});
after(async () => { await server.stop(); });

const line = (id, model) => JSON.stringify({
  custom_id: id, method: 'POST', url: '/v1/embeddings', body: { model, input: `text of ${id}` },
});

test('a batch from its upload to its results', async () => {
  const text = ['a', 'b', 'c'].map((id) => line(id, 'up/text-embedding-3-small')).join('\n');
  const file = await client.files.create({ file: await toFile(Buffer.from(text), 'in.jsonl'), purpose: 'batch' });
  const made = await client.batches.create({
    input_file_id: file.id, endpoint: '/v1/embeddings', completion_window: '24h', metadata: { name: 'js' },
  });
  assert.equal(made.status, 'validating');
  const batch = await eventually('the batch has ended', async () => {
    const found = await client.batches.retrieve(made.id);
    return found.completed_at ? found : undefined;
  });
  assert.deepEqual(batch.request_counts, { total: 3, completed: 3, failed: 0 });
  const output = await (await client.files.content(batch.output_file_id)).text();
  const lines = output.trimEnd().split('\n').map((l) => JSON.parse(l));
  assert.deepEqual(lines.map((l) => l.custom_id).sort(), ['a', 'b', 'c']);
  assert.ok(lines.every((l) => l.response.body.data[0].embedding.length > 0));
  const listed = [];
  for await (const found of client.files.list({ limit: 1 })) listed.push(found.id);
  assert.deepEqual(listed, [batch.output_file_id, file.id]);
  assert.equal((await client.batches.list()).data[0].id, batch.id);
  assert.ok((await client.files.delete(file.id)).deleted);
});

test('what is wrong is told', async () => {
  await assert.rejects(client.files.retrieve('file-0'), OpenAI.NotFoundError);
  await assert.rejects(client.batches.cancel('batch_0'), OpenAI.NotFoundError);
  const wrong = { input_file_id: 'file-0', endpoint: '/v1/chat/completions', completion_window: '7d' };
  await assert.rejects(client.batches.create(wrong), (error) => error.param === 'completion_window');
});
