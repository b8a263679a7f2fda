// The official Engine.IO clients and the msgpack parser.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, afterEach, before, describe, it } from 'node:test';
import { Socket as Eio6 } from 'engine.io-client';
import { io } from 'socket.io-client';
import * as msgpackParser from 'socket.io-msgpack-parser';
import { ask, clients, closeAll, join, open, settled, transports } from '../lib/clients.mjs';
import { Peer, openPeer } from '../lib/peer.mjs';
import { Server } from '../lib/server.mjs';
import { Inbox, collect, next, within } from '../lib/wait.mjs';

const require = createRequire(import.meta.url);
const eio3 = require('eioc3');
const parser = require('socket.io-msgpack-parser');

const engines = {
  'engine.io-client 6': (url, options) => new Eio6(url, options),
  'engine.io-client 3': (url, options) => eio3(url, options),
};

for (const [title, make] of Object.entries(engines)) {
  for (const [how, { transports: list, ends }] of Object.entries(transports)) {
    describe(`${title}, ${how}`, () => {
      let server;
      before(async () => {
        server = await Server.start({ app: 'echo', ports: { main: 0 }, pingInterval: 300, pingTimeout: 1000 });
      });
      after(() => server.stop());

      async function enter() {
        const socket = make(server.url(), { transports: list, path: '/engine.io' });
        socket.binaryType = 'nodebuffer';
        socket.inbox = new Inbox();
        socket.on('message', (data) => socket.inbox.push(data));
        const upgraded = list.length > 1 ? next(socket, 'upgrade') : null;
        await next(socket, 'open');
        await upgraded;
        assert.equal(socket.transport.name, ends);
        return socket;
      }

      it('echoes text and binary of every size in order', async () => {
        const socket = await enter();
        const sent = ['', 'a', 'é€😀', 'x'.repeat(100000), Buffer.from([]), Buffer.from([4, 1, 0]), Buffer.alloc(1 << 20, 7), 'end'];
        for (const message of sent) socket.send(message);
        for (const message of sent) {
          const back = await socket.inbox.next('echo', 10000);
          if (typeof message === 'string') assert.equal(back ?? '', message); // these clients call an empty text undefined
          else assert.ok(message.equals(Buffer.from(back)), `binary of ${message.length} bytes`);
        }
        socket.close();
      });

      it('echoes 5,000 messages in order', async () => {
        const socket = await enter();
        for (let i = 0; i < 5000; i++) socket.send(String(i));
        for (let i = 0; i < 5000; i++) assert.equal(await socket.inbox.next('echo', 10000), String(i));
        socket.close();
      });

      it('stays open over many heartbeats and closes when told', async () => {
        const socket = await enter();
        let closed = null;
        socket.on('close', (reason) => (closed = reason));
        await collect(socket, title.endsWith('3') ? 'pong' : 'ping', 4, 8000);
        assert.equal(closed, null);
        const end = next(socket, 'close');
        socket.close();
        assert.equal((await end)[0], 'forced close');
      });
    });
  }
}

