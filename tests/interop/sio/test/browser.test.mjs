// A real browser: a page of another origin loads the official client from the server itself and uses it with credentials.
// Wants Debian's chromium (CHROMIUM names another); without one it says so and is skipped, unless CI is set.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import http from 'node:http';
import { after, before, describe, it } from 'node:test';
import { chromium } from 'playwright-core';
import { joinPeer } from '../lib/peer.mjs';
import { Server } from '../lib/server.mjs';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const args = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
];

// The page's own origin: an empty page with the client of `serverUrl()`.
async function servePage(serverUrl) {
  const site = http.createServer((req, res) => {
    if (!/^\/(msgpack)?$/.test(req.url)) return res.writeHead(404).end();
    const bundle = `${serverUrl()}/socket.io/socket.io${req.url === '/msgpack' ? '.msgpack.min' : ''}.js`;
    res.setHeader('Content-Type', 'text/html').end(`<!doctype html><title>page</title><script src="${bundle}"></script>`);
  });
  await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve));
  // another host name than the server's: another origin and, as far as the port allows, another site
  return { site, origin: `http://localhost:${site.address().port}` };
}

const isMissing = !existsSync(executablePath) && !process.env.CI;
describe('Chromium', { skip: isMissing && `no browser at ${executablePath}`, timeout: 120000 }, () => {
  let browser;
  let server;
  let page;
  let origin;
  let site;
  const trouble = [];

  before(async () => {
    ({ site, origin } = await servePage(() => server.url()));
    server = await Server.start({ ports: { main: 0, msgpack: 0, recovery: 0 }, origin, pingInterval: 1000, pingTimeout: 2000 });
    browser = await chromium.launch({ executablePath, args, timeout: 60000 });
    page = await browser.newPage();
    page.on('console', (line) => line.type() === 'error' && trouble.push(line.text()));
    page.on('pageerror', (e) => trouble.push(String(e)));
    await page.goto(`${origin}/`);
    await prepare();
  });
  after(async () => {
    await browser?.close();
    site?.close();
    await server?.stop();
  });

  // What runs in the page: small promises around the official client.
  const prepare = () => page.evaluate(() => {
    const limit = (ms, promise, what) =>
      Promise.race([promise, new Promise((_, no) => setTimeout(() => no(new Error(`${what}: nothing within ${ms} ms`)), ms))]);
    window.next = (socket, event, ms = 8000) => limit(ms, new Promise((yes) => socket.once(event, (...a) => yes(a))), event);
    window.ask = (socket, ...args) => limit(8000, new Promise((yes) => socket.emit(...args, (...a) => yes(a))), args[0]);
    window.enter = async (url, options) => {
      const socket = io(url, { forceNew: true, withCredentials: true, reconnectionDelay: 50, reconnectionDelayMax: 100, ...options });
      await limit(8000, new Promise((yes, no) => { socket.once('welcome', yes); socket.once('connect_error', no); }), 'welcome');
      return socket;
    };
  });

  const ways = { polling: ['polling'], websocket: ['websocket'], upgrade: ['polling', 'websocket'] };
  for (const [how, list] of Object.entries(ways)) {
    it(`${how}, cross-origin with credentials: echo, ack, binary, order, reconnection`, async () => {
      trouble.length = 0;
      const seen = await page.evaluate(async ([url, list]) => {
        const socket = await enter(url, { transports: list });
        if (list.length > 1 && socket.io.engine.transport.name === 'polling') await next(socket.io.engine, 'upgrade');
        const seen = { transport: (await ask(socket, 'whoami'))[0].transport };
        socket.emit('echo', 'é€😀', { a: [1, null] });
        seen.event = await next(socket, 'echo');
        const bytes = Uint8Array.from({ length: 1 << 20 }, (_, i) => i * 7);
        const [back] = await ask(socket, 'echo', bytes);
        const view = new Uint8Array(back);
        seen.binary = back instanceof ArrayBuffer && view.length === bytes.length && view.every((b, i) => b === bytes[i]);
        const ticks = [];
        socket.on('tick', (i) => ticks.push(i));
        socket.emit('stream', 1000, 0);
        await ask(socket, 'echo');
        while (ticks.length < 1000) await new Promise((r) => setTimeout(r, 10));
        seen.isInOrder = ticks.every((v, i) => v === i) && ticks.length;
        socket.on('question', (v, ack) => ack('answer', v));
        socket.emit('ask', 7);
        seen.answer = await next(socket, 'answer');
        const first = socket.id;
        const gone = next(socket, 'disconnect');
        const again = next(socket, 'connect');
        socket.emit('drop');
        seen.reason = (await gone)[0];
        await again;
        seen.isNew = socket.id !== first;
        seen.after = await ask(socket, 'echo', 'after');
        socket.disconnect();
        return seen;
      }, [server.url(), list]);
      assert.deepEqual(seen, {
        transport: list.at(-1), event: ['é€😀', { a: [1, null] }], binary: true, isInOrder: 1000, answer: ['answer', 7],
        reason: 'transport close', isNew: true, after: ['after'],
      });
      assert.deepEqual(trouble.filter((text) => /CORS|Access-Control|Mixed/.test(text)), []);
    });
  }

  it('upgrades in mid-stream twenty times, nothing lost, doubled or out of order', async () => {
    const bad = await page.evaluate(async (url) => {
      const bad = [];
      async function run(round) {
        const socket = io(url, { forceNew: true, withCredentials: true, transports: ['polling', 'websocket'] });
        const [ticks, echoes] = [[], []];
        socket.on('tick', (i) => ticks.push(i));
        socket.on('echo', (i) => echoes.push(i));
        await next(socket, 'connect');
        socket.emit('stream', 200, round % 2);
        for (let i = 0; i < 200; i++) {
          socket.emit('echo', i);
          if (i % 20 === round) await new Promise((r) => setTimeout(r, 1));
        }
        const end = Date.now() + 15000;
        const isDone = () => ticks.length >= 200 && echoes.length >= 200 && socket.io.engine.transport.name === 'websocket';
        while (!isDone() && Date.now() < end) await new Promise((r) => setTimeout(r, 20));
        await new Promise((r) => setTimeout(r, 50));
        for (const [name, got] of Object.entries({ ticks, echoes })) {
          if (got.length !== 200 || !got.every((v, i) => v === i)) bad.push(`round ${round} ${name}: ${got}`);
        }
        if (socket.io.engine.transport.name !== 'websocket') bad.push(`round ${round}: no upgrade`);
        socket.disconnect();
      }
      // the browser opens six connections to one host
      for (let from = 0; from < 20; from += 4) await Promise.all([0, 1, 2, 3].map((i) => run(from + i)));
      return bad;
    }, server.url());
    assert.deepEqual(bad, []);
  });

  it('with extra headers, so that the browser sends a preflight first', async () => {
    const name = await page.evaluate(async (url) => {
      const socket = await enter(url, { transports: ['polling'], extraHeaders: { 'x-own': '1' } });
      const [{ transport }] = await ask(socket, 'whoami');
      socket.disconnect();
      return transport;
    }, server.url());
    assert.equal(name, 'polling');
  });

  it('is refused by the middleware with its data', async () => {
    const error = await page.evaluate(async (url) => {
      const socket = io(`${url}/private`, { forceNew: true, withCredentials: true });
      const [e] = await next(socket, 'connect_error');
      socket.disconnect();
      return { message: e.message, data: e.data };
    }, server.url());
    assert.deepEqual(error, { message: 'unauthorized', data: { code: 401, hint: 'token' } });
  });

  it('reads the error of an unknown session across origins (CORS is on errors too)', async () => {
    const answer = await page.evaluate(async (url) => {
      const r = await fetch(`${url}/socket.io/?EIO=4&transport=polling&sid=no`, { credentials: 'include' });
      return [r.status, await r.json()];
    }, server.url());
    assert.deepEqual(answer, [400, { code: 1, message: 'Session ID unknown' }]);
  });

  it('a page of an origin that was not allowed cannot poll', async () => {
    const other = await browser.newPage();
    await other.goto(`${origin.replace('localhost', '127.0.0.1')}/`);
    const message = await other.evaluate(async (url) => {
      const socket = io(url, { forceNew: true, withCredentials: true, transports: ['polling'], reconnection: false });
      return new Promise((yes) => {
        socket.on('connect', () => yes('connected'));
        socket.on('connect_error', (e) => yes(e.message));
      });
    }, server.url());
    assert.equal(message, 'xhr poll error');
    await other.close();
  });

  it('recovers its state after its websocket broke', async () => {
    const url = server.url('recovery');
    await page.evaluate(async (url) => {
      window.kept = await enter(url, { transports: ['websocket'] });
      window.heard = [];
      kept.on('room-msg', (room, n) => heard.push(n));
      await ask(kept, 'join', 'red');
      window.keptId = kept.id;
    }, url);
    const speaker = await joinPeer(url);
    speaker.send('42["in-room","red",0]');
    await page.waitForFunction(() => heard.length === 1);
    await page.evaluate(async () => {
      // break the transport without a word of Socket.IO
      const gone = next(kept, 'disconnect');
      kept.io.engine.transport.ws.close();
      kept.io.reconnectionDelay(600);
      kept.io.reconnectionDelayMax(600);
      await gone;
    });
    speaker.send('42["in-room","red",1]').send('42["in-room","red",2]');
    await page.waitForFunction(() => kept.connected && heard.length >= 3, null, { timeout: 8000 });
    const seen = await page.evaluate(() => [kept.recovered, kept.id === keptId, heard]);
    assert.deepEqual(seen, [true, true, [0, 1, 2]]);
    speaker.terminate();
    await page.evaluate(() => kept.disconnect());
  });

  it('comes back after the server was killed and started again on its port', async () => {
    await page.evaluate(async (url) => {
      window.survivor = await enter(url, { transports: ['polling', 'websocket'] });
      window.oldId = survivor.id;
    }, server.url());
    await server.kill();
    server = await server.again();
    await page.waitForFunction(() => survivor.connected && survivor.id !== oldId, null, { timeout: 10000 });
    assert.deepEqual(await page.evaluate(() => ask(survivor, 'echo', 'back')), ['back']);
    await page.evaluate(() => survivor.disconnect());
  });

  it('the msgpack bundle talks to the msgpack port', async () => {
    await page.goto(`${origin}/msgpack`);
    await prepare();
    const seen = await page.evaluate(async (url) => {
      const socket = await enter(url, { transports: ['polling', 'websocket'] });
      const [value, bytes] = await ask(socket, 'echo', { a: [1, 'é', null] }, Uint8Array.of(1, 2, 3).buffer);
      socket.disconnect();
      return [value, [...new Uint8Array(bytes)]];
    }, server.url('msgpack'));
    assert.deepEqual(seen, [{ a: [1, 'é', null] }, [1, 2, 3]]);
  });
});
