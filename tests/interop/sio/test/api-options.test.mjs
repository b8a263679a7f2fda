// libsio's public API, second part: middlewares, options, and what is refused before it is sent.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, describe, it } from 'node:test';
import { ApiServer } from '../lib/api.mjs';
import { closeAll, open, clients } from '../lib/clients.mjs';
import { request } from '../lib/http.mjs';
import { Peer, openPeer } from '../lib/peer.mjs';
import { clientDir, isReference } from '../lib/server.mjs';
import { collect, next, sleep, until } from '../lib/wait.mjs';

const E = { invalid: -2 };
const started = [];
async function start(options) {
  const server = await ApiServer.start(options);
  started.push(server);
  return server;
}
const poll = (server, query = '', init) => request(`${server.url()}/socket.io/?EIO=4&transport=polling${query}`, init);

describe('public API: options and refusals', { skip: isReference && 'about libsio, not about the protocol' }, () => {
  afterEach(closeAll);
  after(async () => {
    for (const server of started) await server.stop();
  });

  describe('connection middlewares', () => {
    it('run in order, also when the first takes its time; then comes the connection handler', async () => {
      const server = await start();
      const a = open(clients.v4, server.url(), { transports: ['websocket'], auth: { trace: 1, slow: 1, hello: 1 } });
      const hello = next(a, 'hello');
      assert.equal(a.connected, false);
      await hello;
      assert.equal(a.connected, true);
    });
    it('refuse with a message and data, and the same connection may try another namespace', async () => {
      const server = await start();
      const a = open(clients.v4, server.url(), { transports: ['websocket'], auth: { refuse: 1 } });
      const [error] = await next(a, 'connect_error');
      assert.deepEqual([error.message, error.data], ['not you', { code: 7, why: ['é'] }]);
      const second = a.io.socket('/second', { auth: {} });
      await next(second, 'connect');
    });
    it('a client that hangs up while one thinks does no harm', async () => {
      const server = await start();
      for (let i = 0; i < 20; i++) {
        const peer = await Peer.open(`${server.url()}/socket.io/?EIO=4&transport=websocket`);
        peer.send('40{"slow":1}').send('40/second,{"slow":1}');
        await sleep(5);
        peer.terminate();
      }
      await sleep(350);
      const a = await server.join();
      assert.equal((await a.ask('who'))[0].count, 1);
    });
  });

  it('a socket knows its rooms', async () => {
    const server = await start();
    const a = await server.join();
    await a.ask('join', 'x');
    assert.deepEqual(await a.ask('rooms', 'x'), [true, a.id, 'x']);
    assert.deepEqual(await a.ask('rooms', a.id), [true, a.id, 'x']);
    await a.ask('leave', 'x');
    assert.deepEqual(await a.ask('rooms', 'x'), [false, a.id]);
  });

  for (const [why, name, args] of [
    ...['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener'].map((name) => ['reserved name', name, '1']),
    ['no JSON', 'x', 'oops'],
    ['an object that does not end', 'x', '{"a":1'],
    ['an empty argument', 'x', '1,,2'],
    ['more than the list', 'x', '1],["y"'],
  ]) {
    it(`emit, broadcast and emit with ack refuse ${why}: ${name} ${args}`, async () => {
      const server = await start();
      const a = await server.join();
      assert.deepEqual(await a.ask('emit-raw', name, args), [E.invalid]);
    });
  }

  it('metrics as text, and what does not fit says so', async () => {
    const server = await start();
    const a = await server.join();
    const [length] = await a.ask('metrics');
    assert.ok(length > 1000, `${length} bytes`);
  });

  it('closing: every socket is told "server shutting down", and polling clients come once more to hear it', async () => {
    const server = await ApiServer.start();
    const [a, b] = [await server.join(), await server.join({ transports: ['polling'] })];
    const gone = Promise.all([next(a, 'disconnect'), next(b, 'disconnect')]);
    await server.stop();
    assert.deepEqual((await gone).map(([reason]) => reason), ['transport close', 'transport close']);
    assert.equal(server.stderr, 'server shutting down\n'.repeat(2));
  });

  it('closing: /health and new sessions are answered 503 meanwhile, a session that polls late is told', async () => {
    const server = await ApiServer.start();
    const sid = `&sid=${JSON.parse((await poll(server)).text.slice(1)).sid}`;
    await poll(server, sid, { method: 'POST', body: '40' });
    await poll(server, sid);
    const stopped = server.stop();
    await until(async () => (await request(`${server.url()}/health`)).status === 503, '/health says that it closes');
    assert.equal((await poll(server)).status, 503);
    assert.equal((await poll(server, sid)).text, '1');
    await stopped;
  });

  describe('recovery', () => {
    async function cutAndFlood(options, auth) {
      const server = await start({ recovery: 20000, 'recovery-packets': 50, 'recovery-use': 1, ...options });
      const [a, b] = [await server.join({ reconnection: Boolean(auth), reconnectionDelay: 50, auth }), await server.join()];
      const first = next(a, 'news');
      await b.ask('to', '', '', 0, 'seen');
      await first;
      const heard = [];
      a.on('news', (text) => heard.push(text));
      a.io.engine.close();
      return { server, a, b, heard };
    }
    it('more missed packets than are kept: it starts anew, and knows', async () => {
      const { a, b } = await cutAndFlood();
      for (let i = 0; i < 60; i++) await b.ask('to', '', '', 0, i);
      const again = next(a, 'connect');
      a.connect(); // this one only comes back when told to
      await again;
      assert.equal(a.recovered, false);
    });
    it('packets that go while a slow middleware thinks are never missed silently', async () => {
      const { a, b, heard } = await cutAndFlood({}, { slow: 1 });
      const again = next(a, 'connect');
      await next(a.io, 'open');
      for (let i = 0; i < 60; i++) await b.ask('to', '', '', 0, i);
      await again;
      assert.ok(!a.recovered || heard.length >= 60, `recovered with ${heard.length} of 60`);
      assert.equal(a.recovered, false);
    });
    it('a room that a middleware leaves is not restored, and what was missed there is not sent', async () => {
      const server = await start({ recovery: 20000, 'recovery-use': 1 });
      const [a, b] = [await server.join({ reconnection: true, reconnectionDelay: 200 }), await server.join()];
      for (const room of ['q', 'r', 's']) await a.ask('join', room);
      const first = next(a, 'news');
      await b.ask('to', 'r', '', 0, 'seen');
      await first;
      const heard = collect(a, 'news', 3);
      a.auth = { leave: 1 }; // "r"
      a.io.engine.close();
      await until(async () => (await b.ask('who'))[0].count === 1, 'a cut off');
      for (const room of ['q', 'r', 's', 'r,s']) await b.ask('to', room, '', 0, room);
      assert.deepEqual((await heard).map(([room]) => room), ['q', 's', 'r,s']);
      assert.equal(a.recovered, true);
      const [, [found]] = await b.ask('fetch', a.id, '', 0);
      assert.deepEqual(found.rooms.sort(), [a.id, 'q', 's'].sort());
    });
  });

  describe('options', () => {
    it('client_dir: the client is served below path', async () => {
      const server = await start({ client: clientDir, path: '/rt' });
      const answer = await request(`${server.url()}/rt/socket.io.min.js`);
      assert.ok(answer.body.equals(await readFile(join(clientDir, 'socket.io.min.js'))));
      await server.join({ path: '/rt', addTrailingSlash: false });
    });
    for (const [why, options, message] of [
      ['a client_dir without a client', { client: '/' }, /no such thing/],
      ['a path without a slash', { path: 'rt' }, /malformed/],
      ['a header value with a line break', { cookie: 'a\r\nSet-Cookie: b' }, /malformed/],
      ['a transport that there is not', { transports: 8 }, /malformed/],
      ['a certificate that is not there', { cert: '/nowhere.pem' }, /no such thing/],
    ]) {
      it(`${why} is an error of the start`, async () => {
        await assert.rejects(ApiServer.start(options), message);
      });
    }
    it('is_upgrade_off: no upgrade is offered, and one that is tried anyway is closed', async () => {
      const server = await start({ 'upgrade-off': 1 });
      const { sid, upgrades } = JSON.parse((await poll(server)).text.slice(1));
      assert.deepEqual(upgrades, []);
      const peer = await Peer.open(`${server.url()}/socket.io/?EIO=4&transport=websocket&sid=${sid}`);
      await peer.end();
      assert.equal((await poll(server, `&sid=${sid}`, { method: 'POST', body: '40' })).status, 200);
      const a = await server.join({ transports: ['polling', 'websocket'] });
      await sleep(100);
      assert.equal((await a.ask('who'))[0].transport, 'polling');
    });
    it('upgrade_timeout_ms: a probe that goes no further is closed, the session lives', async () => {
      const server = await start({ 'upgrade-timeout': 200 });
      const { sid } = JSON.parse((await poll(server)).text.slice(1));
      const peer = await Peer.open(`${server.url()}/socket.io/?EIO=4&transport=websocket&sid=${sid}`);
      await peer.end(2000);
      assert.equal((await poll(server, `&sid=${sid}`, { method: 'POST', body: '40' })).status, 200);
    });
    it('http_compression_bytes: from that size on, and only when accepted', async () => {
      const server = await start({ 'compress-from': 50 });
      const gzip = { headers: { 'Accept-Encoding': 'gzip' } };
      const codingOf = async (server, init) => {
        const sid = `&sid=${JSON.parse((await poll(server)).text.slice(1)).sid}`;
        await poll(server, sid, { method: 'POST', body: '40' });
        await poll(server, sid);
        await poll(server, sid, { method: 'POST', body: '42["flood","","",0,1,3000]' });
        return (await poll(server, sid, init)).headers['content-encoding'];
      };
      assert.equal(await codingOf(server, gzip), 'gzip');
      assert.equal(await codingOf(server), undefined);
      assert.equal(await codingOf(await start({ 'compress-from': 5000 }), gzip), undefined);
    });
    it('CORS, none set: no headers, and OPTIONS is a bad handshake method', async () => {
      const server = await start();
      const answer = await poll(server, '', { headers: { Origin: 'http://a.example' } });
      assert.deepEqual(Object.keys(answer.headers).filter((name) => /^(access-control|vary)/.test(name)), []);
      const preflight = await poll(server, '', { method: 'OPTIONS', headers: { Origin: 'http://a.example' } });
      assert.deepEqual([preflight.status, preflight.json().code], [400, 2]);
    });
    it('CORS, a list: the origin is reflected when it is in it; headers, credentials, age as set', async () => {
      const server = await start({ cors: 'http://a.example, http://b.example', 'cors-credentials': 1, 'cors-headers': 'X-One,X-Two', 'cors-exposed': 'X-Out', 'cors-age': 600 });
      for (const [origin, allowed] of [['http://a.example', 'http://a.example'], ['http://b.example', 'http://b.example'], ['http://c.example', undefined], ['http://a.example.evil', undefined]]) {
        const { headers } = await poll(server, '', { headers: { Origin: origin } });
        assert.deepEqual([headers['access-control-allow-origin'], headers.vary, headers['access-control-expose-headers']], [allowed, 'Origin', 'X-Out'], origin);
      }
      const { headers } = await poll(server, '', { method: 'OPTIONS', headers: { Origin: 'http://b.example', 'Access-Control-Request-Headers': 'x-other' } });
      assert.deepEqual(
        ['origin', 'credentials', 'headers'].map((name) => headers[`access-control-allow-${name}`]).concat(headers['access-control-max-age']),
        ['http://b.example', 'true', 'X-One,X-Two', '600'],
      );
    });
    it('cors_guards_websocket: an upgrade from an origin that is not listed is refused', async () => {
      const server = await start({ cors: 'http://a.example', 'cors-guard': 1 });
      const url = `${server.url()}/socket.io/?EIO=4&transport=websocket`;
      await assert.rejects(Peer.open(url, { origin: 'http://b.example' }), /400/);
      for (const origin of ['http://a.example', undefined]) await (await Peer.open(url, { origin })).close();
    });
  });

  it('a family of namespaces with cleanup: an empty child is forgotten, a full one is not', async () => {
    const server = await start();
    const question = async (peer) => {
      peer.send('42/dyn-1,7["ask-me",0]');
      const seen = [await peer.next(), await peer.next()];
      return seen.find((text) => text.startsWith('42/dyn-1,')).slice('42/dyn-1,'.length)[0];
    };
    // acknowledgement ids are counted by namespace: they begin again with a new one
    const joined = async () => {
      const peer = await openPeer(server.url(), { path: '/socket.io/' });
      peer.send('40/dyn-1,');
      assert.ok((await peer.next()).startsWith('40/dyn-1,'));
      return peer;
    };
    const one = await joined();
    assert.equal(await question(one), '0');
    const two = await joined();
    assert.equal(await question(two), '1');
    await one.close();
    assert.equal(await question(two), '2');
    await two.close();
    const watcher = await server.join();
    await until(async () => (await watcher.ask('who'))[0].clients === 1, 'both gone');
    const three = await joined();
    assert.equal(await question(three), '0');
    await three.close();
  });
});
