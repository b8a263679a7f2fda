// socketio.md 2.4: the websocket transport. Engine echo application, raw `ws` peer and raw frames.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { exchange, frame, upgradeHead } from '../lib/http.mjs';
import { Peer, joinPeer, openPeer, reasonOf } from '../lib/peer.mjs';
import { Server, quirkOfReference } from '../lib/server.mjs';

const maxPayload = 50000;

describe('websocket transport', () => {
  let server;
  let base;
  before(async () => {
    server = await Server.start({ app: 'echo', ports: { main: 0 }, pingInterval: 8000, pingTimeout: 8000, maxPayload });
    base = server.url();
  });
  after(() => server.stop());

  const messages = [
    ['text', '4hello', '4hello'],
    ['empty text message', '4', '4'],
    ['text outside ASCII', '4é€😀\0', '4é€😀\0'],
    ['binary as it is', Buffer.from([1, 2, 3, 4]), Buffer.from([1, 2, 3, 4])],
    ['empty binary', Buffer.alloc(0), Buffer.alloc(0)],
    ['binary that looks like a packet', Buffer.from('1'), Buffer.from('1')],
    ['base64 text as binary', 'bAQIDBA==', Buffer.from([1, 2, 3, 4])],
    ['base64 text that starts with 4', 'b4AAA', Buffer.from([0xe0, 0, 0])],
  ];
  for (const [why, sent, back] of messages) {
    it(`echoes ${why}`, async () => {
      const peer = await openPeer(base);
      peer.send(sent);
      await peer.expect(back);
      await peer.close();
    });
  }

  it('sends binary as base64 text to a client that asked for b64', async () => {
    const peer = await openPeer(base, { query: '&b64=1' });
    peer.send(Buffer.from([1, 2, 3, 4]));
    await peer.expect('bAQIDBA==');
    await peer.close();
  });

  it('takes messages of exactly maxPayload and closes with 1009 above it', async () => {
    const peer = await openPeer(base);
    const text = '4' + 'x'.repeat(maxPayload - 1);
    peer.send(text);
    await peer.expect(text);
    peer.send(text + 'x');
    assert.equal((await peer.end()).code, 1009);
  });

  it('counts the fragments of a message together', async () => {
    const peer = await openPeer(base);
    for (let i = 0; i < 6; i++) peer.ws.send('4' + 'x'.repeat(9999), { fin: i === 5 });
    assert.equal((await peer.end()).code, 1009);
  });

  it('puts fragments together, with control frames between them', async () => {
    const peer = await openPeer(base);
    const pong = new Promise((resolve) => peer.ws.once('pong', resolve));
    peer.ws.send('4one ', { fin: false });
    peer.ws.ping('p');
    peer.ws.send('two', { fin: true });
    await peer.expect('4one two');
    assert.equal(String(await pong), 'p');
    await peer.close();
  });

  for (const packet of ['3', '5', '6', '0']) {
    it(`ignores an out-of-place packet ${packet}`, async () => {
      const peer = await openPeer(base);
      peer.send(packet).send('4x');
      await peer.expect('4x');
      await peer.close();
    });
  }

  for (const [why, packet] of [['a ping of the client', '2'], ['an unknown type', 'x'], ['type 7', '7'], ['type 9', '9abc'], ['an empty text', '']]) {
    it(`${why} ends the session without a close code`, async () => {
      const peer = await openPeer(base);
      peer.send(packet);
      assert.equal((await peer.end()).code, 1005);
    });
  }

  it('a close packet ends the session at once',
    quirkOfReference('ignores it on the websocket until the heartbeat ends the session'),
    async () => {
      const peer = await openPeer(base);
      peer.send('1');
      await peer.end(1500);
    });

  it('flushes what waits before it closes', async () => {
    const peer = await joinPeer(base);
    peer.send('42["stream",500,0]');
    peer.send('42["kick-close"]');
    for (let i = 0; i < 500; i++) assert.equal(await peer.next(), `42["tick",${i}]`);
    assert.equal(await peer.next(), '41');
    assert.equal((await peer.end()).code, 1005);
  });

  it('closes without a code after "drop" and after disconnect(true)', async () => {
    for (const event of ['drop', 'kick-close']) {
      const peer = await joinPeer(base);
      peer.send(`42["${event}"]`);
      assert.equal((await peer.end()).code, 1005, event);
    }
  });

  it('answers a close handshake with the same code', async () => {
    const peer = await openPeer(base);
    peer.ws.close(4321, 'bye');
    assert.equal((await peer.end()).code, 4321);
  });

  it('a connection that just vanishes ends the session with "transport close"', async () => {
    const peer = await joinPeer(base);
    peer.terminate();
    assert.equal(await reasonOf(base, peer.ioSid), 'transport close');
  });

  it('chooses the first subprotocol offered', async () => {
    const peer = await Peer.open(`${base}/engine.io/?EIO=4&transport=websocket`, { protocols: ['chat', 'other'] });
    assert.equal(peer.ws.protocol, 'chat');
    await peer.close();
  });

  it('does not negotiate compression by default', async () => {
    const peer = await openPeer(base, { perMessageDeflate: true });
    assert.equal(peer.upgradeHeaders['sec-websocket-extensions'], undefined);
    await peer.close();
  });

  it('takes any Origin', async () => {
    const peer = await openPeer(base, { headers: { Origin: 'http://evil.example' } });
    peer.send('4x');
    await peer.expect('4x');
    await peer.close();
  });

  describe('frames that break RFC 6455', () => {
    const text = (data, options) => frame(1, data, options);
    const table = [
      { why: 'an unmasked frame', bytes: text('4x', { masked: false }), code: 1002 },
      { why: 'RSV1 without an extension', bytes: text('4x', { rsv: 4 }), code: 1002 },
      { why: 'RSV2', bytes: text('4x', { rsv: 2 }), code: 1002 },
      { why: 'RSV3', bytes: text('4x', { rsv: 1 }), code: 1002 },
      { why: 'opcode 3', bytes: frame(3, 'x'), code: 1002 },
      { why: 'opcode 11', bytes: frame(11, 'x'), code: 1002 },
      { why: 'a continuation of nothing', bytes: frame(0, 'x'), code: 1002 },
      { why: 'a new message inside a fragmented one', bytes: Buffer.concat([text('4a', { fin: false }), text('4b')]), code: 1002 },
      { why: 'a fragmented ping', bytes: frame(9, 'x', { fin: false }), code: 1002 },
      { why: 'a ping of 126 bytes', bytes: frame(9, 'x'.repeat(126)), code: 1002 },
      { why: 'a close of one byte', bytes: frame(8, 'x'), code: 1002 },
      { why: 'close code 999', bytes: frame(8, Buffer.from([3, 231])), code: 1002 },
      { why: 'close code 1005', bytes: frame(8, Buffer.from([3, 237])), code: 1002 },
      { why: 'text that is not UTF-8', bytes: text(Buffer.from([0x34, 0xff, 0xfe])), code: 1007 },
      { why: 'text with a lone surrogate', bytes: text(Buffer.from([0x34, 0xed, 0xa0, 0x80])), code: 1007 },
      { why: 'text cut inside a character', bytes: text(Buffer.from([0x34, 0xe2, 0x82])), code: 1007 },
      { why: 'a close reason that is not UTF-8', bytes: frame(8, Buffer.from([3, 232, 0xff])), code: 1007 },
      { why: 'a frame of 2^63 bytes', bytes: Buffer.from([0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), code: [1002, 1009] },
      { why: 'a frame of 2^40 bytes', bytes: Buffer.from([0x82, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]), code: 1009 },
    ];
    for (const { why, bytes, code } of table) {
      it(`${why}: closed with ${code}`, async () => {
        const { bytes: answer, isClosed } = await exchange(base, [
          upgradeHead('/engine.io/?EIO=4&transport=websocket'), bytes,
        ], { ms: 2500 });
        const head = answer.indexOf('\r\n\r\n') + 4;
        let at = head;
        let seen = null;
        while (at < answer.length) {
          const [first, second] = [answer[at], answer[at + 1]];
          let size = second & 127;
          at += 2;
          if (size === 126) (size = answer.readUInt16BE(at)), (at += 2);
          if ((first & 15) === 8 && size >= 2) seen = answer.readUInt16BE(at);
          at += size;
        }
        assert.ok([code].flat().includes(seen), `close code ${seen}`);
        assert.ok(isClosed, 'connection left open');
      });
    }
  });

  it('goes on serving others meanwhile', async () => {
    const peer = await openPeer(base);
    peer.send('4fine');
    await peer.expect('4fine');
    await peer.close();
  });
});

describe('websocket with compression on', () => {
  let server;
  let base;
  before(async () => {
    server = await Server.start({ app: 'echo', ports: { main: 0 }, perMessageDeflate: true, maxPayload });
    base = server.url();
  });
  after(() => server.stop());

  it('negotiates permessage-deflate and carries text and binary both ways', async () => {
    const peer = await openPeer(base, { perMessageDeflate: { threshold: 0 } });
    assert.match(peer.upgradeHeaders['sec-websocket-extensions'], /^permessage-deflate/);
    const text = '4' + 'again and again '.repeat(1000);
    for (let i = 0; i < 5; i++) {
      peer.send(text);
      await peer.expect(text);
      peer.send(Buffer.from(text));
      await peer.expect(Buffer.from(text));
    }
    await peer.close();
  });

  it('serves a client that does not want it', async () => {
    const peer = await openPeer(base);
    assert.equal(peer.upgradeHeaders['sec-websocket-extensions'], undefined);
    peer.send('4x');
    await peer.expect('4x');
    await peer.close();
  });

  it('honours no context takeover on both sides', async () => {
    const peer = await openPeer(base, {
      perMessageDeflate: { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true },
    });
    assert.match(peer.upgradeHeaders['sec-websocket-extensions'], /server_no_context_takeover/);
    for (let i = 0; i < 3; i++) {
      const text = '4' + 'x'.repeat(3000) + i;
      peer.send(text);
      await peer.expect(text);
    }
    await peer.close();
  });

  it('applies maxPayload to the inflated message: 1009', async () => {
    const peer = await openPeer(base, { perMessageDeflate: { threshold: 0 } });
    peer.send('4' + 'x'.repeat(maxPayload));
    assert.equal((await peer.end()).code, 1009);
  });
});
