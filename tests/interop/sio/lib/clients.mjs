// The official clients as a table. All have the same on/emit/disconnect; what differs is in the row.
import { createRequire } from 'node:module';
import { io as io4 } from 'socket.io-client';
import { next, within } from './wait.mjs';

const require = createRequire(import.meta.url);
const io3 = require('sioc3');
const io2 = require('sioc2');

export const transports = {
  polling: { transports: ['polling'], ends: 'polling' },
  websocket: { transports: ['websocket'], ends: 'websocket' },
  upgrade: { transports: ['polling', 'websocket'], ends: 'websocket' },
};

export const clients = {
  v4: { title: 'socket.io-client 4', io: io4, protocol: 4 },
  v3: { title: 'socket.io-client 3', io: io3, protocol: 4 },
  v2: { title: 'socket.io-client 2', io: io2, protocol: 3 },
};

const opened = new Set();

export function open(client, url, options = {}) {
  const socket = client.io(url, { forceNew: true, reconnection: false, timeout: 5000, ...options });
  opened.add(socket);
  return socket;
}

// Every socket opened by the tests so far is closed (call it in afterEach).
export function closeAll() {
  for (const socket of opened) {
    socket.io.reconnection?.(false);
    socket.disconnect();
    socket.io.engine?.close?.();
  }
  opened.clear();
}

// Connected and welcomed by the echo app.
export async function join(client, url, options = {}) {
  const socket = open(client, url, options);
  await welcomed(socket);
  return socket;
}

export async function welcomed(socket) {
  const refusal = new Promise((_, reject) => {
    // 2.x names it "error", and "connect_error" is the manager's
    for (const event of ['connect_error', 'error']) {
      socket.once(event, (e) => reject(new Error(`refused: ${e?.message ?? JSON.stringify(e)}`, { cause: e })));
    }
  });
  refusal.catch(() => {});
  const [welcome] = await Promise.race([next(socket, 'welcome'), refusal]);
  socket.off('connect_error');
  socket.off('error');
  socket.welcome = welcome;
  return welcome;
}

export function ask(socket, event, ...args) {
  return within(
    10000,
    new Promise((resolve) => socket.emit(event, ...args, (...answer) => resolve(answer))),
    `ack of "${event}"`,
  );
}

export const whoami = async (socket) => (await ask(socket, 'whoami'))[0];

export const engineOf = (socket) => socket.io.engine;

// Waits until an upgrading client is on its last transport, as the server sees it too.
export async function settled(socket, ends) {
  const engine = engineOf(socket);
  if (engine.transport.name !== ends) await next(engine, 'upgrade');
  return whoami(socket);
}
