// socketio.md 2.1: which requests are Engine.IO, in which order they are checked, what an error looks like.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { exchange, request, upgradeHead } from '../lib/http.mjs';
import { Peer, openPeer } from '../lib/peer.mjs';
import { Polling } from '../lib/polling.mjs';
import { Server, quirkOfReference } from '../lib/server.mjs';

const messages = [
  'Transport unknown', 'Session ID unknown', 'Bad handshake method', 'Bad request', 'Forbidden', 'Unsupported protocol version',
];

function assertError(answer, code, why) {
  assert.equal(answer.status, code === 4 ? 403 : 400, `${why}: ${answer.text}`);
  assert.match(answer.headers['content-type'], /^application\/json/, why);
  assert.deepEqual(answer.json(), { code, message: messages[code] }, why);
}

describe('requests and their errors', () => {
  let server;
  let base;
  before(async () => {
    server = await Server.start({ app: 'protocol', ports: { main: 0, eio3: 0 }, pingInterval: 5000, pingTimeout: 5000 });
    base = server.url();
  });
  after(() => server.stop());

  const refusals = [
    { why: 'no transport', query: 'EIO=4', code: 0 },
    { why: 'empty transport', query: 'EIO=4&transport=', code: 0 },
    { why: 'unknown transport', query: 'EIO=4&transport=tesla', code: 0 },
    { why: 'a transport named like an object property', query: 'EIO=4&transport=constructor', code: 0 },
    { why: 'webtransport over HTTP', query: 'EIO=4&transport=webtransport', code: 0 },
    { why: 'transport is checked before the session', query: 'EIO=4&transport=x&sid=nobody', code: 0 },
    { why: 'transport is checked before the method', query: 'EIO=4&transport=x', method: 'POST', code: 0 },
    { why: 'unknown session', query: 'EIO=4&transport=polling&sid=nobody', code: 1 },
    { why: 'unknown session, POST', query: 'EIO=4&transport=polling&sid=nobody', method: 'POST', code: 1 },
    { why: 'session named constructor', query: 'EIO=4&transport=polling&sid=constructor', code: 1 },
    { why: 'session named __proto__', query: 'EIO=4&transport=polling&sid=__proto__', code: 1 },
    { why: 'session with a NUL', query: 'EIO=4&transport=polling&sid=%00', code: 1 },
    { why: 'session of bytes that are not UTF-8', query: 'EIO=4&transport=polling&sid=%ff%fe', code: 1 },
    { why: 'session is checked before the protocol', query: 'EIO=abc&transport=polling&sid=nobody', code: 1 },
    { why: 'handshake by POST', query: 'EIO=4&transport=polling', method: 'POST', code: 2 },
    { why: 'handshake by PUT', query: 'EIO=4&transport=polling', method: 'PUT', code: 2 },
    { why: 'handshake by DELETE', query: 'EIO=4&transport=polling', method: 'DELETE', code: 2 },
    { why: 'method is checked before the protocol', query: 'transport=polling', method: 'POST', code: 2 },
    { why: 'method is checked before the upgrade', query: 'EIO=4&transport=websocket', method: 'POST', code: 2 },
    { why: 'websocket without upgrade', query: 'EIO=4&transport=websocket', code: 3 },
    { why: 'no EIO', query: 'transport=polling', code: 5 },
    { why: 'EIO=3 where it is not enabled', query: 'EIO=3&transport=polling', code: 5 },
    { why: 'EIO=abc', query: 'EIO=abc&transport=polling', code: 5 },
    { why: 'EIO=40', query: 'EIO=40&transport=polling', code: 5 },
    { why: 'EIO=04', query: 'EIO=04&transport=polling', code: 5 },
  ];
  for (const path of ['/engine.io/', '/socket.io/']) {
    for (const { why, query, method, code } of refusals) {
      it(`${path} refuses with code ${code}: ${why}`, async () => {
        assertError(await request(`${base}${path}?${query}`, { method }), code, why);
      });
    }
  }

  it('an empty sid opens a new session', async () => {
    const answer = await request(`${base}/engine.io/?EIO=4&transport=polling&sid=`);
    assert.equal(answer.status, 200);
    assert.equal(answer.text[0], '0');
  });

  it('query keys like __proto__ change nothing', async () => {
    const answer = await request(`${base}/engine.io/?__proto__=1&constructor=2&EIO=4&transport=polling&toString=3`);
    assert.equal(answer.status, 200);
  });

  it('a path below the prefix is Engine.IO too', async () => {
    const answer = await request(`${base}/socket.io/foo/bar?EIO=4&transport=polling`);
    assert.equal(answer.status, 200);
    assert.equal(answer.text[0], '0');
  });

  it('a path without the slash, or with another name, is not', async () => {
    for (const path of ['/socket.io', '/socket.iox/', '/engine.io', '/', '/nothing/socket.io/']) {
      const answer = await request(`${base}${path}?EIO=4&transport=polling`);
      assert.equal(answer.status, 404, path);
    }
  });

  it('an Origin header with bytes no header may have is code 3', async () => {
    const head = `GET /engine.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nConnection: close\r\nOrigin: http://a\x01b\r\n\r\n`;
    const { text } = await exchange(base, head);
    assert.match(text, /^HTTP\/1\.1 400 /);
  });

  it('a refused request leaves an existing session alone', async () => {
    const session = await Polling.open(base);
    for (const query of [
      `EIO=4&transport=x&sid=${session.sid}`,
      `EIO=4&transport=websocket&sid=${session.sid}`,
      `EIO=3&transport=polling&sid=${session.sid}`,
    ]) {
      assert.equal((await request(`${base}/engine.io/?${query}`)).status, 400, query);
    }
    await session.send('4still here');
    assert.deepEqual(await session.poll(), ['4still here']);
  });

  it('a session of one path is unknown on the other', async () => {
    const session = await Polling.open(base, { path: '/engine.io/' });
    assertError(await request(`${base}/socket.io/?EIO=4&transport=polling&sid=${session.sid}`), 1, 'other path');
  });

  it('the polling transport on a websocket session is code 3, and the session goes on', async () => {
    const peer = await openPeer(base);
    assertError(await request(`${base}/engine.io/?EIO=4&transport=polling&sid=${peer.sid}`), 3, 'GET');
    assertError(
      await request(`${base}/engine.io/?EIO=4&transport=polling&sid=${peer.sid}`, { method: 'POST', body: '4x' }), 3, 'POST',
    );
    peer.send('4ok');
    await peer.expect('4ok');
    await peer.close();
  });

  for (const method of ['PUT', 'DELETE', 'PATCH']) {
    it(`${method} with a live sid is 500 without a body, and the session lives`, async () => {
      const session = await Polling.open(base);
      const answer = await request(session.url(), { method });
      assert.deepEqual([answer.status, answer.text], [500, '']);
      await session.send('4x');
      assert.deepEqual(await session.poll(), ['4x']);
    });
  }

  describe('refused upgrades', () => {
    const refusedUpgrades = [
      { why: 'unknown transport', query: 'EIO=4&transport=x', message: messages[0] },
      { why: 'unknown session', query: 'EIO=4&transport=websocket&sid=nobody', message: messages[1] },
      { why: 'session __proto__', query: 'EIO=4&transport=websocket&sid=__proto__', message: messages[1] },
    ];
    for (const { why, query, message } of refusedUpgrades) {
      it(`${why}: raw 400 with the message as text, connection closed`, async () => {
        const { text, isClosed } = await exchange(base, upgradeHead(`/engine.io/?${query}`));
        const [head, body] = text.split('\r\n\r\n');
        assert.match(head, /^HTTP\/1\.1 400 Bad Request\r\n/);
        assert.match(head, /^content-type: text\/html/im);
        assert.match(head, /^connection: close/im);
        assert.equal(body, message);
        assert.ok(isClosed, 'the connection was left open');
      });
    }

    it('EIO=3 where it is not enabled is refused before the 101',
      quirkOfReference('answers 101 first and then writes the refusal into the websocket'),
      async () => {
        const { text } = await exchange(base, upgradeHead('/engine.io/?EIO=3&transport=websocket'));
        assert.match(text, /^HTTP\/1\.1 400 /);
        assert.ok(text.endsWith(messages[5]), text);
      });

    it('transport=polling with an Upgrade header is never answered 101',
      quirkOfReference('accepts it with 101 and closes the websocket'),
      async () => {
        const { text } = await exchange(base, upgradeHead('/engine.io/?EIO=4&transport=polling'));
        assert.doesNotMatch(text, /^HTTP\/1\.1 101/);
      });

    it('another websocket version than 13 is 400 and tells the one it speaks', async () => {
      const { text } = await exchange(base, upgradeHead('/engine.io/?EIO=4&transport=websocket', { 'Sec-WebSocket-Version': '99' }));
      assert.match(text, /^HTTP\/1\.1 (400|426) /);
      assert.match(text, /sec-websocket-version: (13|.*\b13\b)/i);
    });

    for (const [why, headers] of [
      ['no key', { 'Sec-WebSocket-Key': undefined }],
      ['a key of the wrong size', { 'Sec-WebSocket-Key': 'c2hvcnQ=' }],
      ['a key that is not base64', { 'Sec-WebSocket-Key': '%%%%%%%%%%%%%%%%%%%%%%==' }],
      ['another protocol to upgrade to', { Upgrade: 'h2c' }],
    ]) {
      it(`${why} is never answered 101`, async () => {
        const { text } = await exchange(base, upgradeHead('/engine.io/?EIO=4&transport=websocket', headers), { ms: 1500 });
        assert.match(text, /^(HTTP\/1\.1 4\d\d |$)/);
      });
    }

    it('an upgrade on a foreign path does not stay open', async () => {
      const { text, isClosed } = await exchange(base, upgradeHead('/elsewhere'), { ms: 3000 });
      assert.ok(isClosed, 'still open after 3 s');
      assert.match(text, /^(HTTP\/1\.1 4\d\d |$)/);
    });

    it('a refused upgrade of a session leaves the session alone', async () => {
      const session = await Polling.open(base);
      await assert.rejects(Peer.open(`${base}/engine.io/?EIO=4&transport=x&sid=${session.sid}`), { status: 400 });
      await session.send('4x');
      assert.deepEqual(await session.poll(), ['4x']);
    });
  });

  it('GET /health is 200 on the main port', async () => {
    assert.equal((await request(`${base}/health`)).status, 200);
  });

  it('GET /metrics is Prometheus text and counts refused requests', async () => {
    const before_ = await server.metrics();
    await request(`${base}/engine.io/?EIO=4&transport=polling&sid=nobody`);
    assert.ok((await request(`${base}/metrics`)).headers['content-type'].startsWith('text/plain'));
    await server.assertCounted(before_, /./);
  });

  it('no series of /metrics is there twice', async () => {
    assert.deepEqual((await server.metrics()).twice, []);
  });

  it('several requests on one connection, pipelined, are answered in order', async () => {
    const one = (q, last) =>
      `GET /engine.io/?${q} HTTP/1.1\r\nHost: x\r\n${last ? 'Connection: close\r\n' : ''}\r\n`;
    const { text } = await exchange(base, one('EIO=4&transport=x') + one('EIO=4&transport=polling') + one('EIO=4&transport=polling&sid=no', true));
    const codes = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map((m) => m[1]);
    assert.deepEqual(codes, ['400', '200', '400']);
    assert.ok(text.indexOf('"code":0') < text.indexOf('0{"sid"') && text.indexOf('0{"sid"') < text.indexOf('"code":1'));
  });
});
