// Each limit given on the command line: what lies within it passes, what exceeds it is refused, counted and harms nobody else.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, describe, it } from 'node:test';
import { request } from '../lib/http.mjs';
import { Peer, askPeer, joinPeer, openPeer, reasonOf } from '../lib/peer.mjs';
import { Polling } from '../lib/polling.mjs';
import { Server } from '../lib/server.mjs';
import { sleep, until } from '../lib/wait.mjs';

const started = [];
async function start(options) {
  const server = await Server.start({ ports: { main: 0 }, pingInterval: 8000, pingTimeout: 8000, ...options });
  started.push(server);
  return server;
}

// Refused in whatever way: an HTTP status of 4xx or 5xx, never a session.
async function assertRefused(server) {
  const byPolling = await request(`${server.url()}/engine.io/?EIO=4&transport=polling`);
  assert.ok(byPolling.status >= 400 && byPolling.status < 600, `polling: ${byPolling.status} ${byPolling.text}`);
  await assert.rejects(Peer.open(`${server.url()}/engine.io/?EIO=4&transport=websocket`), 'websocket');
}

describe('limits', () => {
  after(() => Promise.all(started.map((server) => server.stop())));

  for (const [option, name] of [['maxConnections', 'connections'], ['maxConnectionsPerIp', 'connections per address']]) {
    it(`${name}: the one above the limit is refused and counted; when one leaves, the next is admitted`, async () => {
      const server = await start({ [option]: 5 });
      const peers = await Promise.all(Array.from({ length: 5 }, () => joinPeer(server.url())));
      const before = await server.metrics();
      await assertRefused(server);
      await server.assertCounted(before, /refus|reject|limit|exceed|max|denied|drop/i);
      assert.deepEqual(await askPeer(peers[0], 'echo', 'fine'), ['fine']);
      await peers[4].close();
      const next = await until(() => joinPeer(server.url()).catch(() => null), 'admission after one left');
      for (const peer of [...peers.slice(0, 4), next]) await peer.close();
    });
  }

  it('connections: an upgrade does not count twice', async () => {
    const server = await start({ maxConnections: 1 });
    const session = await Polling.open(server.url());
    const peer = await Peer.open(session.wsUrl());
    peer.send('2probe');
    await peer.expect('3probe');
    peer.send('5').send('4x');
    await peer.expect('4x');
    await peer.close();
    const next = await until(() => openPeer(server.url()).catch(() => null), 'admission after it left');
    await next.close();
  });

  it('connections: polling sessions count, and make room when they end', async () => {
    const server = await start({ maxConnections: 3 });
    const sessions = await Promise.all(Array.from({ length: 3 }, () => Polling.open(server.url())));
    await assertRefused(server);
    await sessions[0].send('1');
    await until(() => Polling.open(server.url()).catch(() => null), 'admission after one left');
  });

  it('handshake rate: a burst is cut, later handshakes pass, live sessions never notice', async () => {
    const server = await start({ handshakeRate: 10 });
    const peer = await joinPeer(server.url());
    const before = await server.metrics();
    const answers = await Promise.all(
      Array.from({ length: 60 }, () => request(`${server.url()}/engine.io/?EIO=4&transport=polling`).then((a) => a.status)),
    );
    const admitted = answers.filter((status) => status === 200).length;
    assert.ok(admitted >= 1 && admitted <= 40, `${admitted} of 60 admitted`);
    await server.assertCounted(before, /refus|reject|limit|exceed|rate|denied|drop/i);
    assert.deepEqual(await askPeer(peer, 'echo', 'fine'), ['fine']);
    await sleep(1500);
    const late = await openPeer(server.url());
    await late.close();
    await peer.close();
  });

  it('rooms per socket: joins above the limit do not happen and are counted', async () => {
    const server = await start({ maxRooms: 5 });
    const [peer, other] = [await joinPeer(server.url()), await joinPeer(server.url())];
    const before = await server.metrics();
    for (let i = 0; i < 10; i++) peer.send(`42${i}["join","room ${i}"]`);
    await until(async () => (await server.metrics()) && peer.inbox.size >= 10, 'ten acks', 3000).catch(() => {});
    peer.inbox.drain();
    const [{ rooms }] = await askPeer(peer, 'whoami');
    assert.ok(rooms.length >= 4 && rooms.length <= 6, `in ${rooms.length} rooms`);
    await server.assertCounted(before, /room|limit|refus|reject|exceed/i);
    await askPeer(other, 'join', 'room 0');
    other.send('42["to-room","room 0","x"]');
    await peer.expect('42["room-msg","room 0","x"]');
    await peer.close();
    await other.close();
  });

  it('attachments per packet: up to the limit passes, one more ends the connection and is counted', async () => {
    const server = await start({ maxAttachments: 3 });
    const packet = (n) => `45${n}-1["echo",${Array.from({ length: n }, (_, i) => `{"_placeholder":true,"num":${i}}`).join(',')}]`;
    const peer = await joinPeer(server.url());
    peer.send(packet(3));
    for (let i = 0; i < 3; i++) peer.send(randomBytes(10));
    assert.ok((await peer.next()).startsWith('463-1['));
    for (let i = 0; i < 3; i++) await peer.next();
    const before = await server.metrics();
    peer.send(packet(4));
    await peer.end();
    assert.equal(await reasonOf(server.url(), peer.ioSid), 'forced close');
    await server.assertCounted(before, /attach|pars|decod|error|limit|invalid/i);
  });

  it('send queue: a reader that stops reading is cut off and counted, the others hear everything', async () => {
    const server = await start({ maxSendQueue: 1 << 20 });
    const [slow, speaker, reader] = await Promise.all(Array.from({ length: 3 }, () => joinPeer(server.url())));
    for (const peer of [slow, reader]) await askPeer(peer, 'join', 'r');
    const before = await server.metrics();
    slow.ws.pause();
    const chunk = 'x'.repeat(64 * 1024);
    const rounds = 400; // 25 MiB, more than any socket buffer of the kernel takes
    for (let i = 0; i < rounds; i++) {
      speaker.send(`42["to-room","r","${i}:${chunk}"]`);
      const packet = await reader.next();
      assert.ok(packet.startsWith(`42["room-msg","r","${i}:`), `message ${i}`);
    }
    assert.match(await reasonOf(server.url(), slow.ioSid), /^(transport (close|error)|forced (server )?close)$/);
    await server.assertCounted(before, /queue|slow|limit|drop|back_?pressure|overflow|exceed/i);
    slow.terminate();
    for (const peer of [speaker, reader]) await peer.close();
  });
});
