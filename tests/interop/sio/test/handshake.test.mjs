// socketio.md 2.2: what a new session is told.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { exchange, request, upgradeHead } from '../lib/http.mjs';
import { joinPeer, openPeer } from '../lib/peer.mjs';
import { Polling, RS, joinByPolling } from '../lib/polling.mjs';
import { Server } from '../lib/server.mjs';

describe('handshake', () => {
  let server;
  let base;
  before(async () => {
    server = await Server.start({ app: 'echo', pingInterval: 3456, pingTimeout: 2345, maxPayload: 123456 });
    base = server.url();
  });
  after(() => server.stop());

  it('by polling has exactly the five keys with the settings, and offers the websocket', async () => {
    const { handshake } = await Polling.open(base);
    assert.deepEqual(handshake, {
      sid: handshake.sid, upgrades: ['websocket'], pingInterval: 3456, pingTimeout: 2345, maxPayload: 123456,
    });
  });

  it('by websocket offers nothing more', async () => {
    const peer = await openPeer(base);
    assert.deepEqual(peer.handshake, {
      sid: peer.sid, upgrades: [], pingInterval: 3456, pingTimeout: 2345, maxPayload: 123456,
    });
    await peer.close();
  });

  it('gives session ids of 20 URL-safe characters, all different', async () => {
    const sids = await Promise.all(Array.from({ length: 30 }, async () => (await Polling.open(base)).sid));
    for (const sid of sids) assert.match(sid, /^[A-Za-z0-9_-]{20}$/);
    assert.equal(new Set(sids).size, 30);
    assert.equal(new Set(sids.map((s) => s.slice(0, 16))).size, 30, 'the random part repeats');
  });

  it('gives the Socket.IO socket another id of the same shape, one per namespace', async () => {
    const peer = await joinPeer(base);
    peer.send('40/other,');
    const other = JSON.parse((await peer.next()).slice('40/other,'.length)).sid;
    for (const sid of [peer.ioSid, other]) assert.match(sid, /^[A-Za-z0-9_-]{20}$/);
    assert.equal(new Set([peer.sid, peer.ioSid, other]).size, 3);
    await peer.close();
  });

  it('has no pid unless recovery is on, and another 20-character pid where it is', async () => {
    const plain = await openPeer(base, { path: '/socket.io/' });
    plain.send('40');
    assert.deepEqual(Object.keys(JSON.parse((await plain.next()).slice(2))), ['sid']);
    await plain.close();
    const peer = await openPeer(server.url('recovery'), { path: '/socket.io/' });
    peer.send('40');
    const { sid, pid } = JSON.parse((await peer.next()).slice(2));
    assert.match(pid, /^[A-Za-z0-9_-]{20}$/);
    assert.equal(new Set([peer.sid, sid, pid]).size, 3);
    await peer.close();
  });

  it('answers the polling handshake as uncacheable UTF-8 text with its length', async () => {
    const { headers, body } = (await Polling.open(base)).answer;
    assert.equal(headers['content-type'], 'text/plain; charset=UTF-8');
    assert.equal(headers['content-length'], String(body.length));
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(headers['x-xss-protection'], undefined);
    assert.equal(headers['content-encoding'], undefined);
  });

  it('answers a POST as text/html with the body ok', async () => {
    const session = await Polling.open(base);
    const answer = await session.post('4x');
    assert.deepEqual([answer.status, answer.text, answer.headers['content-length']], [200, 'ok', '2']);
    assert.match(answer.headers['content-type'], /^text\/html/);
    assert.equal(answer.headers['cache-control'], 'no-store');
  });

  for (const agent of ['Mozilla/4.0 (compatible;MSIE 8.0; Windows NT 6.1)', 'Mozilla/5.0 (Windows NT 10.0; Trident/7.0; rv:11.0) like Gecko']) {
    it(`tells ${/MSIE|Trident/.exec(agent)[0]} not to filter`, async () => {
      const session = await Polling.open(base, { headers: { 'User-Agent': agent } });
      assert.equal(session.answer.headers['x-xss-protection'], '0');
    });
  }

  it('sets no cookie when none was asked for', async () => {
    const session = await Polling.open(base);
    const peer = await openPeer(base);
    assert.equal(session.answer.headers['set-cookie'], undefined);
    assert.equal(peer.upgradeHeaders['set-cookie'], undefined);
    await peer.close();
  });

  it('tells the handler the query of the handshake, not of later requests', async () => {
    const session = await joinByPolling(base, { query: '&x=%F0%9F%98%80+y%26' });
    await session.send('421["echo"]');
    assert.equal(await session.next(), '431[]');
    await session.send('41');
    const again = await Polling.open(base, { path: '/socket.io/', query: '&x=%F0%9F%98%80+y%26' });
    await again.post('40');
    const [, welcome] = (await again.poll()).join(RS).split(RS);
    assert.equal(JSON.parse((welcome ?? (await again.poll())[0]).slice(2))[1].query.x, '😀 y&');
  });

  it('takes the first frames that follow the upgrade request in the same segment', async () => {
    const { text } = await exchange(
      base,
      Buffer.concat([
        Buffer.from(upgradeHead('/engine.io/?EIO=4&transport=websocket')),
        Buffer.from([0x81, 0x86, 0, 0, 0, 0]), Buffer.from('4early'),
      ]),
      { untilText: '4early' },
    );
    assert.match(text, /^HTTP\/1\.1 101 /);
    assert.match(text, /sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/i);
    assert.ok(text.includes('0{"sid"') && text.endsWith('4early'), text);
  });

  it('answers keep-alive requests on one connection', async () => {
    const { Agent } = await import('node:http');
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set();
    agent.on('free', (socket) => ports.add(socket.localPort));
    for (let i = 0; i < 5; i++) {
      const answer = await request(`${base}/engine.io/?EIO=4&transport=polling`, { agent });
      assert.equal(answer.status, 200);
    }
    agent.destroy();
    assert.ok(ports.size <= 1, `used ${ports.size} connections`);
  });
});
