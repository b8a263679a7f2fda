// socketio.md 2.5 and the upgrade pitfalls of section 5: nothing lost, nothing doubled, noops where they belong.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { clients, closeAll, engineOf, join, open } from '../lib/clients.mjs';
import { Peer } from '../lib/peer.mjs';
import { Polling, joinByPolling } from '../lib/polling.mjs';
import { Server } from '../lib/server.mjs';
import { collect, next, sleep, until, within } from '../lib/wait.mjs';

// A session with a websocket that was probed; GETs answered noop until the client says 5.
async function probed(session) {
  const peer = await Peer.open(session.wsUrl());
  peer.send('2probe');
  await peer.expect('3probe');
  return peer;
}

describe('upgrade, rule by rule', () => {
  let server;
  let base;
  before(async () => {
    server = await Server.start({ app: 'echo', ports: { main: 0 }, pingInterval: 8000, pingTimeout: 8000 });
    base = server.url();
  });
  after(() => server.stop());

  it('probe, noop for the parked GET, then the websocket carries everything', async () => {
    const session = await Polling.open(base);
    const parked = session.get();
    const peer = await probed(session);
    assert.equal((await parked).text, '6');
    peer.send('5').send('4x');
    await peer.expect('4x');
    await peer.close();
  });

  it('answers any number of GETs with noop between probe and upgrade', async () => {
    const session = await Polling.open(base);
    const peer = await probed(session);
    for (let i = 0; i < 5; i++) assert.equal((await session.get({ ms: 1500 })).text, '6', `GET ${i}`);
    peer.send('5').send('4x');
    await peer.expect('4x');
    await peer.close();
  });

  it('never lets a noop reach the websocket', async () => {
    const session = await Polling.open(base);
    const parked = session.get();
    const peer = await probed(session);
    await parked;
    peer.send('5');
    await sleep(350);
    peer.send('4x');
    await peer.expect('4x');
    assert.deepEqual(peer.log, ['3probe', '4x']);
    await peer.close();
  });

  it('takes POSTs until the upgrade packet, in order with what the websocket sends after it', async () => {
    const session = await Polling.open(base);
    const parked = session.get();
    const peer = await probed(session);
    await parked;
    await session.send('4one', '4two');
    peer.send('5').send('4three');
    await peer.expect('4one', '4two', '4three');
    await peer.close();
  });

  it('delivers by a waiting GET what the application sends between probe and upgrade', async () => {
    const session = await Polling.open(base);
    const peer = await probed(session);
    const got = [];
    await session.send('4a');
    while (!got.includes('4a')) got.push(...(await session.poll()));
    assert.deepEqual(got.filter((p) => p !== '6'), ['4a']);
    await session.send('4b');
    peer.send('5').send('4c');
    await peer.expect('4b', '4c');
    await peer.close();
  });

  it('flushes what waited onto the websocket, in order', async () => {
    const session = await Polling.open(base);
    const packets = Array.from({ length: 200 }, (_, i) => `4${i}`);
    const peer = await probed(session);
    await session.send(...packets);
    peer.send('5');
    await peer.expect(...packets);
    await peer.close();
  });

  it('refuses any HTTP request with code 3 after the upgrade; the session goes on', async () => {
    const session = await Polling.open(base);
    const peer = await probed(session);
    peer.send('5').send('4x');
    await peer.expect('4x');
    for (const answer of [await session.get(), await session.post('4y')]) {
      assert.deepEqual([answer.status, answer.json().code], [400, 3]);
    }
    peer.send('4z');
    await peer.expect('4z');
    await peer.close();
  });

  for (const first of ['4x', '2', '2prob', '3probe', '6', '1', 'x', Buffer.from([1])]) {
    it(`closes a new websocket that begins with ${JSON.stringify(first)}; the session polls on and may try again`, async () => {
      const session = await Polling.open(base);
      const peer = await Peer.open(session.wsUrl());
      peer.send(first);
      await peer.end();
      await session.send('4still');
      assert.deepEqual((await session.poll()).filter((p) => p !== '6'), ['4still']);
      const second = await probed(session);
      second.send('5').send('4up');
      await second.expect('4up');
      await second.close();
    });
  }

  it('goes on by polling when the websocket breaks off after the probe', async () => {
    const session = await Polling.open(base);
    const peer = await probed(session);
    peer.terminate();
    await sleep(50);
    await session.send('4still');
    let packets;
    do packets = await session.poll(); while (packets[0] === '6');
    assert.deepEqual(packets, ['4still']);
    const second = await probed(session);
    second.send('5').send('4up');
    await second.expect('4up');
    await second.close();
  });

  it('stops answering noop when the upgrade was abandoned', async () => {
    const session = await Polling.open(base);
    const peer = await probed(session);
    peer.terminate();
    await sleep(150);
    const parked = session.get({ ms: 700 });
    await assert.rejects(parked, /nothing within/);
  });

  it('goes on delivering by polling although the client never sends 5', async () => {
    const session = await Polling.open(base);
    const peer = await probed(session);
    const got = [];
    for (let i = 0; i < 5; i++) await session.send(`4${i}`);
    while (got.filter((p) => p !== '6').length < 5) got.push(...(await session.poll()));
    assert.deepEqual(got.filter((p) => p !== '6'), ['40', '41', '42', '43', '44']);
    assert.deepEqual(peer.log, ['3probe']);
    await peer.close();
  });

  it('closes a second websocket while the first is upgrading; the first goes on', async () => {
    const session = await Polling.open(base);
    const parked = session.get();
    const peer = await probed(session);
    await parked;
    const second = await Peer.open(session.wsUrl());
    await second.end();
    peer.send('5').send('4x');
    await peer.expect('4x');
    await peer.close();
  });

  it('closes a second websocket after the upgrade; the first goes on', async () => {
    const session = await Polling.open(base);
    const peer = await probed(session);
    peer.send('5').send('4x');
    await peer.expect('4x');
    const second = await Peer.open(session.wsUrl());
    second.send('2probe');
    await second.end();
    assert.deepEqual(second.log, []);
    peer.send('4y');
    await peer.expect('4y');
    await peer.close();
  });

  it('closes a websocket with the sid of a session that began as websocket', async () => {
    const first = await Peer.open(`${base}/engine.io/?EIO=4&transport=websocket`);
    const { sid } = JSON.parse((await first.next()).slice(1));
    const second = await Peer.open(`${base}/engine.io/?EIO=4&transport=websocket&sid=${sid}`).catch((e) => e);
    if (second instanceof Peer) {
      // Node takes it for an upgrade of a websocket by a websocket: it must at least never get the session's messages
      first.send('4mine');
      await first.expect('4mine');
      assert.deepEqual(second.log, []);
      second.terminate();
    } else {
      assert.equal(second.status, 400);
    }
    await first.close();
  });

  it('closes the new websocket when the session ends meanwhile', async () => {
    const session = await Polling.open(base);
    const peer = await probed(session);
    await session.send('1');
    await peer.end();
  });

  it('keeps the session at most upgradeTimeout in upgrade: the silent websocket is closed after about 10 s, the session stays',
    { timeout: 20000 }, async () => {
      const session = await Polling.open(base);
      const started = Date.now();
      const peer = await probed(session);
      await peer.end(13000);
      const took = Date.now() - started;
      assert.ok(took > 8000, `closed after ${took} ms`);
      assert.equal(await session.isAlive(), true);
      await session.send('4still');
      const got = [];
      while (!got.includes('4still')) got.push(...(await session.poll()));
      assert.deepEqual(got.filter((p) => p !== '2' && p !== '6'), ['4still']);
    });

  it('sends pings by the transport that is current', async () => {
    const quick = await Server.start({ app: 'echo', ports: { main: 0 }, pingInterval: 200, pingTimeout: 5000 });
    try {
      const session = await Polling.open(quick.url());
      const peer = await Peer.open(session.wsUrl(), { answersPings: false });
      peer.send('2probe');
      await peer.expect('3probe');
      peer.send('5');
      assert.equal(await peer.next(2000), '2');
      peer.send('3');
      assert.equal(await peer.next(2000), '2');
      await peer.close();
    } finally {
      await quick.stop();
    }
  });
});

