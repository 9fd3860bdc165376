/** Every wait ends: each state has a limit or a heartbeat, each refusal ends its message, and nothing of the network or the platform throws into the user's code. */
import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { ChatClient, ChatError } from '../dist/index.js';
import { FakeSocket, settled } from './fake-socket.mjs';

const who = { userId: 'u', tenantId: 't' };

beforeEach(() => {
  FakeSocket.made = [];
  mock.restoreAll();
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 });
  mock.method(Math, 'random', () => 1);
});

function make(options = {}) {
  const client = new ChatClient({ url: 'https://gateway.example', conversationId: 'c', agentId: 'a', credentials: who, WebSocket: FakeSocket, ...options });
  const errors = [];
  client.on('error', error => errors.push(error));
  return { client, errors };
}

async function opened(options, pingMs) {
  const made = make(options);
  made.client.connect();
  await settled();
  FakeSocket.last.onopen({});
  FakeSocket.last.says({ type: 'ready', conversation_id: 'c', active: [], ...(pingMs && { ping_ms: pingMs }) });
  return made;
}

async function pass(milliseconds) {
  mock.timers.tick(milliseconds);
  await settled();
}

/** A turn in the middle of its answer. */
function answering(client) {
  const turn = client.send('Hello', { messageId: 'm' });
  FakeSocket.last.says({ type: 'typing', turn_id: 'T', message_id: 'm' });
  FakeSocket.last.says({ type: 'chunk', text: 'a', turn_id: 'T', attempt: 1, seq: 1 });
  return turn;
}

const sent = type => FakeSocket.last.sent.filter(frame => frame.type === type);

test('silence for half of the ping interval is asked about, silence for all of it is a lost connection', async () => {
  const { client } = await opened({}, 20_000);
  answering(client);
  await pass(9_999);
  assert.equal(sent('ping').length, 0);
  await pass(1);
  assert.equal(sent('ping').length, 1);
  await pass(9_999);
  assert.equal(client.state, 'open');
  await pass(1);
  assert.equal(client.state, 'waiting');
  assert.equal(client.stateChange.error.code, 'connection_lost');
  await pass(250);
  FakeSocket.last.opens({ turn_id: 'T', attempt: 1, seq: 1 });
  assert.deepEqual(sent('resume'), [{ type: 'resume', turnId: 'T', attempt: 1, after: 1 }]);
});

test('any frame is a sign of life, and a gateway that names no interval is not asked', async () => {
  const { client } = await opened({}, 20_000);
  for (let i = 0; i < 5; i++) {
    await pass(15_000);
    FakeSocket.last.says({ type: i % 2 ? 'pong' : 'typing', turn_id: 'T' });
  }
  assert.equal(client.state, 'open');
  const old = await opened();
  await pass(600_000);
  assert.deepEqual([old.client.state, sent('ping').length], ['open', 0]);
});

for (const code of [1000, 1001, 1005]) {
  test(`a close ${code} that the client did not ask for is not the end of an answer`, async () => {
    const { client } = await opened();
    const turn = answering(client);
    FakeSocket.last.ends(code);
    assert.deepEqual([client.state, turn.status], ['waiting', 'answering']);
    await pass(250);
    FakeSocket.last.opens({ turn_id: 'T', attempt: 1, seq: 1 });
    FakeSocket.last.says({ type: 'done', text: 'ab', conversation_id: 'c', turn_id: 'T', attempt: 1, reason: 'completed' });
    assert.deepEqual([turn.status, turn.text], ['completed', 'ab']);
  });
}

const invalid = ['not json', '', 'null', '7', '[]', '{}', '{"type":"ready"}', '{"type":"ready","active":[null]}', '{"type":"chunk","text":"x"}',
  '{"type":"done","turn_id":"T","text":7}', '{"type":"typing"}', '{"type":"error"}', new Uint8Array([1, 2])];
for (const data of invalid) {
  test(`an invalid frame is an event and a reconnect: ${data}`, async () => {
    const { client, errors } = await opened();
    const turn = answering(client);
    FakeSocket.last.onmessage({ data });
    assert.deepEqual(errors.map(error => error.code), ['invalid_frame']);
    assert.deepEqual([client.state, turn.status, turn.text], ['waiting', 'answering', 'a']);
    await pass(250);
    FakeSocket.last.opens({ turn_id: 'T', attempt: 1, seq: 1 });
    assert.equal(sent('resume').length, 1);
  });
}

test('a frame of a later gateway is ignored', async () => {
  const { client, errors } = await opened();
  FakeSocket.last.says({ type: 'weather', sky: 'blue' });
  assert.deepEqual([client.state, errors], ['open', []]);
});

