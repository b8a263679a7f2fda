// What every official client must see of the echo app, over every transport: one suite, many rows.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, describe, it } from 'node:test';
import { ask, clients, closeAll, engineOf, join, open, settled, transports, welcomed, whoami } from './clients.mjs';
import { Proxy } from './proxy.mjs';
import { Server, isReference } from './server.mjs';
import { collect, next, sleep, until } from './wait.mjs';

const values = [
  ['nothing', []],
  ['null', [null]],
  ['numbers', [0, -1, 1.5, 2 ** 53, 1e21]],
  ['text outside ASCII', ['é€😀\u2028"\\\n\u0000']],
  ['several arguments', ['a', 1, true, null, { b: [] }]],
  ['nested objects', [{ a: { b: [1, [2, { c: '__proto__' }]] }, '': [] }]],
  ['text that looks like a packet', ['2["echo"]', '51-["x",{"_placeholder":true}]']],
  ['a long text', ['x'.repeat(100000)]],
];

const reasonOf = (socket, sid) =>
  until(async () => (await ask(socket, 'reason-of', sid))[0], `the server's reason for ${sid}`);

export function clientSuite(row, how) {
  const client = clients[row];
  const { ends, transports: list } = transports[how];
  const isOld = client.protocol === 3;

  describe(`${client.title}, ${how}`, () => {
    let server;
    let options;
    before(async () => {
      server = await Server.start({ app: 'echo', pingInterval: 400, pingTimeout: 2000 });
      options = { transports: list };
    });
    afterEach(closeAll);
    after(() => server.stop());

    const enter = (nsp = '/', extra = {}) => join(client, server.url() + nsp, { ...options, ...extra });

    it('connects, is welcomed, and both ends agree on id, transport and protocol', async () => {
      const socket = await enter('/', { query: { x: 'from the query' } });
      assert.equal(socket.welcome.sid, socket.id);
      assert.equal(socket.welcome.nsp, '/');
      assert.equal(socket.welcome.query.x, 'from the query');
      const me = await settled(socket, ends);
      assert.deepEqual(
        { sid: me.sid, transport: me.transport, protocol: me.protocol, rooms: me.rooms },
        { sid: socket.id, transport: ends, protocol: client.protocol, rooms: [socket.id] },
      );
      if (isOld) assert.equal(socket.id, engineOf(socket).id, 'on EIO3 the socket id is the engine id');
      else assert.notEqual(socket.id, engineOf(socket).id, 'the engine id is a secret');
    });

    it('emits and gets the same values back as an event and as an ack', async () => {
      const socket = await enter();
      for (const [what, args] of values) {
        const back = next(socket, 'echo');
        socket.emit('echo', ...args);
        assert.deepEqual(await back, args, `event with ${what}`);
        assert.deepEqual(await ask(socket, 'echo', ...args), args, `ack with ${what}`);
      }
    });

    it('answers a question of the server by an ack, also with binary', async () => {
      const socket = await enter();
      socket.on('question', (v, ack) => ack('answer to', v, Buffer.from([1, 2, 3])));
      const answer = next(socket, 'answer');
      socket.emit('ask', { n: 7 });
      const [words, v, bytes] = await answer;
      assert.deepEqual([words, v, Buffer.from(bytes)], ['answer to', { n: 7 }, Buffer.from([1, 2, 3])]);
    });

    it('keeps many questions and answers apart', async () => {
      const socket = await enter();
      socket.on('question', (v, ack) => setTimeout(ack, (v * 7) % 20, v));
      const answers = collect(socket, 'answer', 50);
      for (let i = 0; i < 50; i++) socket.emit('ask', i);
      const acks = Promise.all(Array.from({ length: 50 }, (_, i) => ask(socket, 'echo', i)));
      const got = (await answers).map(([v]) => v).sort((a, b) => a - b);
      assert.deepEqual(got, Array.from({ length: 50 }, (_, i) => i));
      assert.deepEqual((await acks).map(([v]) => v), Array.from({ length: 50 }, (_, i) => i));
    });

    it('carries 1 MiB of binary both ways, as event and as ack', async () => {
      const socket = await enter();
      const bytes = randomBytes(1 << 20);
      const back = next(socket, 'echo', 15000);
      socket.emit('echo', 'big', bytes);
      const [, event] = await back;
      assert.ok(bytes.equals(event), 'event');
      const [ack] = await ask(socket, 'echo', bytes);
      assert.ok(bytes.equals(ack), 'ack');
    });

    it('carries several attachments in nested places, empty ones too', async () => {
      const socket = await enter();
      const args = [{ a: Buffer.from([0]), list: [Buffer.alloc(0), 'text', { b: Buffer.from([4, 52, 0x1e]) }] }, Buffer.from('end')];
      const plain = (v) => JSON.parse(JSON.stringify(v, (k, x) => x));
      assert.deepEqual(plain(await ask(socket, 'echo', ...args)), plain(args));
    });

    it('keeps 5,000 messages in order in each direction', async () => {
      const socket = await enter();
      const order = Array.from({ length: 5000 }, (_, i) => i);
      const ticks = collect(socket, 'tick', 5000);
      socket.emit('stream', 5000, 0);
      assert.deepEqual((await ticks).map(([i]) => i), order, 'server to client');
      const echoes = collect(socket, 'echo', 5000);
      for (const i of order) socket.emit('echo', i);
      assert.deepEqual((await echoes).map(([i]) => i), order, 'client to server and back');
    });

    it('joins further namespaces on the same connection, dynamic ones included', async () => {
      const socket = await enter();
      const manager = socket.io;
      for (const nsp of ['/other', '/dyn-1', '/dyn-20']) {
        const child = manager.socket(nsp);
        const welcome = await welcomed(child);
        assert.equal(welcome.nsp, nsp);
        assert.deepEqual(await ask(child, 'echo', nsp), [nsp]);
        if (isOld) assert.equal(child.id, `${nsp}#${engineOf(socket).id}`);
        else assert.notEqual(child.id, socket.id);
      }
      const child = manager.socket('/other');
      child.disconnect();
      assert.deepEqual(await ask(socket, 'echo', 'still here'), ['still here']);
    });

    it('is refused in a namespace that does not exist', async () => {
      for (const nsp of ['/nowhere', '/dyn-', '/dyn-1x', '/other/']) {
        const socket = open(client, server.url() + nsp, options);
        const [error] = await next(socket, isOld ? 'error' : 'connect_error');
        assert.equal(error.message, 'Invalid namespace', nsp);
        assert.equal(socket.connected, false);
        socket.disconnect();
      }
    });

    it('is refused by the middleware with its data, and admitted with the token', async () => {
      const refusedSocket = open(client, `${server.url()}/private`, options);
      const [error] = await next(refusedSocket, isOld ? 'error' : 'connect_error');
      if (isOld) {
        assert.deepEqual(error, { code: 401, hint: 'token' });
      } else {
        assert.equal(error.message, 'unauthorized');
        assert.deepEqual(error.data, { code: 401, hint: 'token' });
      }
      const credentials = isOld ? { query: { token: 's3cret' } } : { auth: { token: 's3cret' } };
      const socket = await enter('/private', credentials);
      assert.equal(socket.welcome.auth.token, 's3cret');
      assert.equal((await whoami(socket)).nsp, '/private');
    });

    it('receives what is sent to its rooms and nothing else', async () => {
      const [a, b, c] = [await enter(), await enter(), await enter()];
      const heard = [];
      for (const [name, s] of Object.entries({ a, b, c })) s.on('room-msg', (room, msg) => heard.push(`${name}:${room}:${msg}`));
      await ask(a, 'join', 'red');
      await ask(b, 'join', 'red');
      await ask(c, 'join', 'blue');
      a.emit('to-room', 'red', 1);
      a.emit('in-room', 'red', 2);
      c.emit('to-room', 'blue', 3);
      c.emit('in-room', 'blue', 4);
      await until(() => heard.length >= 4, 'four deliveries');
      await ask(b, 'leave', 'red');
      a.emit('in-room', 'red', 5);
      await ask(a, 'echo', 'after');
      await sleep(100);
      assert.deepEqual(heard.sort(), ['a:red:2', 'a:red:5', 'b:red:1', 'b:red:2', 'c:blue:4'].sort());
    });

    it('hears binary in a room broadcast', async () => {
      const [a, b] = [await enter(), await enter()];
      await ask(b, 'join', 'bin');
      const heard = next(b, 'room-msg');
      a.emit('to-room', 'bin', Buffer.from([9, 8, 7]));
      const [, bytes] = await heard;
      assert.deepEqual(Buffer.from(bytes), Buffer.from([9, 8, 7]));
    });

    for (const [event, seen, kept] of [
      ['kick', 'io server disconnect', 'server namespace disconnect'],
      ['kick-close', 'io server disconnect', 'server namespace disconnect'],
      ['drop', 'transport close', 'forced close'],
    ]) {
      it(`sees "${seen}" after ${event}, and the server keeps "${kept}"`, async () => {
        const socket = await enter();
        const watcher = await enter();
        const { id } = socket;
        const gone = next(socket, 'disconnect');
        socket.emit(event);
        assert.equal((await gone)[0], seen);
        assert.equal(await reasonOf(watcher, id), kept);
      });
    }

    it('leaves by itself, and the server keeps "client namespace disconnect"', async () => {
      const socket = await enter();
      const watcher = await enter();
      const { id } = socket;
      const gone = next(socket, 'disconnect');
      socket.disconnect();
      assert.equal((await gone)[0], 'io client disconnect');
      assert.equal(await reasonOf(watcher, id), 'client namespace disconnect');
    });

    it('comes back to the same namespace after it was kicked and asks again', async () => {
      const socket = await enter();
      const first = socket.id;
      const gone = next(socket, 'disconnect');
      socket.emit('kick');
      await gone;
      await sleep(50); // clients before 4 cannot connect again while their engine is still closing
      const again = welcomed(socket);
      socket.connect();
      await again;
      if (!isOld) assert.notEqual(socket.id, first);
      assert.deepEqual(await ask(socket, 'echo', 'back'), ['back']);
    });

    it('stays connected over many heartbeats', async () => {
      const socket = await enter();
      let lost = null;
      socket.on('disconnect', (reason) => (lost = reason));
      // engine.io-client 6 tells of the server's ping; 4 and 3 name what they send or hear in return "pong"
      await collect(engineOf(socket), row === 'v4' ? 'ping' : 'pong', 3, 8000);
      assert.equal(lost, null);
      assert.deepEqual(await ask(socket, 'echo', 1), [1]);
    });

    it('loses a frozen connection by "ping timeout" on both sides', async () => {
      const quick = await Server.start({ app: 'echo', ports: { main: 0 }, pingInterval: 200, pingTimeout: 300 });
      const proxy = await Proxy.open(quick.url());
      try {
        const socket = await join(client, proxy.url, options);
        await settled(socket, ends);
        const watcher = await join(client, quick.url(), options);
        const { id } = socket;
        const gone = next(socket, 'disconnect');
        proxy.freeze();
        const [seen] = await gone;
        assert.equal(seen, 'ping timeout');
        // Node quirk not to copy: completing an upgrade clears the timeout of an EIO3 session for ever
        if (isReference && isOld && how === 'upgrade') return;
        assert.equal(await reasonOf(watcher, id), 'ping timeout');
      } finally {
        closeAll();
        await proxy.close();
        await quick.stop();
      }
    });

    it('reconnects by itself after its connection was cut', async () => {
      const proxy = await Proxy.open(server.url());
      try {
        const socket = await join(client, proxy.url, { ...options, reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 100 });
        await settled(socket, ends);
        const gone = next(socket, 'disconnect');
        await sleep(50); // a long-polling client has its next request out
        proxy.cut();
        const [reason] = await gone;
        assert.match(reason, ends === 'polling' ? /^transport (error|close)$/ : /^transport close$/);
        const first = socket.welcome.sid;
        const again = await welcomed(socket);
        assert.notEqual(again.sid, first);
        assert.deepEqual(await ask(socket, 'echo', 'again'), ['again']);
      } finally {
        closeAll();
        await proxy.close();
      }
    });

    it('is told of a body larger than maxPayload by the end of its connection, and others go on', async () => {
      const small = await Server.start({ app: 'echo', ports: { main: 0 }, maxPayload: 10000 });
      try {
        const socket = await join(client, small.url(), options);
        const other = await join(client, small.url(), options);
        await settled(socket, ends);
        const gone = next(socket, 'disconnect');
        socket.emit('echo', 'x'.repeat(20000));
        const [reason] = await gone;
        assert.equal(reason, ends === 'polling' ? 'transport error' : 'transport close');
        assert.deepEqual(await ask(other, 'echo', 'fine'), ['fine']);
      } finally {
        closeAll();
        await small.stop();
      }
    });
  });
}