describe('upgrade in mid-stream', () => {
  let server;
  let base;
  before(async () => {
    server = await Server.start({ app: 'echo', ports: { main: 0 }, pingInterval: 8000, pingTimeout: 8000 });
    base = server.url();
  });
  afterEach(closeAll);
  after(() => server.stop());

  // One round with raw peers: the websocket appears at a chosen moment of the stream, POSTs race with the upgrade packet.
  async function rawRound(round) {
    const session = await joinByPolling(base);
    const ticks = 120;
    await session.send(`42["stream",${ticks},1]`);
    const posted = [];
    let n = 0;
    const post = async () => session.send(...Array.from({ length: 3 }, () => (posted.push(n), `42["echo",${n++}]`)));
    for (let i = 0; i < round % 5; i++) await post();
    await sleep((round * 7) % 40);
    const peer = await Peer.open(session.wsUrl());
    peer.send('2probe');
    await peer.expect('3probe');
    await post();
    await sleep((round * 13) % 30);
    await post();
    // as the official client does: no GET is open when the upgrade packet goes out
    let released = false;
    session.get = () => {
      released = true;
      return Promise.resolve({ status: 0, text: 'paused' });
    };
    await until(() => released, 'noop that releases the last GET');
    await session.ended;
    peer.send('5');
    for (let i = 0; i < 3; i++) peer.send(`42["echo",${(posted.push(n), n++)}]`);
    const all = session.inbox.drain().filter((p) => p !== '6');
    while (all.length < ticks + posted.length) {
      const packet = await peer.next();
      assert.notEqual(packet, '6', 'noop on the websocket');
      all.push(packet);
    }
    const of = (event) => all.map((p) => JSON.parse(p.slice(2))).filter(([e]) => e === event).map(([, v]) => v);
    assert.deepEqual(of('tick'), Array.from({ length: ticks }, (_, i) => i), `ticks of round ${round}`);
    assert.deepEqual(of('echo'), posted, `echoes of round ${round}`);
    await sleep(5);
    assert.equal(peer.inbox.size, 0, 'something came twice');
    await peer.close();
  }

  it('raw peers: 60 rounds, every tick and every echo once and in order', async () => {
    for (let from = 0; from < 60; from += 10) {
      await Promise.all(Array.from({ length: 10 }, (_, i) => rawRound(from + i)));
    }
  });

  for (const row of ['v4', 'v3', 'v2']) {
    it(`${clients[row].title}: 40 rounds while it streams and emits, nothing lost, doubled or out of order`, async () => {
      const order = Array.from({ length: 150 }, (_, i) => i);
      async function round(i) {
        const socket = open(clients[row], base, { transports: ['polling', 'websocket'] });
        const upgraded = next(engineOf(socket), 'upgrade', 10000);
        const ticks = collect(socket, 'tick', 150);
        const echoes = collect(socket, 'echo', 150);
        let extra = 0;
        await next(socket, 'connect', 10000);
        socket.emit('stream', 150, i % 2);
        for (const n of order) {
          socket.emit('echo', n);
          if (n % 10 === i % 10) await sleep(1);
        }
        const got = await Promise.all([ticks, echoes]);
        assert.deepEqual(got.map((all) => all.map(([n]) => n)), [order, order], `round ${i}`);
        socket.on('tick', () => extra++);
        socket.on('echo', () => extra++);
        await upgraded;
        await sleep(20);
        assert.equal(extra, 0, 'something came twice');
        socket.disconnect();
      }
      for (let from = 0; from < 40; from += 8) await Promise.all(Array.from({ length: 8 }, (_, i) => round(from + i)));
    });
  }

  it('completes although the outbound queue never empties', async () => {
    const noisy = await join(clients.v4, base, { transports: ['websocket'] });
    const socket = open(clients.v4, base, { transports: ['polling', 'websocket'] });
    const upgraded = next(engineOf(socket), 'upgrade', 8000);
    await next(socket, 'welcome');
    await within(3000, new Promise((resolve) => socket.emit('join', 'noise', resolve)), 'join');
    const timer = setInterval(() => {
      for (let i = 0; i < 5; i++) noisy.emit('in-room', 'noise', i);
    }, 1);
    try {
      await upgraded;
    } finally {
      clearInterval(timer);
    }
  });
});
