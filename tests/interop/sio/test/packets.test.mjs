// socketio.md 2.10: Socket.IO packets, good and bad, over a raw websocket. Tables of text with a reason.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { joinNamespace, joinPeer, openPeer, reasonOf } from '../lib/peer.mjs';
import { joinByPolling } from '../lib/polling.mjs';
import { Server, isReference } from '../lib/server.mjs';

describe('Socket.IO packets', () => {
  let server;
  let base;
  before(async () => {
    server = await Server.start({ app: 'echo', ports: { main: 0 }, pingInterval: 8000, pingTimeout: 8000 });
    base = server.url();
  });
  after(() => server.stop());

  const one = '{"_placeholder":true,"num":0}';
  const bytes = (...b) => Buffer.from(b);

  const exchanges = [
    { why: 'event', send: ['42["echo",1,"a",null]'], want: ['42["echo",1,"a",null]'] },
    { why: 'event with ack', send: ['4212["echo",{"a":[]}]'], want: ['4312[{"a":[]}]'] },
    { why: 'ack without arguments', send: ['420["echo"]'], want: ['430[]'] },
    { why: 'ack id with leading zeros', send: ['42007["echo"]'], want: ['437[]'] },
    { why: 'ack id 2^53 - 1', send: ['429007199254740991["echo"]'], want: ['439007199254740991[]'] },
    { why: 'white space around and inside the JSON', send: ['421 [ "echo" , 1 ] '], want: ['431[1]'], loose: true },
    { why: 'namespace "/" spelt out', send: ['42/,1["echo",2]'], want: ['431[2]'] },
    { why: 'event nobody handles', send: ['42["nobody"]', '421["echo"]'], want: ['431[]'] },
    { why: 'event with a number as name', send: ['42[1]', '421["echo"]'], want: ['431[]'] },
    { why: 'ack nobody waits for', send: ['43999[1]', '421["echo"]'], want: ['431[]'] },
    { why: 'text outside ASCII', send: ['421["echo","é€😀\\u2028\\ud83d\\ude00"]'], want: ['431["é€😀\u2028😀"]'], loose: true },
    { why: 'integers up to 2^53', send: ['421["echo",9007199254740992,-9007199254740992]'], want: ['431[9007199254740992,-9007199254740992]'] },
    { why: '1e21', send: ['421["echo",1e21,1.5e-7]'], want: ['431[1e+21,1.5e-7]'], loose: true },
    { why: 'text that looks like a placeholder', send: ['421["echo","{\\"_placeholder\\":true}"]'], want: ['431["{\\"_placeholder\\":true}"]'] },
    { why: 'key __proto__', send: ['421["echo",{"__proto__":1,"constructor":2}]'], want: ['431[{"__proto__":1,"constructor":2}]'] },
    { why: 'one attachment, as event', send: [`451-["echo",${one}]`, bytes(1, 2)], want: [`451-["echo",${one}]`, bytes(1, 2)] },
    { why: 'one attachment, as ack', send: [`451-5["echo",${one}]`, bytes(3)], want: [`461-5[${one}]`, bytes(3)] },
    { why: 'an empty attachment', send: [`451-5["echo",${one}]`, bytes()], want: [`461-5[${one}]`, bytes()] },
    {
      why: 'attachments named out of order are numbered again depth first',
      send: ['452-5["echo",{"b":{"_placeholder":true,"num":1},"a":{"_placeholder":true,"num":0}}]', bytes(1), bytes(2)],
      wantValue: { b: bytes(2), a: bytes(1) },
    },
    {
      why: 'ten attachments',
      send: [
        `4510-5["echo",${Array.from({ length: 10 }, (_, i) => `{"_placeholder":true,"num":${i}}`).join(',')}]`,
        ...Array.from({ length: 10 }, (_, i) => bytes(i)),
      ],
      want: [
        `4610-5[${Array.from({ length: 10 }, (_, i) => `{"_placeholder":true,"num":${i}}`).join(',')}]`,
        ...Array.from({ length: 10 }, (_, i) => bytes(i)),
      ],
    },
  ];
  const json = (packet) => (Buffer.isBuffer(packet) ? packet : [/^[\d/,-]*?(?=[[{]|$)/.exec(packet)[0], JSON.parse(packet.slice(packet.search(/[[{]/)))]);
  for (const { why, send, want, wantValue, loose } of exchanges) {
    it(`takes ${why}`, async () => {
      const peer = await joinPeer(base);
      for (const packet of send) peer.send(packet);
      if (wantValue) {
        const head = await peer.next();
        const [, [value]] = json(head);
        const parts = [await peer.next(), await peer.next()];
        for (const [key, place] of Object.entries(value)) assert.deepEqual(parts[place.num], wantValue[key], key);
      } else {
        for (const packet of want) {
          const got = await peer.next();
          // equal as text, or as JSON value where an equal spelling is free
          if (loose) assert.deepEqual(json(got), json(packet));
          else assert.deepEqual(got, packet);
        }
      }
      peer.send('42999["echo"]');
      await peer.expect('43999[]');
      await peer.close();
    });
  }

  it('takes an event without payload', async () => {
    const peer = await joinPeer(base);
    peer.send('42');
    peer.send('421["echo"]');
    const first = await Promise.race([peer.next(), peer.closed.then(() => 'closed')]);
    assert.equal(first, '431[]');
    await peer.close();
  });

  // `error` at the server, then the connection is closed: reason "forced close"
  const decoderErrors = [
    ['unknown type 7', '47'],
    ['unknown type 9', '49["x"]'],
    ['type that is no digit', '4x'],
    ['empty message', '4'],
    ['attachments that are no number', '45a-["echo"]'],
    ['attachments without the dash', '451["echo"]'],
    ['attachments missing', '45-["echo"]'],
    ['negative attachments', '45-1-["echo"]'],
    ['fractional attachments', '451.5-["echo"]'],
    ['zero attachments', '450-["echo"]'],
    ['eleven attachments', '4511-["echo"]'],
    ['a billion attachments without data', '451000000000-'],
    ['attachments beyond any integer', '45999999999999999999999-["echo"]'],
    ['text while an attachment is due', `451-["echo",${one}]`, '42["echo"]'],
    ['text of another namespace while an attachment is due', `451-["echo",${one}]`, '40/other,'],
    ['binary without header', Buffer.from([1])],
    ['more attachments than announced', `451-["echo",${one}]`, Buffer.from([1]), Buffer.from([2])],
    ['placeholder number out of range', '451-["echo",{"_placeholder":true,"num":1}]', Buffer.from([1])],
    ['negative placeholder number', '451-["echo",{"_placeholder":true,"num":-1}]', Buffer.from([1])],
    ['placeholder number as text', '451-["echo",{"_placeholder":true,"num":"0"}]', Buffer.from([1])],
    ['placeholder without number', '451-["echo",{"_placeholder":true}]', Buffer.from([1])],
    ['JSON cut short', '42["echo"'],
    ['JSON with rubbish behind', '42["echo"]]'],
    ['JSON with a single quote', "42['echo']"],
    ['JSON with a bare control character', '42["echo","\u0001"]'],
    ['event that is an object', '42{"a":1}'],
    ['event that is a string', '42"echo"'],
    ['event that is an empty array', '42[]'],
    ['event name null', '42[null]'],
    ['event name an object', '42[{}]'],
    ['event name true', '42[true]'],
    ...['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener'].map((name) => [
      `reserved event name ${name}`, `42["${name}"]`,
    ]),
    ['ack that is an object', '431{"a":1}'],
    ['ack that is a string', '431"a"'],
    ['DISCONNECT with a payload', '41{"a":1}'],
  ];
  describe('decoder errors close the connection', () => {
    for (const [why, ...packets] of decoderErrors) {
      it(why, async () => {
        const peer = await joinPeer(base);
        for (const packet of packets) peer.send(packet);
        assert.equal((await peer.end()).code, 1005);
        assert.equal(await reasonOf(base, peer.ioSid), 'forced close');
      });
    }

    for (const packet of ['40/other,["array"]', '40/other,"text"', '40/other,true', '40/other,{"a":']) {
      it(`CONNECT payload that is no object: ${packet}`, async () => {
        const peer = await joinPeer(base);
        peer.send(packet);
        await peer.end();
      });
    }
  });

  describe('state errors close the connection', () => {
    for (const [why, ...packets] of [
      ['event for a namespace not joined', '42/other,["echo"]'],
      ['ack for a namespace not joined', '43/other,1[]'],
      ['DISCONNECT of a namespace not joined', '41/other,'],
      ['CONNECT for a namespace already joined', '40'],
      ['CONNECT_ERROR from a client', '44{"message":"x"}'],
      ['CONNECT_ERROR from a client for another namespace', '44/other,{"message":"x"}'],
    ]) {
      it(why, async () => {
        const peer = await joinPeer(base);
        for (const packet of packets) peer.send(packet);
        assert.equal((await peer.end()).code, 1005);
        // Node's Client.close() reads "forced server close", but a websocket whose queue is empty closes first: "forced close"
        assert.match(await reasonOf(base, peer.ioSid), /^forced (server )?close$/);
      });
    }

    it('event before any CONNECT', async () => {
      const peer = await openPeer(base, { path: '/socket.io/' });
      peer.send('42["echo"]');
      await peer.end();
    });

    it('binary before any CONNECT', async () => {
      const peer = await openPeer(base, { path: '/socket.io/' });
      peer.send(Buffer.from([1]));
      await peer.end();
    });

    it('a second CONNECT in the same segment never makes two sockets', { skip: isReference && 'Node quirk: makes two sockets' }, async () => {
      const peer = await openPeer(base, { path: '/socket.io/' });
      peer.ws._socket.cork();
      peer.send('40').send('40');
      peer.ws._socket.uncork();
      await peer.end();
      assert.ok(peer.log.filter((p) => typeof p === 'string' && p.startsWith('40{')).length <= 1);
    });
  });

  it('a polling connection with a decoder error is closed too', async () => {
    const session = await joinByPolling(base);
    await session.send('42["echo"');
    await session.ended;
    assert.equal(await reasonOf(base, session.ioSid), 'forced close');
  });

  it('leaves a namespace and joins it again on the same connection', async () => {
    const peer = await joinPeer(base);
    peer.send('41');
    await joinNamespace(peer, '/');
    peer.send('421["echo"]');
    await peer.expect('431[]');
    await peer.close();
  });

  it('carries attachments of several namespaces one after the other', async () => {
    const peer = await joinPeer(base);
    await joinNamespace(peer, '/other');
    for (let i = 0; i < 50; i++) {
      peer.send(`451-/other,${i}["echo",${one}]`).send(bytes(i)).send(`451-${i}["echo",${one}]`).send(bytes(i, i));
    }
    for (let i = 0; i < 50; i++) {
      await peer.expect(`461-/other,${i}[${one}]`, bytes(i), `461-${i}[${one}]`, bytes(i, i));
    }
    await peer.close();
  });

  it('never separates a header from its attachments although others send at the same time', async () => {
    const listener = await joinPeer(base);
    listener.send('421["join","r"]');
    await listener.expect('431[]');
    const speakers = await Promise.all(Array.from({ length: 4 }, () => joinPeer(base)));
    for (let i = 0; i < 100; i++) {
      for (const [n, s] of speakers.entries()) s.send(`451-["to-room","r",${one}]`).send(bytes(n, i));
      speakers[0].send('42["to-room","r","text"]');
    }
    let binary = 0;
    for (let i = 0; i < 500; i++) {
      const packet = await listener.next();
      if (packet === '42["room-msg","r","text"]') continue;
      assert.equal(packet, `451-["room-msg","r",${one}]`);
      assert.ok(Buffer.isBuffer(await listener.next()));
      binary++;
    }
    assert.equal(binary, 400);
    for (const p of [listener, ...speakers]) await p.close();
  });
});
