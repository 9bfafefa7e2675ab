// The programs under test: started on ports from the system, ended by their process id.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const root = path.resolve(import.meta.dirname, '..', '..');
const bin = process.env.WEIR_BIN_DIR ?? path.join(root, 'target', 'debug');
const environment = { PATH: process.env.PATH, HOME: process.env.HOME, NO_COLOR: '1' };

async function start(program, args, ready) {
  const child = spawn(path.join(bin, program), args, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  const address = await new Promise((resolve, reject) => {
    const look = (piece) => {
      log += piece;
      const found = ready.exec(log);
      if (found) resolve(found[1]);
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${program} ended with ${code}:\n${log}`)));
  });
  return { child, address };
}

async function stop(child) {
  if (child.exitCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

/** Starts the fake provider and Weir in front of it. */
export async function serve() {
  const folder = await mkdtemp(path.join(tmpdir(), 'weir-js-'));
  const fake = await start('weir-fake-provider', [], /listening on (http:\S+)/);
  const config = path.join(folder, 'weir.toml');
  await writeFile(
    config,
    `[providers.up]\nkind = "openai"\nbase_url = "${fake.address}/v1"\napi_key = "sk-upstream"\n` +
      `[providers.claude]\nkind = "anthropic"\nbase_url = "${fake.address}"\napi_key = "sk-ant"\n`,
  );
  const args = ['serve', '--config', config, '--listen', '127.0.0.1:0', '--data', path.join(folder, 'data')];
  const weir = await start('weir', args, /weir is ready address=(\S+)/);
  const url = `http://${weir.address}`;
  return {
    url,
    fake: fake.address,
    /** The record of a request id; waits until it is there. */
    async call(id) {
      return eventually(`call ${id}`, async () => {
        const answer = await fetch(`${url}/api/v1/calls/${id}`);
        return answer.ok ? answer.json() : undefined;
      });
    },
    /** What the fake provider got for a key. */
    async upstream(key) {
      return (await fetch(`${fake.address}/__fake/requests?key=${key}`)).json();
    },
    async stop() {
      await stop(weir.child);
      await stop(fake.child);
      await rm(folder, { recursive: true });
    },
  };
}

/** Asks until the answer is there; fails when time is up. */
export async function eventually(what, ask, ms = 10_000) {
  const deadline = Date.now() + ms;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`);
    await pause(20);
  }
}
