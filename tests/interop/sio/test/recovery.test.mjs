// socketio.md 2.13: connection state recovery with the official client, the raw connection cut by a relay; and raw offsets.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { ask, clients, closeAll, join, open, settled, transports, welcomed } from '../lib/clients.mjs';
import { askPeer, openPeer } from '../lib/peer.mjs';
import { Proxy } from '../lib/proxy.mjs';
import { Server, quirkOfReference } from '../lib/server.mjs';
import { next, sleep, until } from '../lib/wait.mjs';

// maxDisconnectionDuration of the recovery listener is 3000 ms (app-contract.md)
const forgottenAfter = 3000;

describe('connection state recovery', () => {
  let server;
  let base;
  let proxy;
  before(async () => {
    server = await Server.start({ app: 'echo', ports: { main: 0, recovery: 0 }, pingInterval: 2000, pingTimeout: 2000 });
    base = server.url('recovery');
    proxy = await Proxy.open(base);
  });
  afterEach(() => {
    closeAll();
    proxy.up();
  });
  after(async () => {
    await proxy.close();
    await server.stop();
  });

  const reconnecting = { reconnection: true, reconnectionDelay: 60, reconnectionDelayMax: 120, randomizationFactor: 0 };

  for (const [how, { transports: list, ends }] of Object.entries(transports)) {
    describe(how, () => {
      const enter = () => join(clients.v4, proxy.url, { ...reconnecting, transports: list });
      const speaker = () => join(clients.v4, base, { transports: ['websocket'] });

      async function cutAndMiss(socket, other, count) {
        await sleep(60); // a long-polling client has its next request out
        const gone = next(socket, 'disconnect');
        proxy.down();
        await gone;
        for (let i = 0; i < count; i++) other.emit('in-room', i % 2 ? 'red' : 'blue', i);
        await ask(other, 'echo', 'all sent');
      }

      it('a cut connection is recovered: same id, missed events in order and once, rooms kept', async () => {
        const socket = await enter();
        const other = await speaker();
        await settled(socket, ends);
        assert.equal(socket.recovered, false);
        await ask(socket, 'join', 'red');
        const heard = [];
        socket.on('room-msg', (room, n) => heard.push(`${room}:${n}`));
        let welcomes = 0;
        socket.on('welcome', () => welcomes++);
        other.emit('in-room', 'red', 'before');
        await until(() => heard.length === 1, 'message before the cut');
        const { id } = socket;

        await cutAndMiss(socket, other, 20);
        const connected = next(socket, 'connect');
        proxy.up();
        await connected;
        assert.equal(socket.recovered, true);
        assert.equal(socket.id, id);
        other.emit('in-room', 'red', 'after');
        await until(() => heard.includes('red:after'), 'message after the recovery');
        assert.deepEqual(heard, ['red:before', ...Array.from({ length: 10 }, (_, i) => `red:${2 * i + 1}`), 'red:after']);
        assert.deepEqual((await ask(socket, 'whoami'))[0].rooms.sort(), [id, 'red'].sort());
        assert.equal(welcomes <= 1, true, `welcomed ${welcomes} times`);
        assert.deepEqual(await ask(socket, 'echo', 'both ways'), ['both ways']);
      });

      it('recovers again and again', async () => {
        const socket = await enter();
        const other = await speaker();
        await settled(socket, ends);
        await ask(socket, 'join', 'red');
        const heard = [];
        socket.on('room-msg', (room, n) => heard.push(n));
        const { id } = socket;
        for (let round = 0; round < 4; round++) {
          await settled(socket, ends);
          await cutAndMiss(socket, other, 6);
          const connected = next(socket, 'connect');
          proxy.up();
          await connected;
          assert.deepEqual([socket.recovered, socket.id], [true, id], `round ${round}`);
        }
        await until(() => heard.length >= 12, 'twelve messages');
        assert.deepEqual(heard, [1, 3, 5, 1, 3, 5, 1, 3, 5, 1, 3, 5]);
      });

      it('replays binary with its attachments', async () => {
        const socket = await enter();
        const other = await speaker();
        await settled(socket, ends);
        await ask(socket, 'join', 'red');
        other.emit('in-room', 'red', 'first');
        await next(socket, 'room-msg');
        await cutAndMiss(socket, other, 0);
        other.emit('in-room', 'red', { b: Buffer.from([1, 2, 3]) });
        await ask(other, 'echo');
        const heard = next(socket, 'room-msg');
        proxy.up();
        const [, { b }] = await heard;
        assert.deepEqual(Buffer.from(b), Buffer.from([1, 2, 3]));
        assert.equal(socket.recovered, true);
      });

      it('too late is a new connection with a new id', async () => {
        const socket = await enter();
        const other = await speaker();
        await settled(socket, ends);
        await ask(socket, 'join', 'red');
        const heard = [];
        socket.on('room-msg', (room, n) => heard.push(n));
        const { id } = socket;
        await cutAndMiss(socket, other, 4);
        await sleep(forgottenAfter + 700);
        const again = next(socket, 'welcome');
        proxy.up();
        await again;
        assert.equal(socket.recovered, false);
        assert.notEqual(socket.id, id);
        assert.deepEqual((await ask(socket, 'whoami'))[0].rooms, [socket.id]);
        assert.deepEqual(heard, []);
      });

      it('a kicked socket is not recovered', async () => {
        const socket = await enter();
        const { id } = socket;
        const gone = next(socket, 'disconnect');
        socket.emit('kick');
        await gone;
        const again = welcomed(socket);
        socket.connect();
        await again;
        assert.deepEqual([socket.recovered, socket.id === id], [false, false]);
      });

      it('a socket that left by itself is not recovered', async () => {
        const socket = await enter();
        const { id } = socket;
        socket.disconnect();
        await sleep(50);
        const again = welcomed(socket);
        socket.connect();
        await again;
        assert.deepEqual([socket.recovered, socket.id === id], [false, false]);
      });
    });
  }

  it('recovers the private namespace without asking the middleware again', async () => {
    const auth = { token: 's3cret' };
    const socket = open(clients.v4, `${proxy.url}/private`, { ...reconnecting, auth, transports: ['websocket'] });
    await welcomed(socket);
    const { id } = socket;
    auth.token = 'no longer valid';
    const gone = next(socket, 'disconnect');
    proxy.cut();
    await gone;
    await next(socket, 'connect');
    assert.deepEqual([socket.recovered, socket.id], [true, id]);
  });

  describe('raw', () => {
    async function enter(payload = '') {
      const peer = await openPeer(base, { path: '/socket.io/' });
      peer.send(`40${payload}`);
      // Node writes missed events before the CONNECT answer
      const early = [];
      let answer = await peer.next();
      while (!answer.startsWith('40')) {
        early.push(answer);
        answer = await peer.next();
      }
      return { peer, early, ...JSON.parse(answer.slice(2)) };
    }
    async function entered() {
      const it_ = await enter();
      const welcome = JSON.parse((await it_.peer.next()).slice(2));
      assert.equal(typeof welcome.at(-1), 'string', 'offset of the welcome');
      return { ...it_, offset: welcome.at(-1) };
    }
    const rejoin = (pid, offset) => enter(JSON.stringify({ pid, offset }));

    it('events carry an offset as last argument, questions and acks do not', async () => {
      const { peer } = await entered();
      peer.send('42["echo",1,2]');
      const echo = JSON.parse((await peer.next()).slice(2));
      assert.deepEqual(echo.slice(0, 3), ['echo', 1, 2]);
      assert.equal(echo.length, 4);
      assert.equal(typeof echo[3], 'string');
      peer.send('42["ask","v"]');
      assert.match(await peer.next(), /^42\d+\["question","v"\]$/);
      assert.deepEqual(await askPeer(peer, 'echo', 1), [1]);
      peer.terminate();
    });

    it('a known pid and offset keep id and pid', async () => {
      const { peer, sid, pid, offset } = await entered();
      peer.terminate();
      await sleep(50);
      const again = await rejoin(pid, offset);
      assert.deepEqual([again.sid, again.pid], [sid, pid]);
      again.peer.terminate();
    });

    it('only what came after the offset is sent again', async () => {
      const { peer, pid } = await entered();
      const offsets = [];
      for (let i = 0; i < 5; i++) {
        peer.send(`42["echo",${i}]`);
        offsets.push(JSON.parse((await peer.next()).slice(2)).at(-1));
      }
      peer.terminate();
      await sleep(50);
      const again = await rejoin(pid, offsets[2]);
      while (again.early.length < 2) again.early.push(await again.peer.next());
      assert.deepEqual(again.early.map((p) => JSON.parse(p.slice(2))[1]), [3, 4]);
      again.peer.terminate();
    });

    for (const [why, change] of [
      ['an unknown offset', ({ pid }) => [pid, 'nonsense']],
      ['an unknown pid', ({ offset }) => ['nobody', offset]],
      ['the public id instead of the private one', ({ sid, offset }) => [sid, offset]],
      ['an offset that is no string', ({ pid }) => [pid, 1]],
      ['a pid that is an object', ({ offset }) => [{}, offset]],
      ['a pid named __proto__', ({ offset }) => ['__proto__', offset]],
    ]) {
      it(`${why} is a normal new connection`, async () => {
        const first = await entered();
        first.peer.terminate();
        await sleep(50);
        const again = await rejoin(...change(first));
        assert.notEqual(again.sid, first.sid);
        assert.notEqual(again.pid, first.pid);
        again.peer.terminate();
      });
    }

    it('a session is recovered once, not by two at the same time', quirkOfReference('gives two live sockets the same id'), async () => {
      const { peer, sid, pid, offset } = await entered();
      peer.terminate();
      await sleep(50);
      const one = await rejoin(pid, offset);
      const two = await rejoin(pid, offset);
      assert.equal(one.sid, sid);
      assert.notEqual(two.sid, sid);
      one.peer.terminate();
      two.peer.terminate();
    });
  });

  it('the main port gives no pid and recovers nothing', async () => {
    const relay = await Proxy.open(server.url());
    const socket = await join(clients.v4, relay.url, { ...reconnecting, transports: ['websocket'] });
    const gone = next(socket, 'disconnect');
    relay.cut();
    await gone;
    await next(socket, 'welcome');
    assert.ok(!socket.recovered);
    closeAll();
    await relay.close();
  });
});
