// Starts the server under test as a process of its own and reads its one ready line.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { request } from './http.mjs';
import { within } from './wait.mjs';

const folder = join(dirname(fileURLToPath(import.meta.url)), '..');
const built = join(folder, '../../../build/examples/conformance');

export const command = process.env.SIO_SERVER || built;
export const isReference = /\breference\.mjs\b/.test(command);

if (!process.env.SIO_SERVER && !existsSync(built)) {
  console.error(`no server to test: build ${built}, or set SIO_SERVER to a command line`);
  process.exit(1);
}

// Marks a test of something the Node original does differently, and that must not be copied.
export const quirkOfReference = (reason) => ({ skip: isReference && `Node quirk: ${reason}` });

// What the echo application serves as client bundle (the original brings its own copy of it).
export const clientDir = join(folder, 'node_modules/socket.io-client/dist');

const portFlags = { main: '--port', eio3: '--port-eio3', msgpack: '--port-msgpack', recovery: '--port-recovery' };

function flagsOf({ app = 'echo', ports = { main: 0, eio3: 0, msgpack: 0, recovery: 0 }, ...options }) {
  const flags = [`--app=${app}`, `--client-dir=${clientDir}`];
  for (const [name, port] of Object.entries(ports)) flags.push(`${portFlags[name]}=${port}`);
  for (const [name, value] of Object.entries(options)) {
    if (name === 'perMessageDeflate') {
      if (value) flags.push('--perMessageDeflate');
    } else {
      flags.push(`--${name.replace(/[A-Z]/g, (c) => '-' + c.toLowerCase())}=${value}`);
    }
  }
  return flags;
}

// A failed test must not leave its server behind.
const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

export class Server {
  #stderr = '';
  #ended = false;

  static async start(options = {}) {
    const server = new Server();
    server.options = options;
    const [file, ...words] = command.split(/\s+/).filter(Boolean);
    const args = [...words, ...flagsOf(options)];
    server.line = `${file} ${args.join(' ')}`;
    server.child = spawn(file, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(server.child);
    server.child.stderr.setEncoding('utf8').on('data', (text) => {
      server.#stderr = (server.#stderr + text).slice(-8000);
    });
    server.exited = new Promise((resolve, reject) => {
      server.child.once('error', reject);
      server.child.once('exit', (code, signal) => {
        server.#ended = true;
        running.delete(server.child);
        resolve({ code, signal });
      });
    });
    const lines = createInterface({ input: server.child.stdout });
    const first = new Promise((resolve) => lines.once('line', resolve));
    const line = await within(
      15000,
      Promise.race([first, server.exited.then((how) => Promise.reject(server.#died(how)))]),
      `the ready line of: ${server.line}`,
    ).catch((e) => {
      server.child.kill('SIGKILL');
      throw e;
    });
    server.ready = JSON.parse(line);
    assert.equal(server.ready.ready, true, `ready line: ${line}`);
    return server;
  }

  #died({ code, signal }) {
    return new Error(`server ended by itself (code ${code}, signal ${signal}): ${this.line}\n${this.#stderr}`);
  }

  get pid() {
    return this.child.pid;
  }
  get stderr() {
    return this.#stderr;
  }
  url(which = 'main') {
    const port = this.ready[which];
    assert.ok(port, `the server opened no "${which}" listener: ${JSON.stringify(this.ready)}`);
    return `http://127.0.0.1:${port}`;
  }

  // Graceful stop. A server that crashed before, or does not exit 0, fails the test that stops it.
  async stop(ms = 8000) {
    if (this.#ended) throw this.#died(await this.exited);
    this.child.kill('SIGTERM');
    let how;
    try {
      how = await within(ms, this.exited, `exit after SIGTERM of: ${this.line}`);
    } catch (e) {
      this.child.kill('SIGKILL');
      throw new Error(`${e.message}\n${this.#stderr}`);
    }
    assert.equal(how.code, 0, `exit after SIGTERM: code ${how.code}, signal ${how.signal}\n${this.#stderr}`);
  }
  async kill() {
    this.child.kill('SIGKILL');
    await this.exited;
  }
  // The same application on the same ports.
  again() {
    const ports = {};
    for (const name of Object.keys(portFlags)) if (this.ready[name]) ports[name] = this.ready[name];
    return Server.start({ ...this.options, ports });
  }

  get isAlive() {
    return !this.#ended;
  }
  residentKiB() {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)[1]);
  }

  // Prometheus text -> Map from `name{labels}` to number; `twice` names the series that came more than once (not allowed).
  async metrics() {
    const answer = await request(`${this.url()}/metrics`);
    assert.equal(answer.status, 200, 'GET /metrics');
    const series = new Map();
    const twice = [];
    for (const line of answer.text.split('\n')) {
      if (!line || line.startsWith('#')) continue;
      const m = /^([a-zA-Z_:][\w:]*(?:\{.*\})?)\s+(\S+)/.exec(line);
      assert.ok(m, `not Prometheus text: ${line}`);
      if (series.has(m[1])) twice.push(m[1]);
      series.set(m[1], (series.get(m[1]) ?? 0) + Number(m[2]));
    }
    return Object.assign(series, { twice });
  }
  // Fails unless a counter whose name or labels match `pattern` went up since `before`.
  async assertCounted(before, pattern) {
    const after = await this.metrics();
    const up = [...after].filter(([name, value]) => value > (before.get(name) ?? 0)).map(([name]) => name);
    assert.ok(
      up.some((name) => pattern.test(name)),
      `no metric matching ${pattern} went up; these did: ${up.join(', ') || 'none'}`,
    );
  }
}
