// socketio.md 2.14: the client bundle that the echo application serves. The protocol application serves none.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { request } from '../lib/http.mjs';
import { Server, clientDir } from '../lib/server.mjs';

describe('client bundle', () => {
  let server;
  let base;
  before(async () => {
    server = await Server.start({ app: 'echo', ports: { main: 0 } });
    base = server.url();
  });
  after(() => server.stop());

  for (const file of ['socket.io.js', 'socket.io.min.js', 'socket.io.msgpack.min.js', 'socket.io.esm.min.js']) {
    it(`${file} is JavaScript with an ETag, and so is its map`, async () => {
      const answer = await request(`${base}/socket.io/${file}?v=1`);
      assert.equal(answer.status, 200);
      assert.match(answer.headers['content-type'], /^application\/javascript; charset=utf-8/i);
      assert.match(answer.headers['cache-control'], /public, max-age=0/);
      assert.match(answer.headers.etag, /^(W\/)?".+"$/);
      assert.ok(answer.body.equals(await readFile(join(clientDir, file))));
      const map = await request(`${base}/socket.io/${file}.map`);
      assert.match(map.headers['content-type'], /^application\/json/);
      assert.match(map.headers.etag, /^(W\/)?".+"$/);
      map.json();
    });
  }

  it('HEAD tells the size and sends nothing', async () => {
    const answer = await request(`${base}/socket.io/socket.io.min.js`, { method: 'HEAD' });
    assert.deepEqual([answer.status, answer.text], [200, '']);
  });

  it('an equal ETag is 304, in the weak form too', async () => {
    const { etag } = (await request(`${base}/socket.io/socket.io.js`)).headers;
    for (const tag of [etag, `W/${etag.replace(/^W\//, '')}`]) {
      const answer = await request(`${base}/socket.io/socket.io.js`, { headers: { 'If-None-Match': tag } });
      assert.deepEqual([answer.status, answer.text], [304, ''], tag);
    }
    assert.equal((await request(`${base}/socket.io/socket.io.js`, { headers: { 'If-None-Match': '"other"' } })).status, 200);
  });

  it('it is compressed as the client accepts', async () => {
    const plain = await request(`${base}/socket.io/socket.io.min.js`);
    for (const [name, unpack] of Object.entries({ gzip: gunzipSync, deflate: inflateSync, br: brotliDecompressSync })) {
      const answer = await request(`${base}/socket.io/socket.io.min.js`, { headers: { 'Accept-Encoding': name } });
      const encoding = answer.headers['content-encoding'];
      assert.ok([name, undefined].includes(encoding), encoding);
      assert.ok(plain.body.equals(encoding ? unpack(answer.body) : answer.body), name);
    }
  });

  it('another file name is a request for Engine.IO: code 0', async () => {
    for (const file of ['socket.io.jsx', 'other.js', '../package.json', 'socket.io.js/']) {
      const answer = await request(`${base}/socket.io/${file}`);
      if (file.startsWith('..')) assert.notEqual(answer.status, 200);
      else assert.deepEqual([answer.status, answer.json().code], [400, 0], file);
    }
  });

  it('a server that was given no client answers code 0', async () => {
    const without = await Server.start({ app: 'protocol', ports: { main: 0 } });
    const answer = await request(`${without.url()}/socket.io/socket.io.js`);
    assert.deepEqual([answer.status, answer.json().code], [400, 0]);
    await without.stop();
  });
});
