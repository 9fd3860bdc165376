/** The client against a real gateway, orchestrator and stores, which `dotnet test` starts: addresses and keys come in the environment. */
import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { after, test as declare } from 'node:test';
import { ChatClient } from '../dist/index.js';

const trusted = process.env.KONSTRUCT_GATEWAY;
const withTokens = process.env.KONSTRUCT_GATEWAY_JWT;
const signingKey = process.env.KONSTRUCT_SIGNING_KEY;
const agentId = '30000000-0000-4000-8000-000000000001';
const limit = 60_000;
const open = [];
after(() => open.forEach(client => client.close()));

const someone = () => ({ userId: randomUUID(), tenantId: randomUUID(), role: 'member' });

function connect(options = {}) {
  const client = new ChatClient({ url: trusted, conversationId: randomUUID(), agentId, credentials: someone(), minBackoff: 50, ...options });
  open.push(client);
  client.connect();
  return client;
}

/** The first event that fits; fails at the limit. */
function next(client, type, fits = () => true) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`No such ${type} within ${limit} ms; the client is ${client.state}.`)), limit);
    const stop = client.on(type, event => {
      if (!fits(event)) return;
      stop();
      clearTimeout(timer);
      resolve(event);
    });
  });
}

async function read(turn) {
  let joined = '';
  let steps = 0;
  for await (const { delta, replaced } of turn) {
    assert.equal(replaced, false, 'the answer was begun anew');
    joined += delta;
    steps++;
  }
  assert.equal(joined, turn.text);
  return { steps, text: joined };
}

/** Ends a socket as a network does, that is without a close code: whoever listens hears 1006. */
function cut(socket) {
  const { onclose } = socket;
  socket.onclose = null;
  socket.onmessage = null;
  socket.close();
  onclose({ code: 1006 });
}

/** A WebSocket class whose sockets a test can break. */
function breakable() {
  const sockets = [];
  class Breakable extends WebSocket {
    constructor(...args) {
      super(...args);
      sockets.push(this);
    }
  }
  return { Breakable, sockets };
}

async function stored(person, conversationId) {
  const headers = { 'X-User-Id': person.userId, 'X-Tenant-Id': person.tenantId };
  const response = await fetch(`${trusted}/chat/conversations/${conversationId}/messages`, { headers });
  return (await response.json()).items;
}

const test = (name, body) => declare(name, { timeout: limit, skip: trusted ? false : 'needs gateways: dotnet test starts them' }, body);

test('an answer, as it comes and at its end', async () => {
  const client = connect();
  const turn = client.send('/stream tokens=20 rate=100 delay=0');
  assert.equal(turn.status, 'sending');
  const { steps, text } = await read(turn);
  assert.ok(steps > 1, 'it came in one piece');
  assert.equal(text.trim().split(' ').length, 20);
  assert.deepEqual([turn.status, turn.attempt, turn.seq], ['completed', 1, 20]);
  assert.match(turn.id, /^[0-9a-f-]{36}$/);
});

test('text of every width and direction', async () => {
  const turn = await connect().send('/unicode rate=0 delay=0').ended;
  assert.ok(turn.text.includes('👩‍👩‍👧‍👦 ') && turn.text.includes('مرحبا ') && turn.text.includes('"quoted" back\\slash ') && turn.text.includes('\u0001'));
});

test('cancel, while it is answered and before anything came', async () => {
  const client = connect();
  const turn = client.send('/stream tokens=100000 rate=20 delay=0');
  await next(client, 'update', updated => updated.seq >= 3);
  turn.cancel();
  assert.equal((await turn.ended).status, 'cancelled');
  assert.ok(turn.text.length > 0);

  const silent = client.send('/silent');
  silent.cancel();
  assert.deepEqual([(await silent.ended).status, silent.text], ['cancelled', '']);
});

test('a failed answer keeps what there is', async () => {
  const turn = await connect().send('/fail 5 rate=0 delay=0').ended;
  assert.equal(turn.status, 'failed');
  assert.equal(turn.text.trim().split(' ').length, 5);
});

test('a connection that breaks in the middle of an answer is made again, without a gap or a repetition', async () => {
  const { Breakable, sockets } = breakable();
  const client = connect({ WebSocket: Breakable });
  const turn = client.send('/stream tokens=60 rate=40 delay=0');
  const reading = read(turn);
  for (const seq of [10, 20, 30]) {
    await next(client, 'update', () => turn.seq >= seq);
    cut(sockets.at(-1));
  }
  const { text } = await reading;
  assert.equal(text.trim().split(' ').length, 60);
  assert.equal(sockets.length, 4);
  assert.deepEqual([turn.status, turn.seq], ['completed', 60]);
});

