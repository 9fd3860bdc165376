/** The AI SDK's transport against a gateway that is played: which chunks a turn becomes. The real packages are tested in a browser. */
import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { KonstructTransport } from '../dist/ai-sdk/index.js';
import { ChatClient } from '../dist/index.js';
import { FakeSocket, settled } from './fake-socket.mjs';

beforeEach(() => {
  FakeSocket.made = [];
  mock.restoreAll();
});

async function opened(...active) {
  const client = new ChatClient({ url: 'https://gateway.example', conversationId: 'c', credentials: { userId: 'u', tenantId: 't' }, WebSocket: FakeSocket });
  client.connect();
  await settled();
  FakeSocket.last.opens(...active);
  return { client, transport: new KonstructTransport(client), gateway: FakeSocket.last };
}

const user = text => ({ id: 'q', role: 'user', parts: [{ type: 'text', text }] });
const ask = (transport, text, options = {}) => transport.sendMessages({ trigger: 'submit-message', chatId: 'x', messageId: undefined, messages: [user(text)], ...options });
const sent = (gateway, type) => gateway.sent.filter(frame => frame.type === type);

/** Acknowledges the last message as turn T. */
function accept(gateway, turn = 'T') {
  gateway.says({ type: 'typing', turn_id: turn, message_id: sent(gateway, 'message').at(-1).messageId });
}
const chunk = (gateway, text, seq, attempt = 1) => gateway.says({ type: 'chunk', text, turn_id: 'T', attempt, seq });
const done = (gateway, text, reason = 'completed', attempt = 1) => gateway.says({ type: 'done', text, conversation_id: 'c', turn_id: 'T', attempt, reason });

async function readAll(stream) {
  const chunks = [];
  const reader = stream.getReader();
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) chunks.push(read.value);
  } catch (error) {
    return { chunks, error };
  }
  return { chunks };
}

const shape = chunks => chunks.map(({ type, id, delta }) => [type, ...(id ? [id] : []), ...(delta ? [delta] : [])].join(' '));

test('an answer is one message with the id of the turn', async () => {
  const { transport, gateway } = await opened();
  const stream = await ask(transport, 'Hello');
  assert.equal(sent(gateway, 'message')[0].text, 'Hello');
  accept(gateway);
  const reading = readAll(stream);
  chunk(gateway, 'a', 1);
  await settled();
  chunk(gateway, 'b', 2);
  await settled();
  done(gateway, 'ab');
  const { chunks } = await reading;
  assert.deepEqual(shape(chunks), ['start', 'start-step', 'text-start 1', 'text-delta 1 a', 'text-delta 1 b', 'text-end 1', 'finish-step', 'finish']);
  assert.equal(chunks[0].messageId, 'T');
});

test('a reset replaces the text, and so does an end with another text', async () => {
  const { transport, gateway } = await opened();
  const reading = readAll(await ask(transport, 'Hello'));
  accept(gateway);
  chunk(gateway, 'a', 1);
  await settled();
  gateway.says({ type: 'reset', turn_id: 'T', attempt: 2 });
  chunk(gateway, 'x', 1, 2);
  await settled();
  done(gateway, 'other', 'completed', 2);
  assert.deepEqual(shape((await reading).chunks), [
    'start', 'start-step', 'text-start 1', 'text-delta 1 a', 'reset-step', 'text-start 2', 'text-delta 2 x',
    'reset-step', 'text-start 3', 'text-delta 3 other', 'text-end 3', 'finish-step', 'finish',
  ]);
});

test('a refusal keeps its code', async () => {
  const { transport, gateway } = await opened();
  const reading = readAll(await ask(transport, ''));
  gateway.says({ type: 'error', code: 'empty_text', message: 'No text.', retryable: false, message_id: sent(gateway, 'message')[0].messageId });
  assert.equal((await reading).error.code, 'empty_text');
});

test('a failed answer keeps its text before its error', async () => {
  const { transport, gateway } = await opened();
  const stream = await ask(transport, 'Hello');
  accept(gateway);
  chunk(gateway, 'a', 1);
  done(gateway, 'a', 'failed');
  const { chunks, error } = await readAll(stream);
  assert.deepEqual(shape(chunks).at(-1), 'text-delta 1 a');
  assert.equal(error.code, 'agent_timeout');
});

test('abort is cancel, and an answer that was cancelled elsewhere is an abort', async () => {
  const { transport, gateway } = await opened();
  const controller = new AbortController();
  const reading = readAll(await ask(transport, 'Hello', { abortSignal: controller.signal }));
  accept(gateway);
  chunk(gateway, 'a', 1);
  controller.abort();
  assert.deepEqual(sent(gateway, 'cancel'), [{ type: 'cancel', turnId: 'T' }]);
  done(gateway, 'a', 'cancelled');
  assert.equal((await reading).chunks.at(-1).type, 'abort');
});

