// Starts tests/api/api_server (libsio's public API behind events) and talks to it with the official client.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { request } from './http.mjs';
import { ask, clients, open } from './clients.mjs';
import { next, within } from './wait.mjs';

export const binary =
  process.env.SIO_API_SERVER || join(dirname(fileURLToPath(import.meta.url)), '../../../../build/tests/api/api_server');

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

export class ApiServer {
  stderr = '';
  static async start(options = {}) {
    const server = new ApiServer();
    const args = Object.entries(options).map(([name, value]) => `${name}=${value}`);
    server.child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(server.child);
    server.child.stderr.setEncoding('utf8').on('data', (text) => (server.stderr += text));
    server.exited = new Promise((resolve) =>
      server.child.once('exit', (code, signal) => (running.delete(server.child), resolve({ code, signal }))),
    );
    const line = new Promise((resolve) => createInterface({ input: server.child.stdout }).once('line', resolve));
    const first = await within(15000, Promise.race([line, server.exited]), 'the ready line of api_server');
    if (typeof first !== 'string') throw new Error(`api_server ended: ${JSON.stringify(first)} ${server.stderr}`);
    server.ports = JSON.parse(first);
    server.scheme = options.cert ? 'https' : 'http';
    return server;
  }
  url(which = 'main') {
    return `${this.scheme}://127.0.0.1:${this.ports[which]}`;
  }
  // A connected client.
  async join(options = {}, { which = 'main', nsp = '', client = clients.v4 } = {}) {
    const socket = open(client, this.url(which) + nsp, { transports: ['websocket'], ...options });
    const refused = new Promise((_, reject) => socket.once('connect_error', reject));
    refused.catch(() => {});
    await Promise.race([next(socket, 'connect'), refused]);
    socket.ask = (event, ...args) => ask(socket, event, ...args);
    return socket;
  }
  async metric(pattern) {
    const { text } = await request(`${this.url()}/metrics`);
    return text
      .split('\n')
      .filter((line) => !line.startsWith('#') && pattern.test(line))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }
  get isAlive() {
    return this.child.exitCode === null && this.child.signalCode === null;
  }
  // Ends with SIGTERM; anything but a clean exit (a sanitizer's finding) is an error.
  async stop() {
    this.child.kill('SIGTERM');
    const { code, signal } = await within(10000, this.exited, 'end of api_server').catch((e) => {
      this.child.kill('SIGKILL');
      throw e;
    });
    if (code !== 0) throw new Error(`api_server exited with ${code ?? signal}:\n${this.stderr}`);
  }
}
