// socketio.md 2.8: Engine.IO 3 for Socket.IO 2 clients: lengths, binary payloads, JSONP, no CONNECT for "/".
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Polling3, decode3, decode3Binary, encode3, encode3Binary } from '../lib/eio3.mjs';
import { request } from '../lib/http.mjs';
import { Peer, openPeer } from '../lib/peer.mjs';
import { Server } from '../lib/server.mjs';
import { until } from '../lib/wait.mjs';

for (const [app, which] of [['echo', 'main'], ['protocol', 'eio3']]) {
  describe(`Engine.IO 3 payloads on the ${which} port of the ${app} application`, () => {
    let server;
    let base;
    before(async () => {
      server = await Server.start({ app, ports: { main: 0, eio3: 0 }, pingInterval: 8000, pingTimeout: 8000, maxPayload: 20000 });
      base = server.url(which);
    });
    after(() => server.stop());

    it('wraps the handshake with its length', async () => {
      const session = await Polling3.open(base);
      assert.equal(session.firstPackets.length, 1);
      assert.deepEqual(session.handshake.upgrades, ['websocket']);
      assert.match(session.answer.headers['content-type'], /^text\/plain; charset=utf-8/i);
    });

    for (const [why, packets] of [
      ['ASCII', ['4hello']],
      ['two-byte characters', ['4é']],
      ['characters beyond the BMP, which count two', ['4😀', '4a😀b']],
      ['several packets', ['4a', '4😀é€', '4', '4b:c:5:x']],
      ['base64 binary', ['b4AQIDBA==']],
    ]) {
      it(`counts lengths in UTF-16 units, in and out: ${why}`, async () => {
        const session = await Polling3.open(base, { query: '&b64=1' });
        await session.send(...packets);
        const got = [];
        while (got.length < packets.length) got.push(...(await session.poll()));
        assert.deepEqual(got, packets);
      });
    }

    it('answers binary as an octet-stream payload, mixed text counted in UTF-8 bytes', async () => {
      const session = await Polling3.open(base);
      await session.send('4text é😀', 'b4AQIDBA==', '4end');
      const answer = await session.get();
      assert.equal(answer.headers['content-type'], 'application/octet-stream');
      assert.deepEqual(decode3Binary(answer.body), ['4text é😀', Buffer.from([4, 1, 2, 3, 4]), '4end']);
    });

    it('answers base64 for a whole session whose handshake said b64=1, also where later requests do not repeat it', async () => {
      const session = await Polling3.open(base, { query: '&b64=1' });
      session.root = session.root.replace('&b64=1', '');
      await session.send('4text', 'b4AQIDBA==');
      const answer = await session.get();
      assert.match(answer.headers['content-type'], /^text\/plain/);
      assert.deepEqual(decode3(answer.text), ['4text', 'b4AQIDBA==']);
    });

    it('keeps text-only payloads text although the client could take binary', async () => {
      const session = await Polling3.open(base);
      await session.send('4only text');
      const answer = await session.get();
      assert.match(answer.headers['content-type'], /^text\/plain/);
      assert.deepEqual(decode3(answer.text), ['4only text']);
    });

    it('takes an octet-stream payload', async () => {
      const session = await Polling3.open(base, { query: '&b64=1' });
      const body = encode3Binary('4é😀', Buffer.from([9, 8]), '4z');
      const answer = await session.post(body, { 'Content-Type': 'application/octet-stream' });
      assert.deepEqual([answer.status, answer.text], [200, 'ok']);
      const got = [];
      while (got.length < 3) got.push(...(await session.poll()));
      assert.deepEqual(got, ['4é😀', 'b4CQg=', '4z']);
    });

    it('puts the type byte 4 before binary on the websocket', async () => {
      const peer = await openPeer(base, { eio: 3 });
      peer.send(Buffer.from([4, 1, 2, 3]));
      await peer.expect(Buffer.from([4, 1, 2, 3]));
      peer.send('4é😀');
      await peer.expect('4é😀');
      await peer.close();
    });

    it('sends b4 text on a websocket that asked for b64', async () => {
      const peer = await openPeer(base, { eio: 3, query: '&b64=1' });
      peer.send(Buffer.from([4, 1, 2, 3]));
      await peer.expect('b4AQID');
      await peer.close();
    });

    it('upgrades: probe, noop with its length, then the websocket', async () => {
      const session = await Polling3.open(base);
      const parked = session.poll();
      const peer = await Peer.open(session.url().replace('http', 'ws').replace('=polling', '=websocket'));
      peer.send('2probe');
      await peer.expect('3probe');
      assert.deepEqual(await parked, ['6']);
      peer.send('5').send('4x');
      await peer.expect('4x');
      await peer.close();
    });

    it('413 above maxPayload', async () => {
      const session = await Polling3.open(base);
      assert.equal((await session.post(encode3('4' + 'x'.repeat(20000)))).status, 413);
    });

    for (const [why, body] of [
      ['a length that is too long', '9:4a'],
      ['a length that is no number', 'x:4a'],
      ['a huge length', '99999999999999999999:4a'],
      ['a negative length', '-1:4a'],
      ['no colon', '4hello'],
      ['length zero', '0:'],
      ['an empty body', ''],
      ['a length that ends inside a surrogate pair', '2:4😀'],
    ]) {
      it(`survives ${why}, and serves the next session`, async () => {
        const session = await Polling3.open(base);
        const parked = session.get('', { ms: 1500 }).catch((e) => e);
        const answer = await session.post(body);
        assert.ok([200, 400].includes(answer.status), `status ${answer.status}`);
        await session.post(encode3('1')).catch(() => {});
        await parked;
        const other = await Polling3.open(base);
        await other.send('4x');
        assert.deepEqual(await other.poll(), ['4x']);
      });
    }

    for (const bytes of [[0], [0, 1], [0, 255], [1, 9, 9, 9, 9, 9, 9, 9, 255, 4], [2, 1, 255, 52], [0, 12, 255, 52]]) {
      it(`survives the binary payload ${bytes}`, async () => {
        const session = await Polling3.open(base);
        await session.post(Buffer.from(bytes), { 'Content-Type': 'application/octet-stream' });
        const other = await Polling3.open(base);
        await other.send('4x');
        assert.deepEqual(await other.poll(), ['4x']);
      });
    }
  });
}

