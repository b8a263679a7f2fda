// Engine.IO 3 payloads, written from docs/engine.io-protocol/v3: lengths are UTF-16 code units in text payloads.
import assert from 'node:assert/strict';
import { request } from './http.mjs';

export const encode3 = (...packets) => packets.map((p) => `${p.length}:${p}`).join('');

export function decode3(text) {
  const packets = [];
  while (text) {
    const m = /^(\d+):/.exec(text);
    assert.ok(m, `not an EIO3 payload: ${text.slice(0, 40)}`);
    const from = m[0].length;
    const to = from + Number(m[1]);
    assert.ok(text.length >= to, `EIO3 payload shorter than its length says: ${text.slice(0, 40)}`);
    packets.push(text.slice(from, to));
    text = text.slice(to);
  }
  return packets;
}

// Strings and Buffers; a Buffer is a message packet (type byte 4 is put in front).
export const encode3Binary = (...packets) =>
  Buffer.concat(
    packets.map((p) => {
      const isText = typeof p === 'string';
      const data = isText ? Buffer.from(p) : Buffer.concat([Buffer.from([4]), p]);
      const digits = [...String(data.length)].map(Number);
      return Buffer.concat([Buffer.from([isText ? 0 : 1, ...digits, 255]), data]);
    }),
  );

export function decode3Binary(bytes) {
  const packets = [];
  for (let at = 0; at < bytes.length; ) {
    const isText = bytes[at++] === 0;
    let size = 0;
    while (bytes[at] !== 255) size = size * 10 + bytes[at++];
    const data = bytes.subarray(at + 1, at + 1 + size);
    assert.equal(data.length, size, 'EIO3 binary payload is cut short');
    packets.push(isText ? data.toString('utf8') : data);
    at += 1 + size;
  }
  return packets;
}

export class Polling3 {
  static async open(base, { path = '/engine.io/', query = '' } = {}) {
    const session = new Polling3();
    session.root = `${base}${path}?EIO=3&transport=polling${query}`;
    const answer = await request(session.root);
    assert.equal(answer.status, 200, answer.text);
    session.answer = answer;
    session.firstPackets = decode3(answer.text);
    session.handshake = JSON.parse(session.firstPackets[0].slice(1));
    session.sid = session.handshake.sid;
    return session;
  }
  url(extra = '') {
    return `${this.root}&sid=${this.sid}${extra}`;
  }
  get(extra, options) {
    return request(this.url(extra), options);
  }
  async poll(extra, options) {
    const answer = await this.get(extra, options);
    assert.equal(answer.status, 200, answer.text);
    return answer.headers['content-type'] === 'application/octet-stream' ? decode3Binary(answer.body) : decode3(answer.text);
  }
  post(body, headers = { 'Content-Type': 'text/plain;charset=UTF-8' }) {
    return request(this.url(), { method: 'POST', body, headers });
  }
  async send(...packets) {
    const answer = await this.post(encode3(...packets));
    assert.deepEqual([answer.status, answer.text], [200, 'ok']);
  }
}
