// socketio.md 2.7: CORS, on answers and on errors alike.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { request } from '../lib/http.mjs';
import { openPeer } from '../lib/peer.mjs';
import { Polling } from '../lib/polling.mjs';
import { Server } from '../lib/server.mjs';

const list = (value) => (value ?? '').toLowerCase().split(/\s*,\s*/).filter(Boolean).sort();

describe('CORS with one origin and credentials', () => {
  const origin = 'http://app.example';
  let server;
  let base;
  before(async () => {
    server = await Server.start({ app: 'echo', ports: { main: 0 }, origin, pingInterval: 8000, pingTimeout: 8000, maxPayload: 1000 });
    base = server.url();
  });
  after(() => server.stop());

  function assertAllowed(headers, why) {
    assert.equal(headers['access-control-allow-origin'], origin, why);
    assert.equal(headers['access-control-allow-credentials'], 'true', why);
    assert.ok(list(headers.vary).includes('origin'), `${why}: Vary: ${headers.vary}`);
  }

  it('is on the handshake, whatever Origin the request has', async () => {
    for (const headers of [{}, { Origin: origin }, { Origin: 'http://evil.example' }, { Origin: 'null' }]) {
      const answer = await request(`${base}/engine.io/?EIO=4&transport=polling`, { headers });
      assert.equal(answer.status, 200);
      assertAllowed(answer.headers, JSON.stringify(headers));
    }
  });

  it('is on GET and POST of a session', async () => {
    const session = await Polling.open(base);
    assertAllowed((await session.post('4x')).headers, 'POST');
    assertAllowed((await session.get()).headers, 'GET');
  });

  for (const [why, query, status, method] of [
    ['unknown transport', 'EIO=4&transport=x', 400],
    ['unknown session', 'EIO=4&transport=polling&sid=no', 400],
    ['handshake by POST', 'EIO=4&transport=polling', 400, 'POST'],
    ['websocket without upgrade', 'EIO=4&transport=websocket', 400],
  ]) {
    it(`is on the error for ${why}`, async () => {
      const answer = await request(`${base}/engine.io/?${query}`, { method, headers: { Origin: origin } });
      assert.equal(answer.status, status);
      assertAllowed(answer.headers, why);
    });
  }

  it('is on 413, on the 400 of a second GET and on 500', async () => {
    const session = await Polling.open(base);
    assertAllowed((await session.post('4' + 'x'.repeat(2000))).headers, '413');
    assertAllowed((await request(session.url(), { method: 'PUT' })).headers, '500');
    session.get().catch(() => {});
    await new Promise((r) => setTimeout(r, 50));
    const second = await session.get();
    assert.equal(second.status, 400);
    assertAllowed(second.headers, 'second GET');
  });

  it('answers a preflight with 204, the methods, the headers asked for, and nothing else', async () => {
    const answer = await request(`${base}/socket.io/?EIO=4&transport=polling`, {
      method: 'OPTIONS',
      headers: { Origin: origin, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'x-one, content-type' },
    });
    assert.deepEqual([answer.status, answer.text], [204, '']);
    assertAllowed(answer.headers, 'preflight');
    assert.deepEqual(list(answer.headers['access-control-allow-methods']), list('GET,HEAD,PUT,PATCH,POST,DELETE'));
    assert.deepEqual(list(answer.headers['access-control-allow-headers']), list('x-one,content-type'));
    assert.ok(list(answer.headers.vary).includes('access-control-request-headers'), `Vary: ${answer.headers.vary}`);
  });

  it('answers a preflight without a session, with an unknown one and with a live one, which it leaves alone', async () => {
    const session = await Polling.open(base);
    for (const url of [`${base}/engine.io/`, `${base}/engine.io/?EIO=4&transport=polling&sid=no`, session.url()]) {
      assert.equal((await request(url, { method: 'OPTIONS', headers: { Origin: origin } })).status, 204, url);
    }
    await session.send('4x');
    assert.deepEqual(await session.poll(), ['4x']);
  });

  it('adds the headers to the 101, and does not refuse a foreign origin there', async () => {
    const peer = await openPeer(base, { headers: { Origin: 'http://evil.example' } });
    assertAllowed(peer.upgradeHeaders, '101');
    await peer.close();
  });

  it('is on the client bundle too', async () => {
    const answer = await request(`${base}/socket.io/socket.io.js`, { headers: { Origin: origin } });
    assert.equal(answer.status, 200);
    assertAllowed(answer.headers, 'bundle');
  });
});

describe('CORS with origin *', () => {
  let server;
  let base;
  before(async () => {
    server = await Server.start({ app: 'protocol', ports: { main: 0 }, pingInterval: 8000, pingTimeout: 8000 });
    base = server.url();
  });
  after(() => server.stop());

  for (const [why, query] of [['an answer', 'EIO=4&transport=polling'], ['an error', 'EIO=4&transport=polling&sid=no']]) {
    it(`says * and nothing of credentials on ${why}`, async () => {
      const { headers } = await request(`${base}/socket.io/?${query}`, { headers: { Origin: 'http://a.example' } });
      assert.equal(headers['access-control-allow-origin'], '*');
      assert.equal(headers['access-control-allow-credentials'], undefined);
    });
  }

  it('answers a preflight', async () => {
    const answer = await request(`${base}/socket.io/?EIO=4&transport=polling`, {
      method: 'OPTIONS', headers: { Origin: 'http://a.example', 'Access-Control-Request-Method': 'POST' },
    });
    assert.equal(answer.status, 204);
    assert.equal(answer.headers['access-control-allow-origin'], '*');
  });
});
