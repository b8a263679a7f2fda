// A room of 300, where walks over the members wait for each other (src/sio/batch.c): order and completeness are as if nothing waited.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { io } from 'socket.io-client';
import { Server } from '../lib/server.mjs';
import { until } from '../lib/wait.mjs';

const members = 300;
const messages = 600;

describe('a large room', () => {
  let server;
  const sockets = [];
  before(async () => {
    server = await Server.start({ ports: { main: 0 } });
    for (let i = 0; i < members; i++) {
      const socket = io(server.url(), { transports: ['websocket'], forceNew: true, reconnection: false });
      socket.heard = [];
      socket.on('room-msg', (room, n) => socket.heard.push(n));
      sockets.push(socket);
    }
    await until(() => sockets.every((one) => one.connected), 'all connected', 20000);
    await Promise.all(sockets.map((one) => one.emitWithAck('join', 'big')));
  });
  after(async () => {
    sockets.forEach((one) => one.disconnect());
    await server.stop();
  });

  it('everyone hears every broadcast once and in order, and an acknowledgement after what was said before it', async () => {
    const [a, b] = sockets;
    const acks = [];
    for (let n = 0; n < messages; n++) {
      a.emit('in-room', 'big', n);
      if (n % 7 === 3) a.emit('echo', n, (back) => acks.push([back, a.heard.at(-1)]));
      if (n % 50 === 49) await new Promise(setImmediate); // several frames, so several turns of the server
      if (n === messages / 2) b.emit('leave', 'big', () => { b.left = b.heard.length; });
    }
    const all = Array.from({ length: messages }, (_, n) => n);
    const stayed = sockets.filter((one) => one !== b);
    await until(() => stayed.every((one) => one.heard.length >= messages), 'all broadcasts', 30000);
    await until(() => acks.length === Math.ceil((messages - 3) / 7) && b.left !== undefined, 'all acknowledgements');
    for (const one of stayed) assert.deepEqual(one.heard, all);
    for (const [sent, heard] of acks) assert.equal(heard, sent, 'heard just before the acknowledgement');
    assert.deepEqual(b.heard, all.slice(0, b.left), 'who left heard a beginning, and nothing after the acknowledgement');
  });
});
