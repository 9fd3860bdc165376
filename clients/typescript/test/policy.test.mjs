/** What the client decides by itself, against a gateway that is played: the code table, backoff, retries, refresh, and what it drops. */
import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { ChatClient, closeCodes } from '../dist/index.js';
import { FakeSocket, settled } from './fake-socket.mjs';

const who = { userId: 'u', tenantId: 't', role: 'member' };
let random = 1;

beforeEach(() => {
  FakeSocket.made = [];
  random = 1; // Math.random() is below 1: the longest pause, for all that matters.
  mock.restoreAll();
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 });
  mock.method(Math, 'random', () => random);
});

function make(options = {}) {
  const client = new ChatClient({ url: 'https://gateway.example', conversationId: 'c', agentId: 'a', credentials: who, WebSocket: FakeSocket, ...options });
  const states = [];
  client.on('state', change => states.push(change));
  return { client, states };
}

async function opened(options) {
  const made = make(options);
  made.client.connect();
  await settled();
  FakeSocket.last.opens();
  made.states.length = 0;
  return made;
}

async function pass(milliseconds) {
  mock.timers.tick(milliseconds);
  await settled();
}

test('offers version 2, shows the credentials first, and is open when the gateway is ready', async () => {
  const { client, states } = make();
  client.connect();
  await settled();
  const socket = FakeSocket.last;
  assert.equal(socket.url, 'wss://gateway.example/chat/ws/c');
  assert.equal(socket.protocol, 'konstruct.chat.v2');
  assert.deepEqual(socket.sent, []);
  socket.opens();
  assert.deepEqual(socket.sent, [{ type: 'auth', ...who }]);
  assert.deepEqual(states.map(change => change.state), ['connecting', 'open']);
});

test('honours every close code of the table', async () => {
  for (const [name, { code, again }] of Object.entries(closeCodes)) {
    const { client, states } = await opened({ minBackoff: 100, maxBackoff: 5000 });
    FakeSocket.last.ends(code);
    const expected = {
      no: { state: code === 1000 ? 'closed' : 'refused', code },
      credentials: { state: 'refused', code },
      backoff: { state: 'waiting', code, retryIn: 100 },
      soon: { state: 'waiting', code, retryIn: 1000 },
      later: { state: 'waiting', code, retryIn: 5000 },
    }[again];
    assert.deepEqual(states, [expected], name);
    const before = FakeSocket.made.length;
    await pass((expected.retryIn ?? 60_000) - 1);
    assert.equal(FakeSocket.made.length, before, `${name}: too early`);
    await pass(1);
    assert.equal(FakeSocket.made.length, before + (expected.retryIn ? 1 : 0), name);
    client.close();
  }
});

test('backs off: doubled each time, up to the limit, by chance between half of it and all', async () => {
  const { states } = await opened({ minBackoff: 100, maxBackoff: 1000 });
  for (let i = 0; i < 6; i++) {
    random = i % 2;
    FakeSocket.last.ends(1006);
    await pass(2000);
  }
  assert.deepEqual(states.filter(change => change.state === 'waiting').map(change => change.retryIn), [50, 200, 200, 800, 500, 1000]);
});

test('a connection that held begins the backoff anew, one that did not goes on with it', async () => {
  const { states } = await opened({ minBackoff: 100 });
  const waits = () => states.filter(change => change.state === 'waiting').map(change => change.retryIn);
  FakeSocket.last.ends(1011);
  await pass(100);
  FakeSocket.last.opens();
  FakeSocket.last.ends(1011);
  assert.deepEqual(waits(), [100, 200]);
  await pass(200);
  FakeSocket.last.opens();
  await pass(5000);
  FakeSocket.last.ends(1011);
  assert.deepEqual(waits(), [100, 200, 100]);
});

test('a connection that is never ready is given up', async () => {
  const { client, states } = make({ connectTimeout: 3000 });
  client.connect();
  await settled();
  FakeSocket.last.onopen({});
  await pass(3000);
  assert.equal(states.at(-1).state, 'waiting');
  assert.ok(FakeSocket.made[0].isClosed);
  FakeSocket.made[0].says({ type: 'ready', conversation_id: 'c', active: [] });
  assert.equal(client.state, 'waiting', 'what a dropped socket says is not heard');
});

test('refused credentials: others are tried once, the same never', async () => {
  const given = ['expired', 'fresh', 'expired', 'expired', 'bad', 'worse', 'never asked for'];
  let asked = 0;
  const { client, states } = make({ credentials: () => ({ token: given[asked++] }) });
  client.connect();
  await settled();
  FakeSocket.last.onopen({});
  FakeSocket.last.says({ type: 'error', code: 'auth_invalid_token', message: 'The token is not valid.', retryable: false });
  FakeSocket.last.ends(4001);
  await pass(250);
  FakeSocket.last.opens();
  assert.deepEqual(FakeSocket.last.sent[0], { type: 'auth', token: 'fresh' });

  FakeSocket.last.ends(4010); // 'expired' comes next, which differs from 'fresh'
  await pass(500);
  FakeSocket.last.onopen({});
  FakeSocket.last.ends(4001); // the second refusal in a row
  assert.equal(client.state, 'refused');
  await pass(60_000);
  assert.equal(asked, 3);

  client.connect(); // somebody asks for another try: 'expired', refused; then 'bad', refused
  await settled();
  FakeSocket.last.onopen({});
  FakeSocket.last.ends(4001);
  await pass(60_000);
  FakeSocket.last.onopen({});
  FakeSocket.last.says({ type: 'error', code: 'auth_invalid_token', message: 'The token is not valid.', retryable: false });
  FakeSocket.last.ends(4001);
  assert.equal(asked, 5);
  assert.equal(states.at(-1).state, 'refused');
  assert.equal(states.at(-1).error.code, 'auth_invalid_token');
});

