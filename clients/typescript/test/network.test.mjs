/** What a network and its proxies do to a connection, between the client and a real gateway whose ping interval is short: it comes in the environment. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect as dial, createServer } from 'node:net';
import { after, test as declare } from 'node:test';
import { ChatClient } from '../dist/index.js';

const gateway = process.env.KONSTRUCT_GATEWAY_PING;
const interval = Number(process.env.KONSTRUCT_PING_MS);
const test = (name, body) => declare(name, { timeout: 60_000, skip: gateway ? false : 'needs a gateway: dotnet test starts one' }, body);
const open = [];
after(() => open.forEach(close => close()));

/** A TCP proxy that can drop all bytes without closing, or end a connection with a close frame of its own. */
async function proxy() {
  const pairs = [];
  const server = createServer(inner => {
    const outer = dial(new URL(gateway).port, '127.0.0.1');
    const pair = { inner, outer, drops: false };
    pairs.push(pair);
    inner.on('data', data => pair.drops || outer.write(data));
    outer.on('data', data => pair.drops || inner.write(data));
    for (const [one, other] of [[inner, outer], [outer, inner]]) {
      one.on('error', () => {});
      one.on('close', () => pair.drops || other.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => server.close(), () => pairs.forEach(({ inner, outer }) => (inner.destroy(), outer.destroy())));
  return { port: server.address().port, pairs };
}

function chat(port) {
  const client = new ChatClient({
    url: `http://127.0.0.1:${port}`,
    conversationId: randomUUID(),
    agentId: '30000000-0000-4000-8000-000000000001',
    credentials: { userId: randomUUID(), tenantId: randomUUID() },
    minBackoff: 50,
  });
  open.push(() => client.close());
  client.connect();
  return client;
}

function until(client, type, fits) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`No such ${type} within 30 s; the client is ${client.state}.`)), 30_000);
    const stop = client.on(type, event => {
      if (!fits(event)) return;
      stop();
      clearTimeout(timer);
      resolve(event);
    });
  });
}

const words = turn => turn.text.trim().split(' ').length;

test('a connection that loses all bytes while an answer streams is noticed within the ping interval, and the answer is whole', async () => {
  const network = await proxy();
  const client = chat(network.port);
  const turn = client.send('/stream tokens=60 rate=10 delay=0');
  await until(client, 'update', () => turn.seq >= 5);
  const [pair] = network.pairs;
  const noticed = until(client, 'state', change => change.state === 'waiting');
  const begun = performance.now();
  pair.drops = true;
  const { error } = await noticed;
  const seconds = (performance.now() - begun) / 1000;
  console.log(`noticed after ${seconds.toFixed(1)} s with an interval of ${interval / 1000} s`);
  assert.equal(error.code, 'connection_lost');
  assert.ok(seconds < interval / 1000 + 1, `${seconds} s`);
  assert.equal((await turn.ended).status, 'completed');
  assert.equal(words(turn), 60);
});

test('a message that is sent into a dead connection is sent again and answered', async () => {
  const network = await proxy();
  const client = chat(network.port);
  await until(client, 'state', change => change.state === 'open');
  network.pairs[0].drops = true;
  const turn = client.send('/burst 3');
  assert.equal((await turn.ended).status, 'completed');
  assert.equal(network.pairs.length, 2);
});

test('a connection that is silent and alive stays', async () => {
  const network = await proxy();
  const client = chat(network.port);
  const turn = client.send('/silent');
  let pongs = 0;
  await until(client, 'frame', ({ frame }) => frame.type === 'pong' && ++pongs === 4);
  assert.deepEqual([client.state, turn.status, network.pairs.length], ['open', 'answering', 1]);
  turn.cancel();
  assert.equal((await turn.ended).status, 'cancelled');
});

test('a close 1000 of a proxy in the middle of an answer is not its end', async () => {
  const network = await proxy();
  const client = chat(network.port);
  const turn = client.send('/stream tokens=40 rate=20 delay=0');
  await until(client, 'update', () => turn.seq >= 5);
  const [{ inner, outer }] = network.pairs;
  outer.removeAllListeners('data');
  inner.end(Buffer.from([0x88, 2, 0x03, 0xe8]));
  assert.equal((await until(client, 'state', change => change.state === 'waiting')).code, 1000);
  assert.equal((await turn.ended).status, 'completed');
  assert.equal(words(turn), 40);
});

test('NUL, half a pair and an id with both are stored and answered', async () => {
  const client = chat(new URL(gateway).port);
  const turn = client.send('nul \0 and \ud800 inside', { messageId: `\0\ud800${randomUUID()}`, displayName: '\0' });
  assert.equal((await turn.ended).status, 'completed');
});
