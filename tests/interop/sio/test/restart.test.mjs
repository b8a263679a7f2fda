// The server process dies (SIGKILL) or is told to stop (SIGTERM), and comes back on the same port.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { ask, clients, closeAll, join, settled, transports, whoami } from '../lib/clients.mjs';
import { joinPeer } from '../lib/peer.mjs';
import { joinByPolling } from '../lib/polling.mjs';
import { Server } from '../lib/server.mjs';
import { collect, next, sleep } from '../lib/wait.mjs';

const reconnecting = { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 150 };

describe('restart of the server', () => {
  after(closeAll);

  for (const row of Object.keys(clients)) {
    for (const [how, { transports: list, ends }] of Object.entries(transports)) {
      it(`${clients[row].title}, ${how}: reconnects after SIGKILL and a restart on the same port`, async () => {
        const first = await Server.start({ ports: { main: 0 }, pingInterval: 500, pingTimeout: 500 });
        const socket = await join(clients[row], first.url(), { ...reconnecting, transports: list });
        await settled(socket, ends);
        const oldSid = socket.welcome.sid;
        const gone = next(socket, 'disconnect');
        await sleep(60);
        await first.kill();
        const [reason] = await gone;
        assert.match(reason, /^transport (close|error)$/);
        const welcomedAgain = next(socket, 'welcome', 8000);
        const second = await first.again();
        const [welcome] = await welcomedAgain;
        assert.notEqual(welcome.sid, oldSid);
        await settled(socket, ends);
        assert.deepEqual(await ask(socket, 'echo', 'again'), ['again']);
        const ticks = collect(socket, 'tick', 100);
        socket.emit('stream', 100, 0);
        assert.deepEqual((await ticks).map(([i]) => i), Array.from({ length: 100 }, (_, i) => i));
        socket.disconnect();
        await second.stop();
      });
    }
  }

  for (const [how, { transports: list, ends }] of Object.entries(transports)) {
    it(`${how}: SIGTERM is told as "transport close", so the client comes back by itself; the process exits 0`, async () => {
      const first = await Server.start({ ports: { main: 0 }, pingInterval: 5000, pingTimeout: 5000 });
      const socket = await join(clients.v4, first.url(), { ...reconnecting, transports: list });
      await settled(socket, ends);
      await sleep(60);
      const gone = next(socket, 'disconnect');
      const stopped = first.stop();
      const [reason] = await gone;
      assert.equal(reason, 'transport close', 'a client told "io server disconnect" would stay away');
      await stopped;
      const second = await first.again();
      if (!socket.connected) await next(socket, 'connect', 8000);
      assert.equal((await whoami(socket)).sid, socket.id);
      socket.disconnect();
      await second.stop();
    });
  }

  it('SIGTERM sends what was emitted before', async () => {
    const server = await Server.start({ ports: { main: 0 } });
    const peer = await joinPeer(server.url());
    peer.send('42["stream",2000,0]');
    await peer.next();
    await server.stop();
    await peer.end();
    assert.deepEqual(peer.log.filter((p) => p.startsWith('42["tick"')), Array.from({ length: 2000 }, (_, i) => `42["tick",${i}]`));
  });

  it('SIGTERM releases a parked GET', async () => {
    const server = await Server.start({ ports: { main: 0 }, pingInterval: 20000 });
    const session = await joinByPolling(server.url());
    await sleep(50);
    await server.stop();
    await session.ended;
  });

  it('SIGTERM with nobody connected and with many connected ends at once', async () => {
    const quiet = await Server.start({ ports: { main: 0, msgpack: 0, recovery: 0 } });
    await quiet.stop(3000);
    const busy = await Server.start({ ports: { main: 0 } });
    await Promise.all(Array.from({ length: 50 }, () => joinPeer(busy.url())));
    await busy.stop(5000);
  });

  it('a port that is taken ends the second process with an error, not the first', async () => {
    const first = await Server.start({ ports: { main: 0 } });
    await assert.rejects(first.again(), /ended by itself \(code (?!0)\d+/);
    const peer = await joinPeer(first.url());
    await peer.close();
    await first.stop();
  });
});
