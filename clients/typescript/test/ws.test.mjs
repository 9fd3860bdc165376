/** The class of the package ws, which docs/guide/client.md names for Node 20, over real sockets: its `error` events ended the process. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { WebSocket, WebSocketServer } from 'ws';
import { ChatClient } from '../dist/index.js';

const open = [];
after(() => open.forEach(closeable => closeable.close()));

function connect(port) {
  const client = new ChatClient({ url: `http://127.0.0.1:${port}`, conversationId: 'c', credentials: { token: 't' }, WebSocket, minBackoff: 20, maxBackoff: 50 });
  open.push(client);
  client.connect();
  return client;
}

function next(client, type, fits = () => true) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`No such ${type}; the client is ${client.state}.`)), 20_000);
    const stop = client.on(type, event => {
      if (!fits(event)) return;
      stop();
      clearTimeout(timer);
      resolve(event);
    });
  });
}

async function listen(server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(server);
  return server.address().port;
}

/** A gateway of a few lines: it answers `auth` with `ready`, and messages and resumes as the test says. */
async function play(answer) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  open.push(server);
  let sockets = 0;
  server.on('connection', socket => {
    const number = ++sockets;
    socket.on('message', data => {
      const frame = JSON.parse(data);
      const say = (...frames) => frames.forEach(said => socket.send(JSON.stringify(said)));
      if (frame.type === 'auth') say({ type: 'ready', conversation_id: 'c', active: number > 1 ? [{ turn_id: 'T', attempt: 1, seq: 1 }] : [] });
      else answer({ frame, number, socket, say });
    });
  });
  return server.address().port;
}

const typing = frame => ({ type: 'typing', turn_id: 'T', message_id: frame.messageId });
const first = { type: 'chunk', text: 'a', turn_id: 'T', attempt: 1, seq: 1 };
const done = { type: 'done', text: 'ab', conversation_id: 'c', turn_id: 'T', attempt: 1, reason: 'completed' };

test('nobody listens: it waits and tries again', async () => {
  const server = createServer();
  const port = await listen(server);
  server.close();
  await once(server, 'close');
  const client = connect(port);
  for (let i = 0; i < 3; i++) assert.equal((await next(client, 'state', change => change.state === 'waiting')).code, 1006);
});

test('closed while it connects: nothing is thrown', async () => {
  const silent = createServer(socket => open.push({ close: () => socket.destroy() }));
  const client = connect(await listen(silent));
  await once(silent, 'connection');
  client.close();
  await new Promise(resolve => setImmediate(resolve));
  assert.equal(client.state, 'closed');
});

test('a clean close in the middle of an answer, as a proxy sends it: the answer goes on', async () => {
  const port = await play(({ frame, number, socket, say }) => {
    if (frame.type === 'message') {
      say(typing(frame), first);
      socket.close(1000);
    } else if (frame.type === 'resume' && number > 1) {
      assert.equal(frame.after, 1);
      say(done);
    }
  });
  const turn = connect(port).send('Hello');
  assert.deepEqual([(await turn.ended).status, turn.text], ['completed', 'ab']);
});

for (const [name, data] of [['text that is not JSON', '<html>502 Bad Gateway</html>'], ['a binary frame', Buffer.from([0, 1, 2])]]) {
  test(`${name} in the middle of an answer: an event, and the answer goes on`, async () => {
    const port = await play(({ frame, number, socket, say }) => {
      if (frame.type === 'message') {
        say(typing(frame), first);
        socket.send(data);
      } else if (frame.type === 'resume' && number > 1) {
        say(done);
      }
    });
    const client = connect(port);
    const errors = [];
    client.on('error', error => errors.push(error.code));
    assert.equal((await client.send('Hello').ended).status, 'completed');
    assert.deepEqual(errors, ['invalid_frame']);
  });
}

test('a Node without a global WebSocket is told to pass a class, and its process ends', async context => {
  const program = `
    import { ChatClient } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};
    if (globalThis.WebSocket) process.exit(3);
    const chat = new ChatClient({ url: 'http://127.0.0.1:1', conversationId: 'c', credentials: { token: 't' } });
    chat.on('state', change => change.state === 'refused' && console.log(change.error.message));
    chat.connect();`;
  const run = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], { timeout: 20_000 });
  const { stdout } = await run.catch(error => (error.code === 3 ? { stdout: '' } : Promise.reject(error)));
  if (!stdout) return context.skip('This Node has a global WebSocket.');
  assert.match(stdout, /^This platform has no WebSocket\. Pass a class as the option WebSocket.*\n$/);
});