test('a listener that throws stops neither the others nor the client', async () => {
  const reported = [];
  mock.method(globalThis, 'queueMicrotask', report => reported.push(report));
  const { client } = await opened();
  const heard = [];
  client.on('update', () => {
    throw new Error('a bug of the page');
  });
  client.on('update', turn => heard.push(turn.text));
  const turn = answering(client);
  assert.deepEqual([turn.text, heard.at(-1)], ['a', 'a']);
  assert.throws(reported[0], /a bug of the page/);
});

test('without a WebSocket class it says so once', async () => {
  const { WebSocket } = globalThis;
  globalThis.WebSocket = undefined;
  try {
    const { client } = make({ WebSocket: undefined });
    const states = [];
    client.on('state', change => states.push(change.state));
    const turn = client.send('Hello');
    client.connect();
    await settled();
    assert.deepEqual(states, ['connecting', 'refused']);
    assert.equal(client.stateChange.error.code, 'no_websocket');
    assert.match(client.stateChange.error.message, /option WebSocket/);
    assert.deepEqual([turn.status, (await turn.ended).error.code], ['refused', 'no_websocket']);
    await pass(600_000);
    assert.equal(states.length, 2);
  } finally {
    globalThis.WebSocket = WebSocket;
  }
});

test('an address that the platform refuses is not asked for again', async () => {
  class Insecure {
    constructor() {
      throw new DOMException('An insecure WebSocket connection may not be initiated from a page loaded over HTTPS.', 'SecurityError');
    }
  }
  const { client } = make({ WebSocket: Insecure });
  client.connect();
  await settled();
  assert.equal(client.state, 'refused');
  assert.match(client.stateChange.error.message, /insecure/);
});

test('credentials that do not come are waited for as long as a connection', async () => {
  const { client } = make({ credentials: () => new Promise(() => {}), connectTimeout: 3_000 });
  client.connect();
  await pass(2_999);
  assert.equal(client.state, 'connecting');
  await pass(1);
  assert.deepEqual([client.state, client.stateChange.error.code], ['waiting', 'connect_timeout']);
});

test('credentials that are nothing are an error that the state shows', async () => {
  const { client } = make({ credentials: () => undefined });
  client.connect();
  await settled();
  assert.equal(client.state, 'waiting');
  assert.match(client.stateChange.error.message, /returned nothing/);
});

test('a refused client leaves no turn waiting, and takes none until it is told to connect', async () => {
  const { client } = await opened();
  const running = answering(client);
  const written = client.send('unsure');
  FakeSocket.last.ends(1006);
  const unsent = client.send('unsent');
  await pass(250);
  FakeSocket.last.onopen({});
  FakeSocket.last.says({ type: 'error', code: 'auth_invalid_token', message: 'The token is not valid.', retryable: false });
  FakeSocket.last.ends(4001);
  assert.deepEqual([running.status, written.status, unsent.status], ['left', 'left', 'refused']);
  assert.equal(unsent.error.code, 'auth_invalid_token');
  const late = client.send('late');
  assert.deepEqual([late.status, late.error.code, client.follow('X').status], ['refused', 'auth_invalid_token', 'left']);

  client.connect();
  await settled();
  FakeSocket.last.opens();
  client.send('again', { messageId: 'again' });
  assert.deepEqual(sent('message').map(frame => frame.text), ['again']);
});

test('1009 takes the message with the most bytes, not the one with the most characters', async () => {
  const { client } = await opened();
  const long = client.send('x'.repeat(60_000));
  const big = client.send('語'.repeat(30_000));
  FakeSocket.last.ends(1009);
  assert.deepEqual([long.status, big.status, big.error.code], ['sending', 'refused', 'frame_too_big']);
});

test('a message that makes the gateway fail is not sent for ever', async () => {
  const { client } = await opened({ retries: 2, maxBackoff: 1_000 });
  const turn = client.send('Hello');
  for (let i = 0; i < 3; i++) {
    assert.equal(turn.status, 'sending');
    FakeSocket.last.ends(1011);
    await pass(1_000);
    FakeSocket.last.opens();
  }
  assert.deepEqual([turn.status, turn.error.code, sent('message').length], ['refused', 'gateway_failed', 0]);
});

test('why a message waits, and until when, is seen', async () => {
  const { client } = await opened({ minBackoff: 100 });
  const turn = client.send('Hello', { messageId: 'm' });
  const seen = [];
  client.on('update', () => seen.push([turn.error?.code, turn.retryAt]));
  FakeSocket.last.says({ type: 'error', code: 'too_many_messages', message: 'Too many.', retryable: true, message_id: 'm', retry_after_ms: 3_000 });
  assert.ok(turn.error instanceof ChatError);
  await pass(3_100);
  assert.equal(sent('message').length, 2);
  assert.deepEqual(seen, [['too_many_messages', 1_003_100], [undefined, undefined]]);
});