describe('msgpack parser', () => {
  let server;
  let base;
  before(async () => {
    server = await Server.start({ app: 'echo', ports: { main: 0, msgpack: 0 }, pingInterval: 5000, pingTimeout: 5000 });
    base = server.url('msgpack');
  });
  afterEach(closeAll);
  after(() => server.stop());

  const packed = { title: 'msgpack', io, protocol: 4 };
  for (const [how, { transports: list, ends }] of Object.entries(transports)) {
    const enter = (nsp = '/', extra) => join(packed, base + nsp, { parser, transports: list, ...extra });

    it(`${how}: every kind of value comes back, as event and as ack`, async () => {
      const socket = await enter();
      await settled(socket, ends);
      const args = [
        null, true, false, 0, -1, 127, 128, 255, 256, 65535, 65536, 2 ** 31, 2 ** 32, 2 ** 40, -32, -33, -128, -129, -32769, -(2 ** 31) - 1,
        1.5, -0.1, 1.5e-7, '', 'é€😀', 'x'.repeat(31), 'x'.repeat(32), 'x'.repeat(256), 'x'.repeat(70000),
        [], Array.from({ length: 16 }, (_, i) => i), {}, { a: { b: [{ c: null }] } },
        Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, i])),
      ];
      const ack = await ask(socket, 'echo', ...args);
      const back = next(socket, 'echo');
      socket.emit('echo', ...args);
      const event = await back;
      for (const [i, value] of args.entries()) assert.deepEqual([ack[i], event[i]], [value, value], `argument ${i}`);
      assert.deepEqual([ack.length, event.length], [args.length, args.length]);
    });

    it(`${how}: binary comes back, small and 1 MiB`, async () => {
      const socket = await enter();
      for (const size of [0, 1, 255, 256, 65536, 1 << 20]) {
        const bytes = Buffer.alloc(size, 3);
        const [back] = await ask(socket, 'echo', { deep: [bytes] });
        assert.ok(bytes.equals(Buffer.from(back.deep[0])), `${size} bytes`);
      }
    });

    it(`${how}: questions, rooms, namespaces, refusals and 1,000 ordered messages`, async () => {
      const [a, b] = [await enter(), await enter()];
      a.on('question', (v, ack) => ack('re', v));
      const answer = next(a, 'answer');
      a.emit('ask', 5);
      assert.deepEqual(await answer, ['re', 5]);
      await ask(b, 'join', 'r');
      const heard = next(b, 'room-msg');
      a.emit('to-room', 'r', { x: Buffer.from([1]) });
      assert.deepEqual(Buffer.from((await heard)[1].x), Buffer.from([1]));
      const other = await enter('/dyn-3');
      assert.deepEqual(await ask(other, 'echo', 1), [1]);
      const refused = open(packed, `${base}/private`, { parser, transports: list });
      const [error] = await next(refused, 'connect_error');
      assert.deepEqual([error.message, error.data], ['unauthorized', { code: 401, hint: 'token' }]);
      const ticks = collect(a, 'tick', 1000);
      a.emit('stream', 1000, 0);
      assert.deepEqual((await ticks).map(([i]) => i), Array.from({ length: 1000 }, (_, i) => i));
    });
  }

  it('a text frame, rubbish or a wrong shape ends the connection', async () => {
    const encode = (value) => new parser.Encoder().encode(value)[0];
    const connect = encode({ type: 0, nsp: '/' });
    for (const [why, bad] of [
      ['text', '42["echo"]'],
      ['not msgpack', Buffer.from([0xc1])],
      ['cut short', connect.subarray(0, 5)],
      ['not a map', encode([1, 2])],
      ['type 5', encode({ type: 5, nsp: '/', data: ['echo'] })],
      ['type -1', encode({ type: -1, nsp: '/', data: ['echo'] })],
      ['type as text', encode({ type: '2', nsp: '/', data: ['echo'] })],
      ['namespace a number', encode({ type: 2, nsp: 1, data: ['echo'] })],
      ['data a map', encode({ type: 2, nsp: '/', data: { a: 1 } })],
    ]) {
      const peer = await openPeer(base, { path: '/socket.io/' });
      peer.send(connect);
      await peer.next();
      peer.send(bad);
      await within(3000, peer.closed, `close after ${why}`);
    }
    assert.ok(msgpackParser);
  });

  it('a client with the default parser gets nowhere, and nothing breaks', async () => {
    const peer = await Peer.open(`${base}/socket.io/?EIO=4&transport=websocket`);
    await peer.next();
    peer.send('40');
    await peer.end();
    const socket = await join(packed, base, { parser, transports: ['websocket'] });
    assert.deepEqual(await ask(socket, 'echo', 1), [1]);
    assert.equal(clients.v4.protocol, 4);
  });
});
