// Clients that begin and never finish, by hand (minutes, not part of `make test`):
//   node tests/soak/half-open.mjs [rounds=10] [perRound=1000] [command=build/tests/api/api_server]
// Every round opens connections in each of the ways below and leaves them; meanwhile a well-behaved client has its echo answered. The
// server's memory has to come back to where it was, and its metrics have to have counted them. Raise rounds*perRound to 100000 for the full run.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const options = Object.fromEntries(process.argv.slice(2).map((word) => word.split('=')));
const rounds = Number(options.rounds ?? 10), perRound = Number(options.perRound ?? 1000);
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

const begin = resident();
let peak = begin, opened = 0;
for (let round = 0; round < rounds; round++) {
  const sockets = [];
  for (let i = 0; i < perRound; i++) {
    const bytes = Object.values(ways)[i % Object.keys(ways).length];
    const socket = net.connect(port, '127.0.0.1', () => bytes && socket.write(bytes, 'latin1'));
    socket.on('error', () => {}).on('data', () => {});
    sockets.push(socket);
    opened++;
    if (i % 200 === 199) await sleep(20);
  }
  await sleep(300);
  const asked = Date.now();
  assert.equal(await get('/health'), '{"status":"OK"}');
  peak = Math.max(peak, resident());
  console.log(`round ${round + 1}: ${opened} begun, ${await metric(/^http_connections/)} HTTP connections, ${await metric(/^sio_sessions /)} sessions, ${resident()} KiB, /health in ${Date.now() - asked} ms`);
  if (round % 2) sockets.forEach((socket) => socket.destroy()); // the other half just stays
}
console.log('waiting for the timeouts (head 10 s, body 30 s, heartbeat 3 s, namespace 1.5 s)');
for (let i = 0; i < 40 && ((await metric(/^sio_sessions /)) > 0 || (await metric(/^http_connections/)) > rounds * perRound * 0.25); i++) await sleep(1000);
const left = { sessions: await metric(/^sio_sessions /), timeouts: await metric(/timeout/), resident: resident() };
console.log({ opened, begin, peak, ...left });
assert.equal(left.sessions, 0, 'sessions left');
assert.ok(left.timeouts > 0, 'nothing counted');
assert.ok(peak - begin < 4 * opened + 20000, `memory: ${peak} KiB`); // at most 4 KiB for each that was begun
child.kill('SIGTERM');
const [code] = await new Promise((resolve) => child.once('exit', (...how) => resolve(how)));
assert.equal(code, 0);
console.log('ok');
process.exit(0);
