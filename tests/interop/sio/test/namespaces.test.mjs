// socketio.md 2.11, 2.12 and pitfalls 11 to 13: CONNECT, refusals, time limits, order of packets, as raw packets.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { request } from '../lib/http.mjs';
import { askPeer, joinNamespace, joinPeer, openPeer, reasonOf } from '../lib/peer.mjs';
import { Polling } from '../lib/polling.mjs';
import { Server } from '../lib/server.mjs';
import { sleep, until } from '../lib/wait.mjs';

describe('namespaces', () => {
  let server;
  let base;
  before(async () => {
    server = await Server.start({ app: 'echo', ports: { main: 0 }, connectTimeout: 600, pingInterval: 8000, pingTimeout: 8000, token: 'another' });
    base = server.url();
  });
  after(() => server.stop());

  for (const [packet, tag] of [['40', ''], ['40/', ''], ['40/,', ''], ['40{}', ''], ['40/other', '/other,'], ['40/other,', '/other,'], ['40/other,{"a":1}', '/other,'], ['40/dyn-7,', '/dyn-7,']]) {
    it(`"${packet}" is answered before anything the handler emits`, async () => {
      const peer = await openPeer(base, { path: '/socket.io/' });
      peer.send(packet);
      const answer = await peer.next();
      assert.ok(answer.startsWith(`40${tag}{"sid":"`), answer);
      const welcome = await peer.next();
      assert.ok(welcome.startsWith(`42${tag}["welcome",`), welcome);
      const { auth } = JSON.parse(welcome.slice(2 + tag.length))[1];
      assert.deepEqual(auth, packet.includes('"a"') ? { a: 1 } : {});
      await peer.close();
    });
  }

  for (const nsp of ['/nowhere', '/dyn-', '/dyn-x', '/other/deeper', '/__proto__', '/constructor', '/Other']) {
    it(`${nsp} is "Invalid namespace", and the connection stays`, async () => {
      const peer = await joinPeer(base);
      peer.send(`40${nsp},`);
      await peer.expect(`44${nsp},{"message":"Invalid namespace"}`);
      peer.send('421["echo"]');
      await peer.expect('431[]');
      await peer.close();
    });
  }

  it('the middleware refuses with message and data, and admits with the token of the command line', async () => {
    const peer = await joinPeer(base);
    for (const auth of ['', '{}', '{"token":"s3cret"}', '{"token":null}', '{"token":["another"]}']) {
      peer.send(`40/private,${auth}`);
      await peer.expect('44/private,{"message":"unauthorized","data":{"code":401,"hint":"token"}}');
    }
    await joinNamespace(peer, '/private', '{"token":"another"}');
    await peer.close();
  });

  it('a connection that joins nothing is closed after connectTimeout', async () => {
    const started = Date.now();
    const peer = await openPeer(base, { path: '/socket.io/' });
    await peer.end();
    const took = Date.now() - started;
    assert.ok(took > 550 && took < 2500, `closed after ${took} ms`);
  });

  it('a connection that was only refused is closed after connectTimeout, not before', async () => {
    const started = Date.now();
    const peer = await openPeer(base, { path: '/socket.io/' });
    peer.send('40/nowhere,');
    await peer.next();
    await peer.end();
    assert.ok(Date.now() - started > 550);
  });

  it('a polling connection that joins nothing is closed as well', async () => {
    const session = await Polling.open(base, { path: '/socket.io/' });
    const packets = await session.poll();
    assert.equal(packets.at(-1), '1');
  });

  it('leaving the last namespace does not close the connection', async () => {
    const peer = await joinPeer(base);
    peer.send('41');
    await sleep(900);
    await joinNamespace(peer, '/other');
    await peer.close();
  });

  it('"kick" leaves the connection and its other namespaces alone', async () => {
    const peer = await joinPeer(base);
    await joinNamespace(peer, '/other');
    peer.send('42/other,["kick"]');
    await peer.expect('41/other,');
    peer.send('421["echo"]');
    await peer.expect('431[]');
    await peer.close();
  });

  it('"kick-close" says goodbye in every namespace, then closes', async () => {
    const peer = await joinPeer(base);
    await joinNamespace(peer, '/other');
    peer.send('42["kick-close"]');
    const packets = [await peer.next(), await peer.next()];
    assert.deepEqual(packets.sort(), ['41', '41/other,'].sort());
    await peer.end();
  });

  it('packets after a disconnect of the namespace are dropped or end the connection, and never answered', async () => {
    const peer = await joinPeer(base);
    peer.send('42["kick"]').send('421["echo","too late"]');
    await peer.expect('41');
    await Promise.race([peer.closed, sleep(200)]);
    assert.ok(!peer.log.some((p) => p.includes('too late')));
    peer.terminate();
  });

  it('"client namespace disconnect" for a DISCONNECT packet', async () => {
    const peer = await joinPeer(base);
    peer.send('41');
    assert.equal(await reasonOf(base, peer.ioSid), 'client namespace disconnect');
    await peer.close();
  });

  it('the reason of a live or unknown socket is null', async () => {
    const peer = await joinPeer(base);
    assert.deepEqual(await askPeer(peer, 'reason-of', peer.ioSid), [null]);
    assert.deepEqual(await askPeer(peer, 'reason-of', '__proto__'), [null]);
    await peer.close();
  });

  it('each socket is in the room of its own id, and a message to that room reaches only it', async () => {
    const [a, b] = [await joinPeer(base), await joinPeer(base)];
    assert.deepEqual((await askPeer(a, 'whoami'))[0].rooms, [a.ioSid]);
    b.send(`42["to-room",${JSON.stringify(a.ioSid)},"direct"]`);
    await a.expect(`42["room-msg","${a.ioSid}","direct"]`);
    assert.deepEqual(await askPeer(b, 'echo', 1), [1]);
    await a.close();
    await b.close();
  });

  it('rooms of one namespace are not those of another', async () => {
    const [a, b] = [await joinPeer(base), await joinPeer(base)];
    await joinNamespace(b, '/other');
    await askPeer(a, 'join', 'r');
    b.send('42/other,1["join","r"]');
    await b.expect('43/other,1[]');
    b.send('42/other,["in-room","r","x"]');
    await b.expect('42/other,["room-msg","r","x"]');
    assert.deepEqual(await askPeer(a, 'echo', 1), [1]);
    await a.close();
    await b.close();
  });

  it('joining twice is once, leaving a room one is not in is nothing', async () => {
    const peer = await joinPeer(base);
    await askPeer(peer, 'join', 'r');
    await askPeer(peer, 'join', 'r');
    await askPeer(peer, 'leave', 'elsewhere');
    assert.deepEqual((await askPeer(peer, 'whoami'))[0].rooms.sort(), [peer.ioSid, 'r'].sort());
    peer.send('42["in-room","r",1]');
    await peer.expect('42["room-msg","r",1]');
    assert.deepEqual(await askPeer(peer, 'echo'), []);
    await askPeer(peer, 'leave', 'r');
    assert.deepEqual((await askPeer(peer, 'whoami'))[0].rooms, [peer.ioSid]);
    await peer.close();
  });

  it('rooms named like properties, empty or long are rooms like others', async () => {
    const peer = await joinPeer(base);
    for (const room of ['__proto__', 'constructor', '', 'r'.repeat(2000), 'é😀', 'a b,c/d#']) {
      await askPeer(peer, 'join', room);
      peer.send(`42["in-room",${JSON.stringify(room)},1]`);
      await peer.expect(`42["room-msg",${JSON.stringify(room)},1]`);
    }
    await peer.close();
  });

  it('an ack of one client is not consumed by another', async () => {
    const [a, b] = [await joinPeer(base), await joinPeer(base)];
    a.send('42["ask","for a"]');
    const question = await a.next();
    const id = /^42(\d+)\["question","for a"\]$/.exec(question)[1];
    b.send(`43${id}["stolen"]`);
    assert.deepEqual(await askPeer(b, 'echo'), []);
    a.send(`43${id}["mine"]`);
    await a.expect('42["answer","mine"]');
    a.send(`43${id}["twice"]`);
    assert.deepEqual(await askPeer(a, 'echo'), []);
    await a.close();
    await b.close();
  });

  it('dynamic namespaces come and go by the hundred', async () => {
    const peer = await joinPeer(base);
    for (let i = 0; i < 200; i++) {
      await joinNamespace(peer, `/dyn-${i}`);
      peer.send(`41/dyn-${i},`);
    }
    assert.deepEqual(await askPeer(peer, 'echo', 'fine'), ['fine']);
    await peer.close();
  });

  it('a client that hangs up while it connects leaves nothing behind', async () => {
    for (let i = 0; i < 30; i++) {
      const peer = await openPeer(base, { path: '/socket.io/' });
      peer.send('40/private,{"token":"another"}').send('40');
      peer.terminate();
    }
    await until(async () => (await request(`${base}/health`)).status === 200, 'health');
    const peer = await joinPeer(base);
    await peer.close();
  });
});