describe('JSONP', () => {
  let server;
  let base;
  before(async () => {
    server = await Server.start({ app: 'echo', ports: { main: 0 }, pingInterval: 8000, pingTimeout: 8000 });
    base = server.url();
  });
  after(() => server.stop());

  const unwrap = (answer, ...numbers) => {
    const m = /^___eio\[(\d+)\]\((".*")\);$/s.exec(answer.text);
    assert.ok(m, answer.text);
    assert.ok(numbers.includes(Number(m[1])), `j: ${m[1]}`);
    return decode3(JSON.parse(m[2]));
  };

  it('wraps the handshake, escapes line separators, and takes another number in a later request', async () => {
    const open = await request(`${base}/engine.io/?EIO=3&transport=polling&j=7`);
    assert.match(open.headers['content-type'], /^text\//);
    const { sid } = JSON.parse(unwrap(open, 7)[0].slice(1));
    const url = `${base}/engine.io/?EIO=3&transport=polling&sid=${sid}`;
    const form = `d=${encodeURIComponent(encode3('4line\u2028one\u2029"\\').replace(/\n/g, '\\n'))}`;
    const post = await request(`${url}&j=0`, {
      method: 'POST', body: form, headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    });
    assert.deepEqual([post.status, post.text], [200, 'ok']);
    const answer = await request(`${url}&j=12`);
    assert.ok(!/[\u2028\u2029]/.test(answer.text), 'line separators must be escaped in a script');
    // Node keeps the number of the handshake; that of the request is as good: clients use one per session
    assert.deepEqual(unwrap(answer, 7, 12), ['4line\u2028one\u2029"\\']);
  });

  it('un-escapes \\n of the form', async () => {
    const open = await request(`${base}/engine.io/?EIO=3&transport=polling&j=1`);
    const { sid } = JSON.parse(unwrap(open, 1)[0].slice(1));
    const url = `${base}/engine.io/?EIO=3&transport=polling&sid=${sid}&j=1`;
    const body = `d=${encodeURIComponent('4:4a\\nb')}`;
    await request(url, { method: 'POST', body, headers: { 'Content-Type': 'application/x-www-form-urlencoded' } });
    assert.deepEqual(unwrap(await request(url), 1), ['4a\nb']);
  });

  it('keeps only the digits of j', async () => {
    const answer = await request(`${base}/engine.io/?EIO=3&transport=polling&j=${encodeURIComponent('1];alert(2)//')}`);
    assert.match(answer.text, /^___eio\[12\]\(/);
  });
});

describe('JSONP and Engine.IO 4', () => {
  it('is ignored: the answer is no script that another origin could read', async () => {
    const server = await Server.start({ app: 'echo', ports: { main: 0 } });
    try {
      const open = await request(`${server.url()}/engine.io/?EIO=4&transport=polling&j=7`);
      assert.match(open.text, /^0\{/);
      assert.doesNotMatch(open.headers['content-type'], /javascript/);
      const { sid } = JSON.parse(open.text.slice(1));
      const url = `${server.url()}/engine.io/?EIO=4&transport=polling&sid=${sid}`;
      await request(url, { method: 'POST', body: '4echo' });
      assert.equal((await request(`${url}&j=7`)).text, '4echo');
    } finally {
      await server.stop();
    }
  });
});

describe('Socket.IO over Engine.IO 3, raw', () => {
  let server;
  let base;
  before(async () => {
    server = await Server.start({ app: 'echo', ports: { main: 0 }, pingInterval: 8000, pingTimeout: 8000 });
    base = server.url();
  });
  after(() => server.stop());

  const enter = async () => {
    const peer = await openPeer(base, { path: '/socket.io/', eio: 3 });
    assert.equal(await peer.next(), '40');
    const welcome = JSON.parse((await peer.next()).slice(2))[1];
    assert.equal(welcome.sid, peer.sid, 'the socket id on "/" is the engine id');
    return peer;
  };

  it('connects "/" by itself right after open, without a sid', async () => {
    const peer = await enter();
    peer.send('421["echo",1]');
    await peer.expect('431[1]');
    await peer.close();
  });

  it('connects "/" by itself over polling too', async () => {
    const session = await Polling3.open(base, { path: '/socket.io/' });
    const got = session.firstPackets.slice(1);
    while (got.length < 2) got.push(...(await session.poll()));
    assert.equal(got[0], '40');
    assert.match(got[1], /^42\["welcome"/);
  });

  it('joins another namespace, with auth from the query of the packet', async () => {
    const peer = await enter();
    peer.send('40/private?token=s3cret&a=%20b,');
    await peer.expect('40/private,');
    const welcome = JSON.parse((await peer.next()).slice('42/private,'.length))[1];
    assert.deepEqual(welcome.auth, { token: 's3cret', a: ' b' });
    assert.equal(welcome.sid, `/private#${peer.sid}`);
    await peer.close();
  });

  it('tells a refusal as err.data, and an unknown namespace as the object', async () => {
    const peer = await enter();
    peer.send('40/private');
    await peer.expect('44/private,{"code":401,"hint":"token"}');
    peer.send('40/nowhere');
    await peer.expect('44/nowhere,{"message":"Invalid namespace"}');
    await peer.close();
  });

  it('carries attachments with the type byte, in both directions', async () => {
    const peer = await enter();
    peer.send('451-1["echo",{"_placeholder":true,"num":0}]').send(Buffer.from([4, 7, 7]));
    await peer.expect('461-1[{"_placeholder":true,"num":0}]', Buffer.from([4, 7, 7]));
    await peer.close();
  });

  it('drops the session when the client leaves', async () => {
    const peer = await enter();
    const { sid } = peer;
    await peer.close();
    await until(async () => {
      const answer = await request(`${base}/socket.io/?EIO=3&transport=polling&sid=${sid}`);
      return answer.json().code === 1;
    }, 'unknown session');
  });
});
