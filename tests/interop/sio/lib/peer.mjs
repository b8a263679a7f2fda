// A raw websocket peer: `ws` with an inbox; strings for text, Buffers for binary.
import assert from 'node:assert/strict';
import WebSocket from 'ws';
import { Inbox, within } from './wait.mjs';

export class Peer {
  // answersPings: "2" is answered "3" and kept out of the inbox.
  static async open(url, { answersPings = true, protocols, ...options } = {}) {
    const peer = new Peer();
    const ws = new WebSocket(url.replace(/^http/, 'ws'), protocols, { perMessageDeflate: false, ...options });
    peer.ws = ws;
    peer.inbox = new Inbox();
    peer.log = [];
    ws.on('upgrade', (res) => (peer.upgradeHeaders = res.headers));
    ws.on('message', (data, isBinary) => {
      const message = isBinary ? data : data.toString('utf8');
      peer.log.push(message);
      if (answersPings && message === '2') ws.send('3');
      else peer.inbox.push(message);
    });
    peer.closed = new Promise((resolve) => ws.on('close', (code, reason) => resolve({ code, reason: `${reason}` })));
    await within(
      5000,
      new Promise((resolve, reject) => {
        ws.once('open', resolve);
        ws.once('unexpected-response', (req, res) => {
          const error = new Error(`refused with ${res.statusCode}`);
          error.status = res.statusCode;
          error.headers = res.headers;
          let text = '';
          res.setEncoding('latin1').on('data', (c) => (text += c));
          res.on('end', () => ((error.text = text), reject(error)));
          res.on('error', () => reject(error));
        });
        ws.once('error', reject);
      }),
      `websocket to ${url}`,
    );
    ws.on('error', (e) => (peer.error = e));
    return peer;
  }
  send(data) {
    this.ws.send(data);
    return this;
  }
  next(ms) {
    return this.inbox.next('a websocket message', ms);
  }
  async expect(...messages) {
    for (const message of messages) assert.deepEqual(await this.next(), message);
  }
  close() {
    this.ws.close();
    return this.end();
  }
  terminate() {
    this.ws.terminate();
  }
  end(ms = 5000) {
    return within(ms, this.closed, 'close of the websocket by the server');
  }
}

// New engine session over websocket; the open packet is parsed.
export async function openPeer(base, { path = '/engine.io/', query = '', eio = 4, ...options } = {}) {
  const peer = await Peer.open(`${base}${path}?EIO=${eio}&transport=websocket${query}`, options);
  const open = await peer.next();
  assert.equal(open[0], '0', `first packet: ${open}`);
  peer.handshake = JSON.parse(open.slice(1));
  peer.sid = peer.handshake.sid;
  return peer;
}

// New Socket.IO connection of the echo app over a raw websocket, joined to `nsp`, welcome read.
export async function joinPeer(base, { nsp = '/', auth = '', ...options } = {}) {
  const peer = await openPeer(base, { path: '/socket.io/', ...options });
  await joinNamespace(peer, nsp, auth);
  return peer;
}

export async function joinNamespace(peer, nsp, auth = '') {
  const tag = nsp === '/' ? '' : `${nsp},`;
  peer.send(`40${tag}${auth}`);
  const answer = await peer.next();
  assert.ok(answer.startsWith(`40${tag}{`), `CONNECT answer: ${answer}`);
  const { sid } = JSON.parse(answer.slice(2 + tag.length));
  if (nsp === '/') peer.ioSid = sid;
  const welcome = await peer.next();
  assert.ok(welcome.startsWith(`42${tag}["welcome"`), `welcome: ${welcome}`);
  return sid;
}

let askId = 1000;
// An event with ack over a raw peer; other messages that arrive meanwhile stay unread behind it only if none arrive.
export async function askPeer(peer, event, ...args) {
  const id = askId++;
  peer.send(`42${id}${JSON.stringify([event, ...args])}`);
  const answer = await peer.next();
  assert.ok(answer.startsWith(`43${id}[`), `ack of ${event}: ${answer}`);
  return JSON.parse(answer.slice(2 + String(id).length));
}

// Why the server thinks socket `sid` ended.
export async function reasonOf(base, sid, ms = 5000) {
  const asker = await joinPeer(base);
  try {
    const end = Date.now() + ms;
    for (;;) {
      const [reason] = await askPeer(asker, 'reason-of', sid);
      if (reason !== null || Date.now() > end) return reason;
      await new Promise((r) => setTimeout(r, 30));
    }
  } finally {
    await asker.close();
  }
}
