// src/net's WebSocket against npm's ws, in both roles: ws_peer echoes whatever this side sends.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import https from 'node:https';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import WebSocket, { WebSocketServer } from 'ws';

const binary = process.env.WS_PEER || join(dirname(fileURLToPath(import.meta.url)), '../../../build/tests/interop/ws/ws_peer');
const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

function peer(...args) {
  const child = spawn(binary, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  running.add(child);
  const lines = [], waiters = [];
  createInterface({ input: child.stdout }).on('line', (line) => (waiters.length ? waiters.shift()(line) : lines.push(line)));
  const exited = once(child, 'exit').then(([code]) => (running.delete(child), code));
  return {
    line: () => (lines.length ? Promise.resolve(lines.shift()) : new Promise((resolve) => waiters.push(resolve))),
    exited,
    async stop() {
      child.kill('SIGTERM');
      assert.equal(await exited, 0, 'exit code of ws_peer');
    },
  };
}
const sha = (data) => createHash('sha256').update(data).digest('hex');

async function echoed(ws, data, options = {}) {
  const arrival = once(ws, 'message');
  ws.send(data, options);
  const [back, isBinary] = await arrival;
  assert.equal(isBinary, typeof data !== 'string');
  assert.equal(back.length, Buffer.byteLength(data));
  assert.equal(sha(back), sha(data));
}

// What both roles have to stand. ws: connected, the peer echoes.
const sizes = [0, 1, 125, 126, 127, 65535, 65536, 65537, 1 << 20];
async function traffic(ws, isLarge = false) {
  for (const size of isLarge ? [...sizes, 16 << 20] : sizes) {
    await echoed(ws, randomBytes(size));
    await echoed(ws, 'é'.repeat(size >> 1));
  }
  const parts = ['first ', 'sécond', '', ' last'];
  for (const isBinary of [false, true]) {
    const arrival = once(ws, 'message');
    parts.forEach((part, i) => {
      ws.send(part, { fin: i === parts.length - 1, binary: isBinary });
      if (i === 1) ws.ping('between fragments');
    });
    const [[back], [pong]] = await Promise.all([arrival, once(ws, 'pong')]);
    assert.equal(String(back), parts.join(''));
    assert.equal(String(pong), 'between fragments');
  }
  const count = 2000;
  const all = [];
  const done = new Promise((resolve) => ws.on('message', (m) => all.push(String(m)) === count && resolve()));
  for (let i = 0; i < count; i++) ws.send(`message ${i} ${'x'.repeat(i % 300)}`);
  await done;
  ws.removeAllListeners('message');
  assert.deepEqual(all, Array.from({ length: count }, (_, i) => `message ${i} ${'x'.repeat(i % 300)}`));
}

const deflates = [
  ['without compression', [], false],
  ['deflate, no takeover', ['deflate'], true],
  ['deflate, takeover allowed', ['deflate', 'server-takeover', 'client-takeover'], true],
  ['deflate, takeover wanted but refused by ws', ['deflate', 'server-takeover', 'client-takeover'], { serverNoContextTakeover: true, clientNoContextTakeover: true }],
  ['deflate, window of 10 bits', ['deflate', 'window=10'], { clientMaxWindowBits: 10, serverMaxWindowBits: 10 }],
  ['deflate, threshold of ws at 0', ['deflate', 'server-takeover'], { threshold: 0 }],
  ['deflate offered, not spoken here', [], true],
];

describe('ws_peer serves, ws connects', () => {
  const started = [];
  after(() => Promise.all(started.map((p) => p.stop())));
  async function serve(...args) {
    const p = peer('serve', ...args);
    started.push(p);
    [, p.port, p.tlsPort] = (await p.line()).split(' ');
    return p;
  }
  for (const [title, args, perMessageDeflate] of deflates) {
    it(title, async () => {
      const p = await serve(...args);
      const ws = new WebSocket(`ws://127.0.0.1:${p.port}/`, { perMessageDeflate, maxPayload: 32 << 20 });
      await once(ws, 'open');
      assert.equal(/permessage-deflate/.test(ws.extensions), args.includes('deflate') && !!perMessageDeflate);
      await traffic(ws, args.length < 2);
      ws.close(1000, 'done');
      const [code] = await once(ws, 'close');
      assert.equal(code, 1000);
      assert.equal(await p.line(), 'closed 1000 done');
    });
  }
  it('wss and ws on one port', async () => {
    const p = await serve();
    for (const scheme of ['wss', 'ws']) {
      const ws = new WebSocket(`${scheme}://127.0.0.1:${p.tlsPort}/`, { rejectUnauthorized: false, maxPayload: 32 << 20, perMessageDeflate: false });
      await once(ws, 'open');
      await traffic(ws);
      ws.close();
      await once(ws, 'close');
      assert.equal(await p.line(), 'closed 1005 ');
    }
  });
  it('close codes and reasons, both ways', async () => {
    const p = await serve();
    for (const [code, reason] of [[1000, ''], [1001, 'going'], [1008, 'é'.repeat(61)], [1011, 'x'.repeat(123)], [3000, 'lib'], [4999, 'app']]) {
      const mine = new WebSocket(`ws://127.0.0.1:${p.port}/`);
      await once(mine, 'open');
      mine.close(code, reason);
      const [back] = await once(mine, 'close');
      assert.equal(back, code);
      assert.equal(await p.line(), `closed ${code} ${reason}`);
      const theirs = new WebSocket(`ws://127.0.0.1:${p.port}/`);
      await once(theirs, 'open');
      theirs.send(`close ${code} ${reason}`);
      const [code2, reason2] = await once(theirs, 'close');
      assert.deepEqual([code2, String(reason2)], [code, reason]);
      assert.equal(await p.line(), `closed ${code} ${reason}`);
    }
    const cut = new WebSocket(`ws://127.0.0.1:${p.port}/`);
    await once(cut, 'open');
    cut.terminate();
    assert.equal(await p.line(), 'closed 1006 ');
  });
  it('a message above the limit is 1009, inflated too', async () => {
    const p = await serve('max=100000', 'deflate');
    for (const perMessageDeflate of [false, true]) {
      const ws = new WebSocket(`ws://127.0.0.1:${p.port}/`, { perMessageDeflate });
      await once(ws, 'open');
      await echoed(ws, Buffer.alloc(100000));
      ws.send(Buffer.alloc(100001));
      assert.equal((await once(ws, 'close'))[0], 1009);
      assert.equal(await p.line(), 'closed 1009 ');
    }
  });
  it('the first subprotocol is chosen', async () => {
    const p = await serve();
    const ws = new WebSocket(`ws://127.0.0.1:${p.port}/`, ['one', 'two']);
    await once(ws, 'open');
    assert.equal(ws.protocol, 'one');
    ws.terminate();
  });
});

describe('ws_peer connects, ws serves', () => {
  async function accept(args, serverOptions = {}, scheme = 'ws') {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: 32 << 20, perMessageDeflate: false, ...serverOptions });
    const http = serverOptions.server;
    if (http) http.listen(0, '127.0.0.1');
    await once(http ?? server, 'listening');
    const p = peer('connect', `${scheme}://127.0.0.1:${(http ?? server).address().port}/path?q=1`, ...args);
    const [ws, request] = await once(server, 'connection');
    assert.equal(request.url, '/path?q=1');
    assert.equal(await p.line(), 'open 0 ');
    return { p, ws, end: () => (server.close(), http?.close()) };
  }
  for (const [title, args, perMessageDeflate] of deflates) {
    it(title, async () => {
      const { p, ws, end } = await accept(args, { perMessageDeflate });
      assert.equal(/permessage-deflate/.test(ws.extensions), args.includes('deflate') && !!perMessageDeflate);
      await traffic(ws, args.length < 2);
      ws.close(1001, 'bye');
      assert.equal((await once(ws, 'close'))[0], 1001);
      assert.equal(await p.line(), 'closed 1001 bye');
      assert.equal(await p.exited, 0);
      end();
    });
  }
  it('its own close frame has code and reason', async () => {
    const { p, ws, end } = await accept([]);
    ws.send('close 4001 enough');
    const [code, reason] = await once(ws, 'close');
    assert.deepEqual([code, String(reason)], [4001, 'enough']);
    assert.equal(await p.line(), 'closed 4001 enough');
    assert.equal(await p.exited, 0);
    end();
  });
  for (const [status, rc] of [[401, -1], [403, -1], [404, -1], [429, -1], [503, -1], [200, -1]]) {
    it(`an answer of ${status} is told, not taken for a connection`, async () => {
      const { createServer } = await import('node:http');
      const server = createServer((_, response) => response.writeHead(status).end());
      server.on('upgrade', (_, socket) => socket.end(`HTTP/1.1 ${status} No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const p = peer('connect', `ws://127.0.0.1:${server.address().port}/`);
      const [word, code] = (await p.line()).split(' ');
      assert.equal(word, 'failed');
      assert.ok(Number(code) <= rc);
      assert.equal(await p.exited, 0);
      server.close();
    });
  }
  for (const url of ['http://127.0.0.1/', 'ws://', 'ws:///x', 'ws://host:0x/', 'ws://host:70000/', 'ws://a b/', 'nonsense', 'ws://127.0.0.1:1/\r\nX: y']) {
    it(`${JSON.stringify(url)} is refused`, async () => {
      const p = peer('connect', url);
      assert.match(await p.line(), /^failed -/);
      assert.equal(await p.exited, 0);
    });
  }
});