test('a message whose acknowledgement was lost is sent again and answered once', async () => {
  const person = someone();
  const conversationId = randomUUID();
  const sockets = [];
  class Deaf extends WebSocket {
    constructor(...args) {
      super(...args);
      sockets.push(this);
    }

    set onmessage(listener) {
      super.onmessage = listener && (event => {
        // The first acknowledgement does not arrive, nor does anything after it.
        if (this === sockets[0] && JSON.parse(event.data).type === 'typing') cut(this);
        else listener(event);
      });
    }
  }
  const client = connect({ WebSocket: Deaf, credentials: person, conversationId });
  const turns = [];
  client.on('turn', turn => turns.push(turn));
  const turn = client.send('/stream tokens=10 rate=100 delay=100');
  assert.equal((await turn.ended).status, 'completed');
  assert.equal(turn.text.trim().split(' ').length, 10);
  assert.equal(sockets.length, 2);
  assert.deepEqual(turns, [turn], 'its own turn is not another tab\'s');
  assert.equal((await stored(person, conversationId)).length, 2);
});

test('two clients of a conversation are in step, and a third finds what runs and what has ended', async () => {
  const person = someone();
  const conversationId = randomUUID();
  const first = connect({ credentials: person, conversationId });
  const second = connect({ credentials: person, conversationId });
  await Promise.all([next(first, 'state', change => change.state === 'open'), next(second, 'state', change => change.state === 'open')]);
  const heard = next(second, 'turn');
  const mine = first.send('/stream tokens=40 rate=40 delay=0');
  const theirs = await heard;
  assert.deepEqual([theirs.mine, theirs.id !== undefined], [false, true]);
  await next(second, 'update', turn => turn.seq >= 5);

  const third = connect({ credentials: person, conversationId });
  const found = await next(third, 'turn');
  await Promise.all([mine.ended, theirs.ended, found.ended]);
  assert.equal(theirs.text, mine.text);
  assert.equal(found.text, mine.text);
  assert.equal(theirs.messageId, mine.messageId);

  const later = connect({ credentials: person, conversationId }).follow(mine.id);
  assert.deepEqual([(await later.ended).text, later.status], [mine.text, 'completed']);
});

test('in somebody else\'s conversation nothing is heard and nothing accepted', async () => {
  const conversationId = randomUUID();
  const first = connect({ conversationId });
  const secret = first.send('/stream tokens=40 rate=40 delay=0');
  await next(first, 'update', turn => turn.seq >= 3);
  const intruder = connect({ conversationId });
  const heard = [];
  intruder.on('turn', turn => heard.push(turn));
  const refused = intruder.send('/burst 1');
  assert.deepEqual([(await refused.ended).status, refused.error.code], ['refused', 'conversation_not_found']);
  await secret.ended;
  assert.deepEqual(heard, [refused]);
});

test('an address that is no conversation is refused, and not asked for again', async () => {
  const { Breakable, sockets } = breakable();
  const change = await next(connect({ conversationId: 'none', WebSocket: Breakable }), 'state', change => change.state === 'refused');
  assert.deepEqual([change.code, change.error.code, sockets.length], [4003, 'invalid_conversation_id', 1]);
});

test('credentials that are none are refused', async () => {
  const change = await next(connect({ credentials: { userId: 'nobody', tenantId: 'nowhere' } }), 'state', change => change.state === 'refused');
  assert.deepEqual([change.code, change.error.code], [4001, 'auth_invalid_id']);
});

const encode = part => Buffer.from(JSON.stringify(part)).toString('base64url');

function tokenFor(person, seconds) {
  const now = Date.now() / 1000;
  const claims = { sub: person.userId, tenant_id: person.tenantId, role: person.role, iss: 'konstruct-portal', aud: 'konstruct-chat', nbf: Math.floor(now) - 60, exp: now + seconds };
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${signed}.${createHmac('sha256', signingKey).update(signed).digest('base64url')}`;
}

test('a token that is about to expire is replaced on the same socket, in the middle of an answer', async () => {
  const person = someone();
  const { Breakable, sockets } = breakable();
  let given = 0;
  // Each lives for five seconds, and this gateway gives no grace.
  const client = connect({ url: withTokens, WebSocket: Breakable, credentials: () => (given++, { token: tokenFor(person, 5) }) });
  const turn = client.send('/stream tokens=160 rate=20 delay=0');
  assert.equal((await turn.ended).status, 'completed');
  assert.ok(given >= 2, `${given} tokens`);
  assert.equal(sockets.length, 1);
});

test('an expired token is refused; the provider\'s next one is taken', async () => {
  const person = someone();
  const expired = tokenFor(person, -3600);
  const change = await next(connect({ url: withTokens, credentials: { token: expired } }), 'state', change => change.state === 'refused');
  assert.deepEqual([change.code, change.error.code], [4001, 'auth_invalid_token']);

  let given = 0;
  const client = connect({ url: withTokens, credentials: async () => ({ token: given++ ? tokenFor(person, 600) : expired }) });
  assert.equal((await client.send('/burst 3').ended).status, 'completed');
  assert.equal(given, 2);
});
