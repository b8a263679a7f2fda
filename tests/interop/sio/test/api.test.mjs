// libsio's public C API, each function through a real client: tests/api/api_server puts it behind events.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, describe, it } from 'node:test';
import parser from 'socket.io-msgpack-parser';
import { ApiServer } from '../lib/api.mjs';
import { clients, closeAll, open } from '../lib/clients.mjs';
import { request } from '../lib/http.mjs';
import { Peer } from '../lib/peer.mjs';
import { isReference } from '../lib/server.mjs';
import { collect, next, sleep, until } from '../lib/wait.mjs';

const VOLATILE = 1, NO_COMPRESS = 2, LOCAL = 4;
const E = { invalid: -2, notFound: -6, timeout: -13, closed: -14, full: -15, unsupported: -21 };
const all = ['', '', 0];
const skip = isReference && 'about libsio, not about the protocol';

const started = [];
async function start(options) {
  const server = await ApiServer.start(options);
  started.push(server);
  return server;
}
const answers = (socket, value) => socket.on('question', (...args) => args.at(-1)(value));
const silent = async (socket, event, ms = 150) => {
  let heard = 0;
  const listener = () => heard++;
  socket.on(event, listener);
  await sleep(ms);
  socket.off(event, listener);
  assert.equal(heard, 0, `"${event}" came`);
};

