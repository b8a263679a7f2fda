// Clients that begin and never finish, by hand (minutes, not part of `make test`):
//   node tests/soak/half-open.mjs [waves=10] [perWave=2000] [held=12000] [command=build/tests/api/api_server]
// waves=20 perWave=5000 are the 100,000 of the acceptance line. Every wave opens connections in each of the ways below and leaves them;
// what is beyond `held` (the limit of open files) is dropped, oldest first, half of it with a reset. Meanwhile an official client's
// questions are answered. The server's memory must stay bounded and come back, and its metrics must have counted every way.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import net from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const options = Object.fromEntries(process.argv.slice(2).map((word) => word.split('=')));
const waves = Number(options.waves ?? 10), perWave = Number(options.perWave ?? 2000), held = Number(options.held ?? 12000);
const child = spawn(options.command ?? 'build/tests/api/api_server', ['ping-interval=2000', 'ping-timeout=1000', 'connect-timeout=1500'], { stdio: ['ignore', 'pipe', 'inherit'] });
process.on('exit', () => child.kill('SIGKILL'));
const ready = JSON.parse(await new Promise((resolve) => createInterface({ input: child.stdout }).once('line', resolve)));
const port = ready.main;

const get = (path) =>
  new Promise((resolve, reject) => {
    http.get({ host: '127.0.0.1', port, path, agent: false, timeout: 5000 }, (answer) => {
      let text = '';
      answer.on('data', (piece) => (text += piece)).on('end', () => resolve(text));
    }).on('error', reject);
  });
const metric = async (pattern) =>
  (await get('/metrics')).split('\n').filter((line) => !line.startsWith('#') && pattern.test(line)).reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
const resident = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1]);

const upgrade = 'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
const ways = {
  'nothing at all': '',
  'half a head': 'GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\nX: ',
  'half a body': 'POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n4',
  'a session, never polled': 'GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\n\r\n',
  'a websocket, no namespace': upgrade,
  'a websocket, half a frame': upgrade + '\x81\xfe\x7f',
};

const { io } = createRequire(new URL('../interop/sio/package.json', import.meta.url))('socket.io-client');
const witness = io(`http://127.0.0.1:${port}`, { transports: ['websocket'] });
await new Promise((resolve) => witness.once('connect', resolve));
let slowest = 0, answered = 0;
const watch = setInterval(async () => {
  const asked = Date.now();
  await witness.timeout(10000).emitWithAck('who');
  slowest = Math.max(slowest, Date.now() - asked);
  answered++;
}, 100);

const begin = resident(), began = Date.now();
let peak = begin, opened = 0, refused = 0;
const open = new Set();
function begins(number) {
  const bytes = Object.values(ways)[number % Object.keys(ways).length];
  // many addresses, so that the ports of one do not run out
  const socket = net.connect({ port, host: '127.0.0.1', localAddress: `127.0.1.${1 + (number % 200)}` }, () => bytes && socket.write(bytes, 'latin1'));
  socket.on('error', () => refused++).on('data', () => {}).on('close', () => open.delete(socket));
  open.add(socket);
}
function dropOldest() {
  let number = 0;
  for (const socket of open) {
    if (open.size <= held) return;
    open.delete(socket);
    if (number++ % 2) socket.resetAndDestroy();
    else socket.destroy();
  }
}
for (let wave = 0; wave < waves; wave++) {
  for (let i = 0; i < perWave; i++) {
    begins(opened++);
    if (i % 250 === 249) {
      await sleep(5);
      dropOldest();
    }
  }
  peak = Math.max(peak, resident());
  console.log(`wave ${wave + 1}: ${opened} begun, ${open.size} open, ${await metric(/^wabox_http_connections/)} HTTP connections, ${await metric(/^wabox_sio_sessions /)} sessions, ${resident()} KiB`);
}
console.log('waiting for the timeouts (head 10 s, body 30 s, heartbeat 3 s, namespace 1.5 s, idle 65 s)');
for (let i = 0; i < 90 && (await metric(/^wabox_http_connections/)) + (await metric(/^wabox_sio_sessions /)) > 3; i++) await sleep(1000);
clearInterval(watch);
const counted = {};
for (const [name, pattern] of Object.entries({
  'half a head': /^wabox_http_refused_total.*(head|timeout)/, 'no namespace': /limit="connect_timeout"/, sessions: /^wabox_sio_sessions_opened_total/, requests: /^wabox_http_requests_total/,
})) counted[name] = await metric(pattern);
const left = { sessions: (await metric(/^wabox_sio_sessions /)) - 1, http: (await metric(/^wabox_http_connections/)) - 1, resident: resident() };
console.log({ seconds: (Date.now() - began) / 1000, opened, refused, begin, peak, ...left, counted, answered, slowest });
assert.equal(left.sessions, 0, 'sessions left');
assert.ok(left.http <= 1, 'connections left');
for (const [name, count] of Object.entries(counted)) assert.ok(count > 0, `${name}: nothing counted`);
assert.ok(peak - begin < 4 * held + 20000, `memory: ${peak} KiB`); // at most 4 KiB for each that is open at once
assert.ok(answered > 10 && slowest < 5000, `served: ${answered}, slowest ${slowest} ms`);
witness.disconnect();
child.kill('SIGTERM');
const [code] = await new Promise((resolve) => child.once('exit', (...how) => resolve(how)));
assert.equal(code, 0);
console.log('ok');
process.exit(0);