test('a reconnect does not shorten what the gateway asked to wait', async () => {
  const { client } = await opened({ minBackoff: 100, retries: 1 });
  const turn = client.send('Hello', { messageId: 'm' });
  FakeSocket.last.says({ type: 'error', code: 'too_many_messages', message: 'Too many.', retryable: true, message_id: 'm', retry_after_ms: 3_000 });
  FakeSocket.last.ends(1006);
  await pass(100);
  FakeSocket.last.opens();
  assert.equal(sent('message').length, 0);
  await pass(3_000);
  assert.deepEqual([sent('message').length, turn.status], [1, 'sending']);
});

test('retries that are used up leave an acknowledged turn, which the gateway ends, and do not call it refused', async () => {
  const { client } = await opened({ retries: 0 });
  const turn = answering(client);
  FakeSocket.last.says({ type: 'error', code: 'too_many_requests', message: 'Too many.', retryable: true, turn_id: 'T' });
  assert.deepEqual([turn.status, turn.error.code], ['left', 'too_many_requests']);
});

test('a page on plain http has no crypto.randomUUID', async () => {
  mock.method(crypto, 'randomUUID', () => {
    throw new TypeError('crypto.randomUUID is not a function');
  });
  const { client } = await opened();
  const ids = [client.send('one'), client.send('two')].map(turn => turn.messageId);
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.notEqual(...ids);
});

test('an id with what the gateway replaces is sent replaced, so that its acknowledgement is recognised', async () => {
  const { client } = await opened();
  const turn = client.send('Hello', { messageId: 'm\0\ud800👍' });
  assert.equal(sent('message')[0].messageId, 'm\ufffd\ufffd👍');
  FakeSocket.last.says({ type: 'typing', turn_id: 'T', message_id: 'm\ufffd\ufffd👍' });
  assert.equal(turn.status, 'answering');
});

test('an id that was sent already is the same turn', async () => {
  const { client } = await opened();
  assert.equal(client.send('Hello', { messageId: 'm' }), client.send('Hello', { messageId: 'm' }));
  assert.equal(sent('message').length, 1);
});

test('cancel ends what the gateway does not have, at once', async () => {
  const { client } = await opened();
  const refused = client.send('Hello', { messageId: 'm' });
  FakeSocket.last.says({ type: 'error', code: 'too_many_messages', message: 'Too many.', retryable: true, message_id: 'm', retry_after_ms: 60_000 });
  refused.cancel();
  assert.deepEqual([refused.status, sent('cancel')], ['cancelled', [{ type: 'cancel', messageId: 'm' }]]);
  FakeSocket.last.ends(1006);
  const unsent = client.send('Hello');
  unsent.cancel();
  assert.equal(unsent.status, 'cancelled');
  await pass(600_000);
});

test('another tab\'s turn is cancelled as well', async () => {
  const { client } = await opened();
  FakeSocket.last.says({ type: 'typing', turn_id: 'T', message_id: 'theirs' });
  const [turn] = client.running;
  turn.cancel();
  assert.deepEqual([turn.mine, turn.status, sent('cancel')], [false, 'answering', [{ type: 'cancel', turnId: 'T' }]]);
});

test('an AbortSignal cancels, and is let go at the end', async () => {
  const { client } = await opened();
  const controller = new AbortController();
  const turn = client.send('Hello', { messageId: 'm', signal: controller.signal });
  FakeSocket.last.says({ type: 'typing', turn_id: 'T', message_id: 'm' });
  controller.abort();
  assert.deepEqual(sent('cancel'), [{ type: 'cancel', turnId: 'T' }]);
  assert.equal('signal' in sent('message')[0], false);
  FakeSocket.last.says({ type: 'done', text: '', conversation_id: 'c', turn_id: 'T', attempt: 1, reason: 'cancelled' });
  assert.equal(turn.status, 'cancelled');

  const early = client.send('Hello', { signal: controller.signal });
  assert.deepEqual([early.status, sent('message').length], ['cancelled', 1]);
});

test('of two messages whose acknowledgements were lost neither is taken for another tab\'s', async () => {
  const { client } = await opened();
  const turns = [];
  const first = client.send('one', { messageId: 'm1' });
  const second = client.send('two', { messageId: 'm2' });
  FakeSocket.last.ends(1006);
  client.on('turn', turn => turns.push(turn));
  await pass(250);
  FakeSocket.last.opens({ turn_id: 'T1', attempt: 1, seq: 0 }, { turn_id: 'T2', attempt: 1, seq: 0 });
  FakeSocket.last.says({ type: 'typing', turn_id: 'T1', message_id: 'm1' });
  FakeSocket.last.says({ type: 'typing', turn_id: 'T2', message_id: 'm2' });
  FakeSocket.last.says({ type: 'done', text: 'x', conversation_id: 'c', turn_id: 'T2', attempt: 1, reason: 'completed' });
  assert.deepEqual([first.id, second.id, second.status], ['T1', 'T2', 'completed']);
  assert.ok(turns.every(turn => turn.id !== 'T2' || turn.isEnded), 'a turn that nobody ends');
});