test('a provider that hands out the refused token again is not asked for ever', async () => {
  const { client } = make({ credentials: () => ({ token: 'same' }) });
  client.connect();
  await settled();
  FakeSocket.last.onopen({});
  FakeSocket.last.ends(4001);
  await pass(60_000);
  assert.equal(client.state, 'refused');
  assert.equal(FakeSocket.made.length, 1, 'the same credentials are not shown twice');
});

test('a provider that fails is asked again, with backoff', async () => {
  let asked = 0;
  const { client, states } = make({ credentials: async () => (asked++ ? who : Promise.reject(new Error('the portal is down'))) });
  client.connect();
  await settled();
  assert.equal(states.at(-1).state, 'waiting');
  assert.equal(states.at(-1).error.message, 'the portal is down');
  await pass(250);
  FakeSocket.last.opens();
  assert.equal(client.state, 'open');
});

test('asks for fresh credentials before they expire, and shows them on the same socket', async () => {
  const token = seconds => `x.${Buffer.from(JSON.stringify({ exp: (Date.now() / 1000) + seconds })).toString('base64url')}.x`;
  let asked = 0;
  const { client } = await opened({ credentials: () => (asked++, { token: token(600) }) });
  await pass(569_999);
  assert.equal(asked, 1);
  await pass(1);
  assert.equal(asked, 2);
  assert.deepEqual(FakeSocket.last.sent.map(frame => frame.type), ['auth', 'auth']);
  await pass(570_000);
  assert.equal(asked, 3);
  assert.equal(FakeSocket.made.length, 1);
  client.close();
  await pass(600_000);
  assert.equal(asked, 3);
});

test('a short life is refreshed after four fifths of it, and expiresAt counts for opaque tokens', async () => {
  let asked = 0;
  await opened({ credentials: () => ({ token: `opaque ${asked++}`, expiresAt: Date.now() + 10_000 }) });
  await pass(7_999);
  assert.equal(asked, 1);
  await pass(1);
  assert.equal(asked, 2);
  assert.deepEqual(FakeSocket.last.sent.at(-1), { type: 'auth', token: 'opaque 1' }, 'expiresAt is the client\'s own');
});

test('drops what it has already, starts again at a reset, and ignores an attempt that was abandoned', async () => {
  const { client } = await opened();
  const turn = client.send('Hello', { messageId: 'm' });
  const gateway = FakeSocket.last;
  const chunk = (text, seq, attempt = 1) => gateway.says({ type: 'chunk', text, turn_id: 'T', attempt, seq });
  gateway.says({ type: 'typing', turn_id: 'T', message_id: 'm' });
  chunk('a', 1);
  chunk('b', 2);
  chunk('b', 2);
  chunk('a', 1);
  assert.equal(turn.text, 'ab');
  gateway.says({ type: 'reset', turn_id: 'T', attempt: 2 });
  assert.equal(turn.text, '');
  chunk('c', 3, 1);
  chunk('x', 1, 2);
  chunk('y', 2, 2);
  assert.equal(turn.text, 'xy');
  gateway.says({ type: 'done', text: 'xyz', conversation_id: 'c', turn_id: 'T', attempt: 2, reason: 'completed' });
  assert.deepEqual([turn.text, turn.status, await turn.ended], ['xyz', 'completed', turn]);
  chunk('late', 3, 2);
  assert.equal(turn.text, 'xyz');
});

test('after a reconnect it resumes after the last seq, and sends again what was not acknowledged', async () => {
  const { client } = await opened();
  client.send('one', { messageId: 'm1' });
  client.send('two', { messageId: 'm2' });
  FakeSocket.last.says({ type: 'typing', turn_id: 'T1', message_id: 'm1' });
  FakeSocket.last.says({ type: 'chunk', text: 'a', turn_id: 'T1', attempt: 1, seq: 1 });
  FakeSocket.last.ends(1006);
  const three = client.send('three', { messageId: 'm3' });
  three.cancel();
  await pass(250);
  FakeSocket.last.opens({ turn_id: 'T1', attempt: 1, seq: 5 });
  assert.deepEqual(FakeSocket.last.sent.slice(1), [
    { type: 'resume', turnId: 'T1', attempt: 1, after: 1 },
    { type: 'message', text: 'two', agentId: 'a', messageId: 'm2' },
  ]);
  assert.equal(three.status, 'cancelled', 'what was never sent needs no gateway to be cancelled');
});