test('regenerating sends the question again, as another message', async () => {
  const { transport, gateway } = await opened();
  await ask(transport, 'Hello');
  await ask(transport, 'Hello', { trigger: 'regenerate-message', messageId: 'T' });
  const [first, second] = sent(gateway, 'message');
  assert.equal(first.text, second.text);
  assert.notEqual(first.messageId, second.messageId);
});

test('resumes the turn that runs, from its first word; without one there is nothing to resume', async () => {
  const { transport, gateway } = await opened({ turn_id: 'T', attempt: 1, seq: 2 });
  const reading = readAll(await transport.reconnectToStream({ chatId: 'x' }));
  chunk(gateway, 'a', 1);
  chunk(gateway, 'b', 2);
  done(gateway, 'ab');
  assert.deepEqual(shape((await reading).chunks), ['start', 'start-step', 'text-start 1', 'text-delta 1 ab', 'text-end 1', 'finish-step', 'finish']);
  assert.equal(await transport.reconnectToStream({ chatId: 'x' }), null);
});

test('a turn that the history had pending and that ended before the resume is brought all the same', async () => {
  const page = { items: [{ id: '2', turn_id: 'T', role: 'assistant', content: '', status: 'pending' }, { id: '1', turn_id: 'T', role: 'user', content: 'Hello', status: 'completed' }], next: null };
  mock.method(globalThis, 'fetch', async () => Response.json(page));
  const { transport, gateway } = await opened();
  assert.deepEqual((await transport.loadMessages()).map(message => [message.id, message.role]), [['1', 'user']]);
  const reading = readAll(await transport.reconnectToStream({ chatId: 'x' }));
  assert.equal(sent(gateway, 'resume')[0].turnId, 'T');
  done(gateway, 'ab');
  assert.deepEqual(shape((await reading).chunks)[3], 'text-delta 1 ab');
});

test('a resume that another resume replaces is no cancel, one that is stopped is', async () => {
  const { transport, gateway } = await opened({ turn_id: 'T', attempt: 1, seq: 0 });
  const first = new AbortController();
  await transport.reconnectToStream({ chatId: 'x', abortSignal: first.signal });
  first.abort();
  const second = new AbortController();
  await transport.reconnectToStream({ chatId: 'x', abortSignal: second.signal });
  await new Promise(resolve => setTimeout(resolve, 5));
  assert.equal(sent(gateway, 'cancel').length, 0);
  second.abort();
  await new Promise(resolve => setTimeout(resolve, 5));
  assert.deepEqual(sent(gateway, 'cancel'), [{ type: 'cancel', turnId: 'T' }]);
});

test('a resume that is refused, or not wanted any longer, ends', async () => {
  const client = new ChatClient({ url: 'https://gateway.example', conversationId: 'c', credentials: { token: 'expired' }, WebSocket: FakeSocket });
  const transport = new KonstructTransport(client);
  client.connect();
  const controller = new AbortController();
  const unwanted = transport.reconnectToStream({ chatId: 'x', abortSignal: controller.signal });
  controller.abort();
  await assert.rejects(unwanted, { name: 'AbortError' });
  const closed = transport.reconnectToStream({ chatId: 'x' });
  client.close();
  await assert.rejects(closed, { name: 'AbortError' });
  client.connect();
  const refused = transport.reconnectToStream({ chatId: 'x' });
  await settled();
  FakeSocket.last.onopen({});
  FakeSocket.last.says({ type: 'error', code: 'auth_invalid_token', message: 'The token is not valid.', retryable: false });
  FakeSocket.last.ends(4001);
  await assert.rejects(refused, { code: 'auth_invalid_token' });
});

test('the history\'s refusals have the socket\'s codes', async () => {
  const { transport } = await opened();
  for (const [status, code, retryable] of [[401, 'auth_invalid_token', false], [404, 'conversation_not_found', false], [429, 'too_many_requests', true], [503, 'unavailable', true]]) {
    mock.method(globalThis, 'fetch', async () => Response.json({ detail: 'Why.' }, { status }));
    await assert.rejects(transport.loadMessages(), { code, retryable, message: 'Why.' });
  }
  mock.method(globalThis, 'fetch', async () => Promise.reject(new TypeError('fetch failed')));
  await assert.rejects(transport.loadMessages(), { code: 'unavailable', retryable: true });
});