describe('public API', { skip }, () => {
  afterEach(closeAll);
  after(async () => {
    for (const server of started) await server.stop();
  });

  describe('targets', () => {
    it('rooms are united, each socket hears once, exceptions are left out', async () => {
      const server = await start();
      const [a, b, c] = [await server.join(), await server.join(), await server.join()];
      for (const room of ['r1', 'r2']) assert.deepEqual(await a.ask('join', room), [0]);
      await b.ask('join', 'r2');
      const [forA, forB] = [collect(a, 'news', 1), collect(b, 'news', 1)];
      assert.deepEqual(await c.ask('to', 'r1,r2', '', 0, 'x', { n: [1] }), [0]);
      assert.deepEqual([await forA, await forB], [[['x', { n: [1] }]], [['x', { n: [1] }]]]);
      await Promise.all([silent(a, 'news'), silent(c, 'news')]);
      const heard = next(b, 'news');
      await c.ask('to', 'r2', 'r1', 0, 'not for r1');
      await Promise.all([heard, silent(a, 'news')]);
      const byId = next(c, 'news');
      await a.ask('to', '', `r2,${a.id}`, 0, 'all but');
      await Promise.all([byId, silent(b, 'news')]);
      const toOne = next(b, 'news');
      await a.ask('to', b.id, '', 0, 'by id');
      assert.deepEqual(await toOne, ['by id']);
    });

    it('attachments of a broadcast arrive whole, over websocket and polling', async () => {
      const server = await start();
      const [a, b] = [await server.join(), await server.join({ transports: ['polling'] })];
      const bytes = Buffer.from([0, 1, 2, 255]);
      const arrivals = Promise.all([next(a, 'news'), next(b, 'news')]);
      await a.ask('to', ...all, 'bin', bytes, { deep: bytes });
      for (const [text, first, { deep }] of await arrivals) {
        assert.equal(text, 'bin');
        assert.deepEqual([Buffer.from(first), Buffer.from(deep)], [bytes, bytes]);
      }
    });

    it('sockets are made to join, to leave and to go', async () => {
      const server = await start();
      const [a, b, c] = [await server.join(), await server.join(), await server.join()];
      assert.deepEqual(await a.ask('sockets-join', `${a.id},${b.id}`, '', 0, 'x,y'), [0]);
      const [rc, inX] = await c.ask('fetch', 'x', '', 0);
      assert.equal(rc, 0);
      assert.deepEqual(inX.map((s) => s.id).sort(), [a.id, b.id].sort());
      assert.deepEqual(inX[0].rooms.slice(1).sort(), ['x', 'y']);
      await a.ask('sockets-leave', 'x', a.id, 0, 'y,nowhere');
      assert.deepEqual((await c.ask('fetch', 'y', '', 0))[1].map((s) => s.id), [a.id]);
      const gone = Promise.all([next(a, 'disconnect'), next(b, 'disconnect')]);
      assert.deepEqual(await c.ask('kick', 'x', '', 0, 0), [0]);
      assert.deepEqual((await gone).map(([reason]) => reason), ['io server disconnect', 'io server disconnect']);
      assert.equal((await c.ask('who'))[0].count, 1);
    });

    it('closing the connections ends every namespace on them', async () => {
      const server = await start();
      const a = await server.join();
      const second = a.io.socket('/second');
      await next(second, 'connect');
      const [b] = [await server.join()];
      const gone = Promise.all([next(a, 'disconnect'), next(second, 'disconnect')]);
      await b.ask('kick', a.id, '', 0, 1);
      await gone;
      await until(async () => (await b.ask('who'))[0].clients === 1, 'one session left');
    });

    it('a family of namespaces hears its parent; what a parent cannot do it says', async () => {
      const server = await start();
      const [a, one, two] = [await server.join(), await server.join({}, { nsp: '/dyn-1' }), await server.join({}, { nsp: '/dyn-2' })];
      const heard = Promise.all([next(one, 'news'), next(two, 'news')]);
      assert.deepEqual(await a.ask('parent'), [0]);
      assert.deepEqual(await heard, [['to the family'], ['to the family']]);
      assert.equal((await one.ask('who'))[0].namespace, '/dyn-1');
    });

    it('a volatile event is dropped for a reader that is behind, others get theirs', async () => {
      const server = await start({ 'max-queue': 64 << 20 });
      const [slow, fast] = [await server.join(), await server.join()];
      await slow.ask('join', 'slow');
      slow.io.engine.transport.ws._socket.pause();
      let count = 0;
      slow.on('news', () => count++);
      await fast.ask('flood', 'slow', '', 0, 400, 50000);
      const heard = next(fast, 'news');
      assert.deepEqual(await fast.ask('to', '', '', VOLATILE, 'v'), [0]);
      await heard;
      const floods = collect(slow, 'flood', 400);
      slow.io.engine.transport.ws._socket.resume();
      await floods;
      await slow.ask('who');
      assert.equal(count, 0);
    });
  });

  describe('collected acknowledgements', () => {
    it('all answer: code 0 and each answer', async () => {
      const server = await start();
      const sockets = [await server.join(), await server.join(), await server.join({ transports: ['polling'] })];
      sockets.forEach((socket, i) => answers(socket, { i }));
      const [rc, expected, got] = await sockets[0].ask('ask', '', '', 0, 3000, 'hm?');
      assert.deepEqual([rc, expected, got.map((x) => x.i).sort()], [0, 3, [0, 1, 2]]);
    });
    it('one is silent: the time limit, with the answers so far', async () => {
      const server = await start();
      const [a, b] = [await server.join(), await server.join()];
      answers(a, 'a');
      b.on('question', () => {});
      assert.deepEqual(await a.ask('ask', '', '', 0, 300, 1), [E.timeout, 2, ['a']]);
    });
    it('one leaves: it is not waited for', async () => {
      const server = await start();
      const [a, b] = [await server.join(), await server.join()];
      answers(a, 'a');
      b.on('question', () => b.disconnect());
      assert.deepEqual(await a.ask('ask', '', '', 0, 5000, 1), [0, 1, ['a']]);
    });
    it('nobody is asked: done at once, without an answer', async () => {
      const server = await start();
      const a = await server.join();
      assert.deepEqual(await a.ask('ask', 'nowhere', '', 0, 5000), [0, 0, []]);
    });
    it('an answer without arguments counts as null, a late one does no harm', async () => {
      const server = await start();
      const [a, b] = [await server.join(), await server.join()];
      a.on('question', (ack) => ack());
      b.on('question', (ack) => setTimeout(ack, 400, 'late'));
      assert.deepEqual(await a.ask('ask', '', '', 0, 150), [E.timeout, 2, [null]]);
      await sleep(400);
      assert.equal((await a.ask('who'))[0].isFound, true);
    });
  });

  describe('one socket', () => {
    it('asks and is answered, runs out of time, or runs out of questions', async () => {
      const server = await start({ 'max-acks': 3 });
      const a = await server.join();
      a.once('question', (you, ack) => ack('here', you));
      const outcome = next(a, 'outcome');
      await a.ask('ask-me', 1000);
      assert.deepEqual(await outcome, [0, 'here', 'you']);
      const late = next(a, 'outcome');
      await a.ask('ask-me', 100);
      assert.deepEqual(await late, [E.timeout]);
      for (let i = 0; i < 3; i++) assert.deepEqual(await a.ask('ask-me', 0), [0]);
      assert.deepEqual(await a.ask('ask-me', 0), [E.full]);
      assert.equal(await server.metric(/limit="pending_acks"/), 1);
    });
    it('answers later, once, or never; a client that left meanwhile does no harm', async () => {
      const server = await start();
      const [a, b] = [await server.join(), await server.join()];
      assert.deepEqual(await a.ask('later'), ['later', { n: 1 }]);
      assert.deepEqual(await a.ask('twice'), [1]);
      await assert.rejects(a.timeout(150).emitWithAck('never'));
      b.emit('later', () => {});
      b.disconnect();
      await sleep(120);
      assert.deepEqual(await a.ask('later'), ['later', { n: 1 }]);
    });
    it('has data: its pointer is destroyed exactly once, its JSON is what others fetch', async () => {
      const server = await start();
      const [a, b] = [await server.join(), await server.join()];
      await a.ask('data', { name: 'x' });
      assert.deepEqual(await a.ask('data', { name: 'é"\\', deep: [1, null] }), [{ name: 'é"\\', deep: [1, null] }]);
      assert.deepEqual(await b.ask('destroyed'), [1]);
      const [, found] = await b.ask('fetch', a.id, '', 0);
      assert.deepEqual(found[0].data, { name: 'é"\\', deep: [1, null] });
      assert.equal(found[0].isLocal, true);
      assert.equal(found[0].handshake.address, '127.0.0.1');
      a.disconnect();
      await until(async () => (await b.ask('destroyed'))[0] === 2, 'destroy after disconnect');
    });
    it('knows its handshake', async () => {
      const server = await start();
      const a = await server.join({ extraHeaders: { 'X-Token': ' a b ' }, query: { plain: 'p', odd: 'ü &=%' } });
      assert.deepEqual(await a.ask('header', 'x-token'), ['a b']);
      assert.deepEqual(await a.ask('header', 'x-none'), ['']);
      assert.deepEqual(await a.ask('query', 'odd'), ['ü &=%']);
      assert.deepEqual(await a.ask('query', 'none'), [E.notFound]);
      const [who] = await a.ask('who');
      assert.deepEqual([who.transport, who.protocol, who.namespace, who.isFound], ['websocket', 4, '/', true]);
    });
    it('passes event middleware, catch-all listeners and the handler without a name', async () => {
      const server = await start();
      const a = await server.join();
      await assert.rejects(a.timeout(150).emitWithAck('forbidden'));
      assert.deepEqual(await a.ask('last-error'), ['not for you']);
      assert.deepEqual(await a.ask('no such event'), ['no such event']);
      const [before] = await a.ask('seen');
      await a.ask('who');
      assert.deepEqual(await a.ask('seen'), [before + 2]);
    });
  });

  describe('handlers that end what is just ending', () => {
    for (const what of ['leaves-ns', 'closes-all', 'drops', 'takes-others']) {
      for (const how of ['leaves', 'vanishes', 'is kicked', 'is closed']) {
        it(`${what}, when the client ${how}`, async () => {
          const server = await start();
          const [a, other] = [await server.join(), await server.join()];
          const second = a.io.socket('/second');
          await next(second, 'connect');
          await a.ask('data', what);
          const gone = next(a, 'disconnect');
          if (how === 'leaves') a.disconnect();
          else if (how === 'vanishes') a.io.engine.transport.ws.terminate();
          else other.emit('kick', a.id, '', 0, how === 'is closed' ? 1 : 0);
          await gone;
          const watcher = await server.join();
          await until(async () => (await watcher.ask('last-reason'))[0] !== '', 'the disconnect handler');
          assert.equal((await watcher.ask('who'))[0].isFound, true);
          await server.stop();
          started.splice(started.indexOf(server), 1);
        });
      }
    }
  });

  describe('two servers and an adapter', () => {
    it('broadcasts reach both, once, except with the local flag', async () => {
      const server = await start({ cluster: 1 });
      const [a, b] = [await server.join(), await server.join({}, { which: 'other' })];
      await a.ask('join', 'r');
      await b.ask('join', 'r');
      const bytes = Buffer.from('bytes');
      const heard = Promise.all([collect(a, 'news', 1), collect(b, 'news', 1)]);
      await a.ask('to', 'r', '', 0, 'all', bytes);
      for (const [[text, data]] of await heard) assert.deepEqual([text, Buffer.from(data)], ['all', bytes]);
      const here = next(a, 'news');
      await Promise.all([a.ask('to', 'r', '', LOCAL, 'here'), here, silent(b, 'news')]);
      const there = next(b, 'news');
      await a.ask('to', b.id, '', 0, 'you');
      assert.deepEqual(await there, ['you']);
      await Promise.all([a.ask('to', 'r', b.id, 0, 'not you'), silent(b, 'news')]);
    });
    it('answers are collected from both, in time or in part', async () => {
      const server = await start({ cluster: 1 });
      const [a, b] = [await server.join(), await server.join({}, { which: 'other' })];
      answers(a, 'a');
      answers(b, 'b');
      const [rc, expected, got] = await a.ask('ask', '', '', 0, 3000);
      assert.deepEqual([rc, expected, got.sort()], [0, 2, ['a', 'b']]);
      a.off('question');
      assert.deepEqual(await b.ask('ask', '', '', 0, 600), [E.timeout, 2, ['b']]);
      assert.deepEqual(await b.ask('ask', '', '', LOCAL, 600), [0, 1, ['b']]);
    });
    it('servers tell each other events: the other one hears, and answers once, later, or never', async () => {
      const server = await start({ cluster: 1 });
      const [a, b] = [await server.join(), await server.join({}, { which: 'other' })];
      const heard = next(b, 'gossip');
      assert.deepEqual(await a.ask('server-side', 'psst', { n: 1 }), [0]);
      assert.deepEqual(await heard, ['psst', { n: 1 }]);
      await silent(a, 'gossip');
      assert.deepEqual(await b.ask('server-side-ack', 'gossip', 2000, 'first', 'second'), [0, 1, ['first']]);
      assert.deepEqual(await a.ask('server-side-ack', 'late gossip', 2000), [0, 1, ['late']]);
      assert.deepEqual(await a.ask('server-side-ack', 'nobody listens', 200), [E.timeout, 1, []]);
      assert.deepEqual(await a.ask('server-side-ack', 'disconnect', 200), [E.invalid]);
    });
    it('the adapter hears of rooms: each when its first socket comes and its last goes', async () => {
      const server = await start({ cluster: 1 });
      const [a, b] = [await server.join(), await server.join()];
      await a.ask('join', 'x');
      await b.ask('join', 'x');
      await b.ask('join', 'y');
      assert.deepEqual(await a.ask('known-rooms'), [2]);
      await a.ask('leave', 'x');
      assert.deepEqual(await a.ask('known-rooms'), [2]);
      b.disconnect();
      await until(async () => (await a.ask('known-rooms'))[0] === 0, 'the rooms of b gone');
    });
    it('alone, there is nobody to tell', async () => {
      const server = await start();
      const a = await server.join();
      assert.deepEqual(await a.ask('server-side', 'psst'), [E.unsupported]);
      assert.deepEqual(await a.ask('server-side-ack', 'gossip', 200), [E.unsupported]);
    });
    it('sockets of both are found, moved and disconnected', async () => {
      const server = await start({ cluster: 1 });
      const [a, b] = [await server.join(), await server.join({}, { which: 'other' })];
      await b.ask('data', { on: 'other' });
      const [, found] = await a.ask('fetch', ...all);
      assert.deepEqual(found.map((s) => [s.id, s.isLocal, s.data]), [[a.id, true, {}], [b.id, false, { on: 'other' }]]);
      assert.equal((await a.ask('fetch', '', '', LOCAL))[1].length, 1);
      await a.ask('sockets-join', '', a.id, 0, 'moved');
      await until(async () => (await a.ask('fetch', 'moved', '', 0))[1].length === 1, 'b in the room');
      await a.ask('sockets-leave', '', '', 0, 'moved');
      await until(async () => (await a.ask('fetch', 'moved', '', 0))[1].length === 0, 'b out of the room');
      const gone = next(b, 'disconnect');
      await a.ask('kick', b.id, '', 0, 0);
      await gone;
    });
  });

  describe('options', () => {
    it('cookie: set on the polling handshake with its attributes, and only there', async () => {
      const server = await start({ cookie: 'sticky', 'cookie-attributes': 'Path=/; SameSite=Strict' });
      const answer = await request(`${server.url()}/socket.io/?EIO=4&transport=polling`);
      const { sid } = JSON.parse(answer.text.slice(1));
      assert.deepEqual([answer.headers['set-cookie']].flat(), [`sticky=${sid}; Path=/; SameSite=Strict`]);
      const post = await request(`${server.url()}/socket.io/?EIO=4&transport=polling&sid=${sid}`, { method: 'POST', body: '40' });
      assert.equal(post.headers['set-cookie'], undefined);
    });
    it('allow_request refuses with its message, on_connection_error hears of every refusal', async () => {
      const server = await start();
      for (const transport of ['polling', 'websocket']) {
        const denied = await server.join({ transports: [transport], query: { deny: 1 } }).catch((e) => e);
        assert.ok(denied instanceof Error, transport);
      }
      const answer = await request(`${server.url()}/socket.io/?EIO=4&transport=polling&deny=1`);
      assert.deepEqual([answer.status, JSON.parse(answer.text)], [403, { code: 4, message: 'not today' }]);
      const a = await server.join();
      assert.deepEqual(await a.ask('error-code'), [4]);
      await request(`${server.url()}/socket.io/?EIO=4&transport=pigeon`);
      assert.deepEqual(await a.ask('error-code'), [0]);
    });
    it('path and transports: elsewhere is 404, the other transport is refused', async () => {
      const server = await start({ path: '/rt/', transports: 2 });
      const a = await server.join({ path: '/rt/' });
      assert.equal((await a.ask('who'))[0].transport, 'websocket');
      assert.equal((await request(`${server.url()}/socket.io/?EIO=4&transport=polling`)).status, 404);
      const refused = await request(`${server.url()}/rt/?EIO=4&transport=polling`);
      assert.deepEqual([refused.status, JSON.parse(refused.text).code], [400, 0]);
    });
    it('static_dir: files with ETag, /health and /metrics beside them, nothing from outside', async () => {
      const dir = mkdtempSync(join(tmpdir(), 'sio-static-'));
      try {
        writeFileSync(join(dir, 'index.html'), '<p>hello</p>');
        writeFileSync(join(dir, 'big.js'), 'let a = 1;\n'.repeat(2000));
        symlinkSync('/etc/hostname', join(dir, 'out'));
        const server = await start({ static: dir });
        const page = await request(`${server.url()}/`);
        assert.deepEqual([page.status, page.text], [200, '<p>hello</p>']);
        const again = await request(`${server.url()}/index.html`, { headers: { 'If-None-Match': page.headers.etag } });
        assert.equal(again.status, 304);
        const packed = await request(`${server.url()}/big.js`, { headers: { 'Accept-Encoding': 'gzip' } });
        assert.equal(packed.headers['content-encoding'], 'gzip');
        for (const path of ['/../etc/hostname', '/%2e%2e/etc/hostname', '/..%2fetc/hostname', '/out', '/index.html%00', '/none'])
          assert.ok([400, 403, 404].includes((await request(server.url() + path)).status), path);
        assert.equal((await request(`${server.url()}/health`)).text, '{"status":"OK"}');
        assert.ok((await server.metric(/^sio_sessions/)) >= 0);
        await server.join();
      } finally {
        rmSync(dir, { recursive: true });
      }
    });
    it('tls: https and wss with the given certificate', async () => {
      const dir = mkdtempSync(join(tmpdir(), 'sio-tls-'));
      try {
        const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
        execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', cert, '-days', '1', '-subj', '/CN=localhost'], { stdio: 'ignore' });
        const server = await start({ cert, key });
        for (const transport of ['polling', 'websocket']) {
          const a = await server.join({ transports: [transport], rejectUnauthorized: false });
          assert.equal((await a.ask('who'))[0].transport, transport);
        }
      } finally {
        rmSync(dir, { recursive: true });
      }
    });
    for (const [title, options, client] of [
      ['plain', {}, {}],
      ['msgpack', { msgpack: 1 }, { parser }],
      ['deflate', { deflate: 1 }, { perMessageDeflate: true }],
    ]) {
      it(`recovery, ${title}: missed events come back in order, text and binary`, async () => {
        const server = await start({ recovery: 20000, ...options });
        const [a, b] = [await server.join({ reconnection: true, reconnectionDelay: 400, ...client }), await server.join(client)];
        await a.ask('data', { kept: true });
        await a.ask('join', 'r');
        const first = next(a, 'news');
        await b.ask('to', 'r', '', 0, 'seen');
        await first;
        const id = a.id;
        const heard = collect(a, 'news', 6);
        a.io.engine.close();
        await until(async () => (await b.ask('who'))[0].count === 1, 'a cut off');
        for (let i = 0; i < 6; i++)
          await b.ask('to', i % 2 ? 'r' : '', '', 0, i, i % 3 ? 'text' : Buffer.from([i, 255]));
        await b.ask('to', 'other room', '', 0, 'not for a');
        const all = await heard;
        assert.equal(a.recovered, true);
        assert.equal(a.id, id);
        assert.deepEqual(all.map(([i]) => i), [0, 1, 2, 3, 4, 5]);
        assert.deepEqual(Buffer.from(all[3][1]), Buffer.from([3, 255]));
        const [, [found]] = await b.ask('fetch', id, '', 0);
        assert.deepEqual([found.data, found.rooms.sort()], [{ kept: true }, [id, 'r'].sort()]);
      });
    }
    it('deflate: broadcasts arrive compressed, and plain with the flag; both are read', async () => {
      const server = await start({ deflate: 1 });
      const a = await server.join({ perMessageDeflate: true });
      const b = await server.join({ perMessageDeflate: false });
      const long = 'compress me '.repeat(2000);
      const read = () => a.io.engine.transport.ws._socket.bytesRead;
      for (const [flags, isSmall] of [[0, true], [NO_COMPRESS, false]]) {
        const before = read();
        const heard = Promise.all([next(a, 'news'), next(b, 'news')]);
        await a.ask('to', '', '', flags, long);
        for (const [text] of await heard) assert.equal(text, long);
        assert.equal(read() - before < long.length / 2, isSmall, `flags ${flags}: ${read() - before} bytes`);
      }
    });
    it('io_uring: the same events, whether the kernel has it or not', async () => {
      const server = await start({ uring: 1 });
      const [a, b] = [await server.join(), await server.join()];
      const heard = Promise.all([collect(a, 'flood', 200), collect(b, 'flood', 200)]);
      await a.ask('flood', '', '', 0, 200, 1000);
      await heard;
    });
  });

  describe('limits: the defined answer and the metric', () => {
    const http = (server) => request(`${server.url()}/socket.io/?EIO=4&transport=polling`);
    for (const [option, label] of [['max-connections', 'connections'], ['max-per-ip', 'connections_per_ip']]) {
      it(`${label}: 503`, async () => {
        const server = await start({ [option]: 2 });
        await server.join();
        await server.join();
        assert.equal((await http(server)).status, 503);
        assert.equal(await server.metric(new RegExp(`limit="${label}"`)), 1);
      });
    }
    it('handshakes: 503 with Retry-After', async () => {
      const server = await start({ handshakes: 3 });
      const all = await Promise.all(Array.from({ length: 20 }, () => http(server)));
      const refused = all.filter((answer) => answer.status === 503);
      assert.ok(refused.length >= 10 && refused.length < 20, `${refused.length} refused`);
      assert.ok(refused.every((answer) => Number(answer.headers['retry-after']) >= 1));
      assert.equal(await server.metric(/limit="handshakes"/), refused.length);
    });
    it('rooms: join says so and changes nothing', async () => {
      const server = await start({ 'max-rooms': 2 });
      const a = await server.join();
      assert.deepEqual([await a.ask('join', '1'), await a.ask('join', '2'), await a.ask('join', '3')], [[0], [0], [E.full]]);
      assert.deepEqual(await a.ask('join', '2'), [0]);
      await a.ask('leave', '1');
      assert.deepEqual(await a.ask('join', '3'), [0]);
      assert.equal(await server.metric(/limit="rooms"/), 1);
    });
    it('namespaces per connection: connect_error', async () => {
      const server = await start({ 'max-namespaces': 2 });
      const a = await server.join();
      await next(a.io.socket('/dyn-1'), 'connect');
      const third = a.io.socket('/dyn-2');
      const error = await next(third, 'connect_error');
      assert.equal(error[0].message, 'Too many namespaces');
      assert.equal(await server.metric(/limit="namespaces"/), 1);
      assert.equal((await a.ask('who'))[0].isFound, true);
    });
    it('attachments, their bytes, the payload: the connection is closed', async () => {
      for (const [options, args, label] of [
        [{ 'max-attachments': 2 }, [Buffer.alloc(1), Buffer.alloc(1), Buffer.alloc(1)], 'attachments'],
        [{ 'max-attachment-bytes': 1000 }, [Buffer.alloc(600), Buffer.alloc(600)], 'attachment_bytes'],
        [{ 'max-payload': 5000 }, ['x'.repeat(6000)], 'payload'],
      ]) {
        const server = await start(options);
        const a = await server.join();
        const gone = next(a, 'disconnect');
        a.emit('to', ...all, ...args);
        await gone;
        // counted when the closing handshake is over, which the client may see first
        await until(async () => (await server.metric(new RegExp(`limit="${label}"`))) === 1, `${label} counted once`);
      }
    });
    it('payload over polling: 413', async () => {
      const server = await start({ 'max-payload': 5000 });
      const { text } = await http(server);
      const { sid, maxPayload } = JSON.parse(text.slice(1));
      assert.equal(maxPayload, 5000);
      const answer = await request(`${server.url()}/socket.io/?EIO=4&transport=polling&sid=${sid}`, { method: 'POST', body: '4'.repeat(5001) });
      assert.equal(answer.status, 413);
      assert.equal(await server.metric(/limit="payload"/), 1);
    });
    it('no namespace in time: closed', async () => {
      const server = await start({ 'connect-timeout': 150 });
      const peer = await Peer.open(`${server.url()}/socket.io/?EIO=4&transport=websocket`);
      await peer.end(3000);
      assert.equal(await server.metric(/limit="connect_timeout"/), 1);
    });
    for (const [title, args] of [['one room', ['slow', '', 0]], ['rooms with an exception', ['slow', 'nobody', 0]]]) {
      it(`send queue, ${title}: the slow reader is closed; with SIO_SLOW_DROP it stays and misses`, async () => {
        for (const slow of [0, 1]) {
          const server = await start({ slow, 'max-queue': 1 << 20 });
          const [a, b] = [await server.join(), await server.join()];
          await a.ask('join', 'slow');
          let count = 0, closed = 0;
          a.on('flood', () => count++);
          a.on('disconnect', () => closed++);
          const tcp = a.io.engine.transport.ws._socket;
          tcp.pause();
          for (let i = 0; i < 40; i++) await b.ask('flood', ...args, 20, 50000);
          tcp.resume();
          if (slow) {
            await a.ask('who');
            assert.ok(count > 0 && count < 800, `${count} of 800`);
            assert.equal(closed, 0);
            assert.equal(await server.metric(/^sio_broadcasts_skipped_total/), 800 - count);
          } else {
            await until(() => closed, 'the slow reader closed');
            assert.equal(await server.metric(/limit="send_queue"/), 1);
          }
        }
      });
    }
    it('a polling client that stops asking is closed too', async () => {
      const server = await start({ 'max-queue': 1 << 20 });
      const { text } = await http(server);
      const { sid } = JSON.parse(text.slice(1));
      const url = `${server.url()}/socket.io/?EIO=4&transport=polling&sid=${sid}`;
      await request(url, { method: 'POST', body: '40' });
      await request(url);
      const b = await server.join();
      await b.ask('flood', ...all, 40, 50000);
      await until(async () => (await b.ask('who'))[0].count === 1, 'closed');
      assert.ok((await server.metric(/limit="send_queue"/)) >= 1);
      assert.equal((await request(url)).status, 400);
    });
  });
});
