// A raw Engine.IO 4 long-polling session, packet by packet.
import assert from 'node:assert/strict';
import { request } from './http.mjs';
import { Inbox, sleep } from './wait.mjs';

export const RS = '\x1e';

export class Polling {
  static async open(base, { path = '/engine.io/', query = '', headers } = {}) {
    const session = new Polling();
    session.base = base;
    session.path = path;
    session.answer = await request(`${base}${path}?EIO=4&transport=polling${query}`, { headers });
    assert.equal(session.answer.status, 200, `handshake: ${session.answer.text}`);
    session.firstPackets = session.answer.text.split(RS);
    assert.equal(session.firstPackets[0][0], '0', `handshake: ${session.answer.text}`);
    session.handshake = JSON.parse(session.firstPackets[0].slice(1));
    session.sid = session.handshake.sid;
    return session;
  }
  url(extra = '') {
    return `${this.base}${this.path}?EIO=4&transport=polling&sid=${this.sid}${extra}`;
  }
  wsUrl(extra = '') {
    return `${this.base.replace('http', 'ws')}${this.path}?EIO=4&transport=websocket&sid=${this.sid}${extra}`;
  }
  get(options) {
    return request(this.url(), options);
  }
  post(body, options = {}) {
    const headers = { 'Content-Type': 'text/plain;charset=UTF-8', ...options.headers };
    return request(this.url(), { method: 'POST', body, ...options, headers });
  }
  // The packets of one answered GET.
  async poll(options) {
    const answer = await this.get(options);
    assert.equal(answer.status, 200, `GET: ${answer.status} ${answer.text}`);
    return answer.text.split(RS);
  }
  async send(...packets) {
    const answer = await this.post(packets.join(RS));
    assert.equal(answer.status, 200, `POST: ${answer.status} ${answer.text}`);
    assert.equal(answer.text, 'ok');
  }
  async isAlive() {
    // PUT is answered 500 for a live session and leaves it as it is
    const { status, text } = await request(this.url(), { method: 'PUT' });
    if (status === 400 && text.includes('"code":1')) return false;
    assert.equal(status, 500, `PUT with sid: ${status} ${text}`);
    return true;
  }
  // Polls for ever, answers pings, puts all other packets in the inbox; ends when the session does.
  keepPolling() {
    this.inbox = new Inbox();
    this.ended = (async () => {
      for (;;) {
        const answer = await this.get({ ms: 60000 }).catch((e) => ({ status: 0, text: e.message }));
        if (answer.status !== 200) return answer;
        for (const packet of answer.text.split(RS)) {
          if (packet === '2') await this.post('3').catch(() => {});
          else this.inbox.push(packet);
          if (packet === '1') return answer;
        }
        await sleep(0);
      }
    })();
    return this;
  }
  next(ms) {
    return this.inbox.next(`a packet by polling (session ${this.sid})`, ms);
  }
}

// Socket.IO on top: joins `nsp` and returns {session, sid, welcome}.
export async function joinByPolling(base, { nsp = '/', auth = '', query = '', headers } = {}) {
  const session = await Polling.open(base, { path: '/socket.io/', query, headers });
  session.keepPolling();
  const tag = nsp === '/' ? '' : `${nsp},`;
  await session.send(`40${tag}${auth}`);
  const answer = await session.next();
  assert.ok(answer.startsWith(`40${tag}{`), `CONNECT answer: ${answer}`);
  session.ioSid = JSON.parse(answer.slice(2 + tag.length)).sid;
  const welcome = await session.next();
  assert.ok(welcome.startsWith(`42${tag}["welcome"`), `welcome: ${welcome}`);
  return session;
}