describe('the protocol application', () => {
  let server;
  before(async () => {
    server = await Server.start({ app: 'protocol' });
  });
  after(() => server.stop());

  it('has its documented defaults', async () => {
    const { handshake } = await Polling.open(server.url());
    assert.deepEqual([handshake.pingInterval, handshake.pingTimeout, handshake.maxPayload], [300, 200, 1000000]);
  });

  for (const nsp of ['/', '/custom']) {
    const tag = nsp === '/' ? '' : `${nsp},`;
    it(`emits auth, echoes message and acks on ${nsp}`, async () => {
      const peer = await openPeer(server.url(), { path: '/socket.io/' });
      peer.send(`40${tag}{"token":"123"}`);
      assert.ok((await peer.next()).startsWith(`40${tag}{`));
      await peer.expect(`42${tag}["auth",{"token":"123"}]`);
      peer.send(`42${tag}["message",1,"2",{"3":[true]}]`);
      await peer.expect(`42${tag}["message-back",1,"2",{"3":[true]}]`);
      peer.send(`42${tag}456["message-with-ack",1,null]`);
      await peer.expect(`43${tag}456[1,null]`);
      peer.send(`452-${tag}789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`);
      peer.send(Buffer.from([1])).send(Buffer.from([2]));
      await peer.expect(`462-${tag}789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, Buffer.from([1]), Buffer.from([2]));
      peer.send(`42${tag}["emit-with-ack",1,"x"]`);
      const question = await peer.next();
      const id = new RegExp(`^42${tag}(\\d+)\\["emit-with-ack",1,"x"\\]$`).exec(question)?.[1];
      assert.ok(id, question);
      peer.send(`43${tag}${id}["answer",2]`);
      await peer.expect(`42${tag}["emit-with-ack","answer",2]`);
      await peer.close();
    });
  }

  it('knows no other namespace, dynamic or not', async () => {
    const peer = await openPeer(server.url(), { path: '/socket.io/' });
    for (const nsp of ['/random', '/dyn-1', '/other']) {
      peer.send(`40${nsp}`);
      await peer.expect(`44${nsp},{"message":"Invalid namespace"}`);
    }
    await peer.close();
  });

  it('closes a connection without namespace after its 1000 ms', async () => {
    const started = Date.now();
    const peer = await openPeer(server.url(), { path: '/socket.io/' });
    await peer.end();
    const took = Date.now() - started;
    assert.ok(took > 950 && took < 3000, `${took} ms`);
  });
});
