// socketio.md 2.6: who pings, who answers, and when a session is over. Times are lower bounds plus generous upper ones.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Polling3 } from '../lib/eio3.mjs';
import { Peer, joinPeer, openPeer, reasonOf } from '../lib/peer.mjs';
import { Polling } from '../lib/polling.mjs';
import { Server, quirkOfReference } from '../lib/server.mjs';
import { sleep, until } from '../lib/wait.mjs';

const interval = 400;
const timeout = 300;

describe('heartbeat', { concurrency: true }, () => {
  let server;
  let base;
  before(async () => {
    server = await Server.start({ app: 'echo', ports: { main: 0 }, pingInterval: interval, pingTimeout: timeout });
    base = server.url();
  });
  after(() => server.stop());

  const silent = (query = '') => openPeer(base, { answersPings: false, query });

  it('EIO4: the first ping comes one interval after the handshake, the next one interval after the pong', async () => {
    const opened = Date.now();
    const peer = await silent();
    assert.equal(await peer.next(), '2');
    const first = Date.now() - opened;
    assert.ok(first >= interval - 5 && first < interval * 3, `first ping after ${first} ms`);
    await sleep(100);
    const answered = Date.now();
    peer.send('3');
    assert.equal(await peer.next(), '2');
    const second = Date.now() - answered;
    assert.ok(second >= interval - 5 && second < interval * 3, `second ping ${second} ms after the pong`);
    peer.terminate();
  });

  it('EIO4: no second ping is sent while the first is not answered', async () => {
    const peer = await silent();
    await peer.end();
    assert.deepEqual(peer.log.filter((p) => p === '2'), ['2']);
  });

  it('EIO4: a session without pong is over after interval and timeout', async () => {
    const opened = Date.now();
    const peer = await silent();
    await peer.end();
    const took = Date.now() - opened;
    assert.ok(took >= interval + timeout - 20 && took < (interval + timeout) * 3, `closed after ${took} ms`);
  });

  it('EIO4: other traffic does not count as pong for ever', async () => {
    const peer = await silent();
    const timer = setInterval(() => peer.send('4x'), 50);
    try {
      await peer.end(interval + 4 * timeout);
    } finally {
      clearInterval(timer);
    }
  });

  it('EIO4: a pong that nobody asked for does not delay the end', async () => {
    const peer = await silent();
    await sleep(100);
    peer.send('3').send('4x');
    assert.equal(await peer.next(), '4x');
    await peer.end(4 * (interval + timeout));
  });

  it('EIO4: the server keeps "ping timeout" as the reason', async () => {
    const peer = await joinPeer(base, { answersPings: false });
    await peer.end();
    assert.equal(await reasonOf(base, peer.ioSid), 'ping timeout');
  });

  it('EIO4 over polling: the ping is a packet like another, and the session lives while it is answered', async () => {
    const session = await Polling.open(base);
    for (let i = 0; i < 3; i++) {
      assert.deepEqual(await session.poll(), ['2']);
      await session.send('3');
    }
    assert.equal(await session.isAlive(), true);
  });

  it('EIO4 over polling: a session never polled is over after interval and timeout', async () => {
    const session = await Polling.open(base);
    await sleep(interval + timeout - 150);
    assert.equal(await session.isAlive(), true, 'too early');
    await until(async () => !(await session.isAlive()), 'end of the session', 2000);
  });

  it('EIO4 over polling: a parked GET is released when the session times out', async () => {
    const session = await Polling.open(base);
    assert.deepEqual(await session.poll(), ['2']);
    const started = Date.now();
    const answer = await session.get().catch((e) => ({ status: 0, text: e.message }));
    assert.ok(Date.now() - started < 5 * timeout, 'the GET hung');
    assert.ok(answer.status !== 200 || ['6', '1'].includes(answer.text), answer.text);
  });

  it('EIO4: an upgraded session that stops answering is over as well',
    quirkOfReference('completing an upgrade clears a running ping timeout'), async () => {
      const session = await Polling.open(base);
      assert.deepEqual(await session.poll(), ['2']); // unanswered
      const peer = await Peer.open(session.wsUrl(), { answersPings: false });
      peer.send('2probe');
      await peer.expect('3probe');
      peer.send('5');
      await peer.end(4 * (interval + timeout));
    });

  it('EIO3: the client pings and is answered; the server never pings', async () => {
    const peer = await openPeer(base, { eio: 3, answersPings: false });
    if (peer.log.length > 1) assert.equal(peer.log[1], '40');
    for (let i = 0; i < 4; i++) {
      await sleep(200);
      peer.send('2');
      assert.equal(await peer.next(), '3');
    }
    peer.send('2probe');
    assert.match(await peer.next(), /^3(probe)?$/); // Node sends the data back only while probing
    assert.ok(!peer.log.includes('2'));
    peer.terminate();
  });

  it('EIO3: a session without ping is over after interval plus timeout', async () => {
    const opened = Date.now();
    const peer = await openPeer(base, { eio: 3, answersPings: false });
    await peer.end();
    const took = Date.now() - opened;
    assert.ok(took >= interval + timeout - 20 && took < (interval + timeout) * 3, `closed after ${took} ms`);
  });

  it('EIO3: a pong of the client is the wrong direction and ends the session', async () => {
    const peer = await openPeer(base, { eio: 3, answersPings: false });
    peer.send('3');
    await peer.end(interval + timeout - 100);
  });

  it('EIO3: an upgraded session without ping is over as well',
    quirkOfReference('completing an upgrade clears the timeout of an EIO3 session'), async () => {
      const session = await Polling3.open(base);
      const peer = await Peer.open(session.url().replace('http', 'ws').replace('=polling', '=websocket'), { answersPings: false });
      peer.send('2probe');
      await peer.expect('3probe');
      peer.send('5');
      await peer.end(4 * (interval + timeout));
    });
});