test('a running turn that is the answer to a message whose acknowledgement was lost is not taken for another tab\'s', async () => {
  const { client } = await opened();
  const turns = [];
  client.on('turn', turn => turns.push(turn));
  const mine = client.send('Hello', { messageId: 'm' });
  FakeSocket.last.ends(1006); // The gateway has it; its typing did not arrive.
  await pass(250);
  FakeSocket.last.opens({ turn_id: 'T', attempt: 1, seq: 3 }, { turn_id: 'Other', attempt: 1, seq: 9 });
  FakeSocket.last.says({ type: 'typing', turn_id: 'T', message_id: 'm' });
  assert.equal(mine.id, 'T');
  assert.deepEqual(turns.map(turn => turn.id), ['T', 'Other']);
  assert.deepEqual(FakeSocket.last.sent.filter(frame => frame.type === 'resume'), [{ type: 'resume', turnId: 'Other', attempt: 0, after: 0 }]);
});

test('a message that is refused for now is sent again, after what the gateway asks for, and not for ever', async () => {
  const { client } = await opened({ retries: 2, minBackoff: 100 });
  const turn = client.send('Hello', { messageId: 'm' });
  const gateway = FakeSocket.last;
  const count = () => gateway.sent.filter(frame => frame.type === 'message').length;
  const refuse = () => gateway.says({ type: 'error', code: 'too_many_messages', message: 'Too many.', retryable: true, message_id: 'm', retry_after_ms: 3000 });
  refuse();
  assert.equal(turn.status, 'sending');
  assert.equal(turn.error.code, 'too_many_messages');
  await pass(3099);
  assert.equal(count(), 1);
  await pass(1);
  assert.equal(count(), 2);
  refuse();
  await pass(3200);
  assert.equal(count(), 3);
  refuse();
  assert.equal(turn.status, 'refused');
  await pass(60_000);
  assert.equal(count(), 3);
});

test('a message that is refused for good ends so', async () => {
  const { client } = await opened();
  const turn = client.send('', { messageId: 'm' });
  FakeSocket.last.says({ type: 'error', code: 'empty_text', message: 'The message has no text.', retryable: false, message_id: 'm' });
  assert.equal((await turn.ended).status, 'refused');
  assert.equal(turn.error.code, 'empty_text');
  FakeSocket.last.ends(1006);
  await pass(250);
  FakeSocket.last.opens();
  assert.deepEqual(FakeSocket.last.sent.map(frame => frame.type), ['auth'], 'it is not sent again');
});

test('1009 takes the biggest message with it, and no other', async () => {
  const { client } = await opened();
  const small = client.send('small');
  const big = client.send('x'.repeat(100_000));
  FakeSocket.last.ends(1009);
  assert.deepEqual([small.status, big.status], ['sending', 'refused']);
  await pass(250);
  FakeSocket.last.opens();
  assert.deepEqual(FakeSocket.last.sent.filter(frame => frame.type === 'message').map(frame => frame.text), ['small']);
});

test('a reader that is slow gets bigger steps, and is told when the text does not go on from what it has', async () => {
  const { client } = await opened();
  const turn = client.send('Hello', { messageId: 'm' });
  const gateway = FakeSocket.last;
  gateway.says({ type: 'typing', turn_id: 'T', message_id: 'm' });
  const steps = turn[Symbol.asyncIterator]();
  const chunk = (text, seq, attempt = 1) => gateway.says({ type: 'chunk', text, turn_id: 'T', attempt, seq });
  const first = steps.next();
  chunk('a', 1);
  assert.deepEqual((await first).value, { text: 'a', delta: 'a', replaced: false });
  chunk('b', 2);
  chunk('c', 3);
  assert.deepEqual((await steps.next()).value, { text: 'abc', delta: 'bc', replaced: false });
  gateway.says({ type: 'reset', turn_id: 'T', attempt: 2 });
  chunk('z', 1, 2);
  assert.deepEqual((await steps.next()).value, { text: 'z', delta: 'z', replaced: true });
  gateway.says({ type: 'done', text: 'zz', conversation_id: 'c', turn_id: 'T', attempt: 2, reason: 'completed' });
  assert.deepEqual((await steps.next()).value, { text: 'zz', delta: 'z', replaced: false });
  assert.equal((await steps.next()).done, true);
});

test('close leaves nothing behind: no timer that connects, no reader that waits', async () => {
  const { client } = await opened();
  const turn = client.send('Hello');
  const texts = (async () => {
    const all = [];
    for await (const { text } of turn) all.push(text);
    return all;
  })();
  FakeSocket.last.ends(1006);
  client.close();
  assert.equal((await turn.ended).status, 'left');
  assert.deepEqual(await texts, []);
  await pass(60_000);
  assert.equal(FakeSocket.made.length, 1);
});

test('a listener that was taken away hears nothing', async () => {
  const { client } = await opened();
  const heard = [];
  const stop = client.on('turn', turn => heard.push(turn));
  client.send('one');
  stop();
  client.send('two');
  assert.equal(heard.length, 1);
});
