// A relay like the floor, on Node and ws: one subscription per socket, and every payload of its channel sent
// unchanged. No log, store, telemetry, turns or limits: not for production. It uses the floor's frames.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { createClient } from '@redis/client';
import { WebSocketServer } from 'ws';

const address = new URL(process.env.ASPNETCORE_URLS);
const redis = await createClient({ url: `redis://${process.env.ConnectionStrings__redis}` }).connect();
const subscriber = await redis.duplicate().connect();
redis.on('error', console.error);
subscriber.on('error', console.error);

const server = createServer((_, response) => response.end('Healthy'));
new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (socket, request) => {
  const conversation = request.url.split('/').at(-1);
  let user, tenant, channel;
  const forward = payload => socket.send(payload, { binary: false });
  socket.on('message', async bytes => {
    const frame = JSON.parse(bytes);
    if (!channel) {
      ({ userId: user, tenantId: tenant } = frame);
      channel = `${tenant}:webchat:response:${conversation}`;
      await subscriber.subscribe(channel, forward, true);
      socket.send('{"type":"ready"}');
    } else {
      await enqueue(taskFor(frame.text));
    }
  });
  socket.on('close', () => channel && subscriber.unsubscribe(channel, forward, true));
  socket.on('error', () => {}); // The generator hangs up; `close` follows.

  // A user's message in its queue form: see Konstruct.Contracts/Dispatch/KonstructMessage.cs.
  const taskFor = text => ({
    id: randomUUID(), tenant_id: tenant, channel: 'web',
    channel_metadata: { portal_user_id: user, tenant_id: tenant, conversation_id: conversation },
    sender: { user_id: user, display_name: 'Load' }, content: { text }, timestamp: new Date().toISOString(), thread_id: conversation,
    reply_to: channel, context: {}, conversation_id: conversation, portal_user_id: user, agent_id: '', turn_id: randomUUID(), attempt: 1,
  });
});

// Does what Konstruct.Contracts/Redis/Scripts/enqueue.lua does for a new entry.
const enqueue = task => redis.multi()
  .hSet('{dispatch}:tasks', `${task.turn_id}:1`, JSON.stringify(task))
  .zAdd('{dispatch}:queue', { score: Date.now() * 1000, value: `${task.turn_id}:1` })
  .publish('konstruct:dispatch:wake', '')
  .exec();

server.listen(Number(address.port), address.hostname);
