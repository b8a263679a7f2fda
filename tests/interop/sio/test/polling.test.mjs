// socketio.md 2.3: the long-polling transport of EIO4, packet by packet. Engine echo application.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, describe, it } from 'node:test';
import { gunzipSync, inflateSync } from 'node:zlib';
import { exchange, request } from '../lib/http.mjs';
import { joinPeer, reasonOf } from '../lib/peer.mjs';
import { Polling, RS, joinByPolling } from '../lib/polling.mjs';
import { Server } from '../lib/server.mjs';
import { sleep, until } from '../lib/wait.mjs';

const maxPayload = 50000;

describe('polling transport', () => {
  let server;
  let base;
  before(async () => {
    server = await Server.start({ app: 'echo', ports: { main: 0 }, pingInterval: 8000, pingTimeout: 8000, maxPayload });
    base = server.url();
  });
  after(() => server.stop());

  const ends = (session, why) => until(async () => !(await session.isAlive()), `end of the session after ${why}`);

  describe('payloads', () => {
    const payloads = [
      { why: 'one text', body: '4hello', back: ['4hello'] },
      { why: 'empty text message', body: '4', back: ['4'] },
      { why: 'three packets', body: ['4a', '4b', '4c'].join(RS), back: ['4a', '4b', '4c'] },
      { why: 'text outside ASCII', body: '4é€😀', back: ['4é€😀'] },
      { why: 'a NUL inside', body: '4a\0b', back: ['4a\0b'] },
      { why: 'binary', body: 'bAQIDBA==', back: ['bAQIDBA=='] },
      { why: 'binary without padding', body: 'bAQIDBA', back: ['bAQIDBA=='] },
      { why: 'empty binary', body: 'b', back: ['b'] },
      { why: 'binary whose base64 starts with 4', body: 'b4AAA', back: ['b4AAA'] },
      { why: 'text and binary mixed', body: ['4a', 'bAAEC', '4b'].join(RS), back: ['4a', 'bAAEC', '4b'] },
      { why: 'a pong nobody asked for', body: ['3', '4x'].join(RS), back: ['4x'] },
      { why: 'out-of-place open, upgrade and noop', body: ['0', '5', '6', '4x'].join(RS), back: ['4x'] },
    ];
    for (const { why, body, back } of payloads) {
      it(`echoes ${why}`, async () => {
        const session = await Polling.open(base);
        const answer = await session.post(body);
        assert.deepEqual([answer.status, answer.text], [200, 'ok']);
        const got = [];
        while (got.length < back.length) got.push(...(await session.poll()));
        assert.deepEqual(got, back);
      });
    }

    it('joins what waits with 0x1e, without a trailing one, also for a parked GET', async () => {
      const session = await Polling.open(base);
      const parked = session.get();
      await sleep(50);
      await session.send('4a', '4b', 'bAA==', '4c');
      let all = (await parked).text;
      if (all === '4a') all += RS + (await session.get()).text; // the first packet may leave alone
      assert.equal(all, ['4a', '4b', 'bAA==', '4c'].join(RS));
    });

    it('takes thousands of packets in one payload', async () => {
      const session = await Polling.open(base);
      const packets = Array.from({ length: 5000 }, (_, i) => `4${i}`);
      await session.send(...packets);
      const got = [];
      while (got.length < packets.length) got.push(...(await session.poll()));
      assert.deepEqual(got, packets);
    });

    it('takes a body in chunks, split inside a character', async () => {
      const session = await Polling.open(base);
      const bytes = Buffer.from('4é€😀end');
      const parts = [...bytes].map((b) => Buffer.concat([Buffer.from('1\r\n'), Buffer.from([b]), Buffer.from('\r\n')]));
      const { pathname, search } = new URL(session.url());
      const { text } = await exchange(base, [
        `POST ${pathname}${search} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n`,
        ...parts, '0\r\n\r\n',
      ]);
      assert.match(text, /^HTTP\/1\.1 200 /);
      assert.deepEqual(await session.poll(), ['4é€😀end']);
    });

    for (const { why, body, first } of [
      { why: 'an empty body', body: '' },
      { why: 'an empty packet', body: `4a${RS}${RS}4b`, first: '4a' },
      { why: 'a trailing separator', body: `4a${RS}`, first: '4a' },
      { why: 'an unknown packet type', body: 'abc' },
      { why: 'a bad packet after a good one', body: ['4good', 'x', '4never'].join(RS), first: '4good' },
      { why: 'a ping of the client', body: '2' },
      { why: 'a ping with data', body: '2probe' },
    ]) {
      it(`${why}: answered ok, what came before it counts, the session ends`, async () => {
        const session = await Polling.open(base);
        const parked = session.get().catch((e) => ({ text: `aborted: ${e.message}` }));
        await sleep(30);
        const answer = await session.post(body);
        assert.deepEqual([answer.status, answer.text], [200, 'ok']);
        await ends(session, why);
        const { text } = await parked;
        if (first) assert.equal(text.split(RS)[0], first);
        assert.ok(!text.includes('never'));
      });
    }
  });

  describe('one request at a time', () => {
    it('a second GET is 400 and ends the session; the first is answered with close', async () => {
      const session = await Polling.open(base);
      const first = session.get();
      await sleep(50);
      const second = await session.get();
      assert.equal(second.status, 400);
      assert.equal((await first).text, '1');
      await ends(session, 'two GETs');
    });

    it('overlapping POSTs: the second is 400 and the session ends', async () => {
      const session = await Polling.open(base);
      const { hostname, port } = new URL(base);
      const { pathname, search } = new URL(session.url());
      const slow = net.connect(Number(port), hostname);
      slow.on('error', () => {});
      slow.write(`POST ${pathname}${search} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\n4ab`);
      await sleep(100);
      const second = await session.post('4x');
      assert.equal(second.status, 400);
      await ends(session, 'two POSTs');
      slow.destroy();
    });
  });

  describe('aborted requests', () => {
    it('an aborted GET ends the session with "transport error"', async () => {
      const session = await joinByPolling(base);
      const { ioSid } = session;
      // one GET is parked by keepPolling: open another session by hand to abort
      const own = await Polling.open(base, { path: '/socket.io/' });
      await own.send('40');
      let packets = await own.poll();
      if (packets.length < 2) packets = [...packets, ...(await own.poll())];
      const { sid } = JSON.parse(packets[0].slice(2));
      const parked = own.get();
      parked.catch(() => {});
      await sleep(50);
      parked.abort();
      assert.equal(await reasonOf(base, sid), 'transport error');
      assert.notEqual(sid, ioSid);
      await session.send('41');
    });

    it('a POST broken off midway ends the session with "transport error"', async () => {
      const session = await joinByPolling(base);
      const { hostname, port } = new URL(base);
      const { pathname, search } = new URL(session.url());
      const half = net.connect(Number(port), hostname);
      half.write(`POST ${pathname}${search} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\n42["echo"`);
      await sleep(50);
      half.destroy();
      assert.equal(await reasonOf(base, session.ioSid), 'transport error');
    });
  });

  describe('size and type of bodies', () => {
    it('exactly maxPayload bytes pass', async () => {
      const session = await Polling.open(base);
      const body = '4' + 'x'.repeat(maxPayload - 1);
      await session.send(body);
      assert.equal((await session.poll())[0], body);
    });

    it('one byte more is 413 without a body, and the session stays', async () => {
      const session = await Polling.open(base);
      const answer = await session.post('4' + 'x'.repeat(maxPayload));
      assert.deepEqual([answer.status, answer.text], [413, '']);
      await session.send('4still');
      assert.deepEqual(await session.poll(), ['4still']);
    });

    it('bytes are counted, not characters', async () => {
      const session = await Polling.open(base);
      assert.equal((await session.post('4' + '€'.repeat(Math.ceil(maxPayload / 3)))).status, 413);
    });

    it('a chunked body is counted as it comes', async () => {
      const session = await Polling.open(base);
      const { pathname, search } = new URL(session.url());
      const chunk = `2710\r\n4${'x'.repeat(9999)}\r\n`;
      const { text } = await exchange(base, [
        `POST ${pathname}${search} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n`,
        ...Array(6).fill(chunk), '0\r\n\r\n',
      ], { untilText: '\r\n\r\n' });
      assert.match(text, /^HTTP\/1\.1 413 /);
      await session.send('4still');
      assert.deepEqual(await session.poll(), ['4still']);
    });

    it('application/octet-stream is 400 and ends the session', async () => {
      const session = await Polling.open(base);
      const answer = await session.post('4x', { headers: { 'Content-Type': 'application/octet-stream' } });
      assert.equal(answer.status, 400);
      await ends(session, 'octet-stream');
    });
  });

  describe('closing', () => {
    it('a close packet of the client releases the parked GET with noop, then the sid is unknown', async () => {
      const session = await Polling.open(base);
      const parked = session.get();
      await sleep(50);
      await session.send('1');
      assert.equal((await parked).text, '6');
      const answer = await session.get();
      assert.deepEqual([answer.status, answer.json().code], [400, 1]);
    });

    it('a close by the server is told in the parked GET', async () => {
      const session = await joinByPolling(base);
      await session.send('42["drop"]');
      const packet = await session.next();
      // Node answers a GET that comes while it closes with noop and close together
      assert.equal(packet === '6' ? await session.next() : packet, '1');
      await ends(session, 'drop');
    });

    it('a close by the server is appended to what still waits', async () => {
      const session = await Polling.open(base, { path: '/socket.io/' });
      await session.send('40');
      await session.poll();
      await session.send('421["echo","last"]', '42["drop"]');
      const got = [];
      while (got.at(-1) !== '1') got.push(...(await session.poll()));
      assert.deepEqual(got.filter((p) => !p.startsWith('42["welcome"') && p !== '6'), ['431["last"]', '1']);
      await ends(session, 'drop');
    });

    it('an ended session answers GET and POST with code 1', async () => {
      const session = await Polling.open(base);
      await session.send('1');
      assert.equal((await session.get()).json().code, 1);
      assert.equal((await session.post('4x')).json().code, 1);
    });
  });

  describe('compression of answers', () => {
    const text = '4' + 'compress me '.repeat(200);
    async function echoed(acceptEncoding, packet = text) {
      const session = await Polling.open(base);
      await session.send(packet);
      return session.get({ headers: acceptEncoding ? { 'Accept-Encoding': acceptEncoding } : {} });
    }
    const unpack = { gzip: gunzipSync, deflate: inflateSync };

    for (const [accept, allowed] of [
      ['gzip', ['gzip']],
      ['deflate', ['deflate', undefined]],
      ['gzip, deflate, br', ['gzip', 'deflate']],
      ['gzip;q=0, deflate', ['deflate', undefined]],
      ['br', [undefined]],
      ['identity', [undefined]],
      ['gzip;q=0', [undefined]],
      ['*;q=0', [undefined]],
    ]) {
      it(`with Accept-Encoding "${accept}": ${allowed.map((a) => a ?? 'plain').join(' or ')}`, async () => {
        const answer = await echoed(accept);
        const encoding = answer.headers['content-encoding'];
        assert.ok(allowed.includes(encoding), `Content-Encoding: ${encoding}`);
        const bytes = encoding ? unpack[encoding](answer.body) : answer.body;
        assert.equal(bytes.toString(), text);
        assert.equal(answer.headers['content-type'], 'text/plain; charset=UTF-8');
      });
    }

    it('never without Accept-Encoding', async () => {
      const answer = await echoed(null);
      assert.equal(answer.headers['content-encoding'], undefined);
      assert.equal(answer.text, text);
    });

    it('never below 1024 bytes', async () => {
      const answer = await echoed('gzip', '4' + 'x'.repeat(1000));
      assert.equal(answer.headers['content-encoding'], undefined);
    });
  });

  it('one session does not answer for another', async () => {
    const sessions = await Promise.all(Array.from({ length: 20 }, () => Polling.open(base)));
    await Promise.all(sessions.map((s, i) => s.send(`4mine ${i}`)));
    const got = await Promise.all(sessions.map((s) => s.poll()));
    assert.deepEqual(got, sessions.map((_, i) => [`4mine ${i}`]));
  });

  it('a message for a namespace goes out once although the GET comes and goes', async () => {
    const listener = await joinByPolling(base);
    await listener.send('421["join","r"]');
    assert.equal(await listener.next(), '431[]');
    const speaker = await joinPeer(base);
    for (let i = 0; i < 300; i++) speaker.send(`42["to-room","r",${i}]`);
    for (let i = 0; i < 300; i++) assert.equal(await listener.next(), `42["room-msg","r",${i}]`);
    await listener.send('41', '1');
    await speaker.close();
  });

  it('HEAD is not a handshake', async () => {
    assert.equal((await request(`${base}/engine.io/?EIO=4&transport=polling`, { method: 'HEAD' })).status, 400);
  });
});
