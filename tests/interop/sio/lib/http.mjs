// HTTP without cleverness: one request per connection, whole answer, nothing hidden; and raw bytes over TCP.
import http from 'node:http';
import net from 'node:net';
import { within } from './wait.mjs';

// Returns a promise of {status, headers, rawHeaders, body, text, json()} with .abort() on it.
export function request(url, { method = 'GET', headers = {}, body, ms = 5000, agent = false } = {}) {
  let req;
  const answer = new Promise((resolve, reject) => {
    req = http.request(url, { method, headers, agent }, (res) => {
      const chunks = [];
      res.on('data', (c) => chunks.push(c));
      res.on('error', reject);
      res.on('end', () => {
        const bytes = Buffer.concat(chunks);
        const text = bytes.toString('utf8');
        resolve({
          status: res.statusCode,
          headers: res.headers,
          rawHeaders: res.rawHeaders,
          body: bytes,
          text,
          json: () => JSON.parse(text),
        });
      });
    });
    req.on('error', reject);
    req.end(body);
  });
  const limited = within(ms, answer, `answer to ${method} ${url}`).finally(() => req.destroy());
  limited.abort = () => req.destroy();
  return limited;
}

// Sends bytes on a new connection and returns what comes back until the server closes (or `ms` are over).
export function exchange(url, bytes, { ms = 3000, untilText } = {}) {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const chunks = [];
    const socket = net.connect(Number(port), hostname);
    const finish = (isClosed) => {
      clearTimeout(timer);
      socket.destroy();
      const all = Buffer.concat(chunks);
      resolve({ bytes: all, text: all.toString('latin1'), isClosed });
    };
    const timer = setTimeout(() => finish(false), ms);
    socket.on('data', (c) => {
      chunks.push(c);
      if (untilText && Buffer.concat(chunks).includes(untilText)) finish(false);
    });
    socket.on('error', (e) => (e.code === 'ECONNRESET' || e.code === 'EPIPE' ? finish(true) : reject(e)));
    socket.on('close', () => finish(true));
    for (const part of [bytes].flat()) socket.write(part);
  });
}

export const upgradeHead = (path, extra = {}) => {
  const headers = {
    Host: '127.0.0.1',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...extra,
  };
  const lines = Object.entries(headers).filter(([, v]) => v !== undefined).map(([k, v]) => `${k}: ${v}\r\n`);
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
};

// One masked client frame (the mask is zero: legal, and readable in a dump).
export function frame(opcode, data = '', { fin = true, masked = true, rsv = 0 } = {}) {
  const payload = Buffer.from(data);
  const n = payload.length;
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode];
  const bit = masked ? 0x80 : 0;
  if (n < 126) head.push(bit | n);
  else if (n < 65536) head.push(bit | 126, n >> 8, n & 255);
  else {
    const size = Buffer.alloc(8);
    size.writeBigUInt64BE(BigInt(n));
    head.push(bit | 127, ...size);
  }
  return Buffer.concat([Buffer.from(head), masked ? Buffer.alloc(4) : Buffer.alloc(0), payload]);
}
