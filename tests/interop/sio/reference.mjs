// The reference server: the npm original with the applications and the command line of examples/conformance.
// It judges the suite: a test that fails here is wrong, or says in writing which Node quirk it does not want copied.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { Server as Engine } from 'engine.io';
import { Server } from 'socket.io';
import * as msgpackParser from 'socket.io-msgpack-parser';

const requireOfServer = createRequire(createRequire(import.meta.url).resolve('socket.io'));
const jsonParser = requireOfServer('socket.io-parser');

const names = [
  'app', 'port', 'port-eio3', 'port-msgpack', 'port-recovery', 'ping-interval', 'ping-timeout', 'max-payload',
  'connect-timeout', 'origin', 'token', 'max-connections', 'max-connections-per-ip', 'handshake-rate', 'max-rooms',
  'max-send-queue', 'max-attachments', 'client-dir',
];
const { values } = parseArgs({
  options: {
    ...Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
    perMessageDeflate: { type: 'boolean' },
  },
});

const isProtocolApp = values.app === 'protocol';
const defaults = isProtocolApp
  ? { pingInterval: 300, pingTimeout: 200, maxPayload: 1e6, connectTimeout: 1000, origin: '*' }
  : { pingInterval: 2000, pingTimeout: 2000, maxPayload: 4e6, connectTimeout: 45000, origin: 'http://app.example' };
const numberOf = (name, fallback) => (values[name] === undefined ? fallback : Number(values[name]));

const settings = {
  pingInterval: numberOf('ping-interval', defaults.pingInterval),
  pingTimeout: numberOf('ping-timeout', defaults.pingTimeout),
  maxHttpBufferSize: numberOf('max-payload', defaults.maxPayload),
  connectTimeout: numberOf('connect-timeout', defaults.connectTimeout),
  cors: { origin: values.origin ?? defaults.origin, credentials: !isProtocolApp },
  perMessageDeflate: values.perMessageDeflate ?? false,
};
const token = values.token ?? 's3cret';
const limits = {
  connections: numberOf('max-connections', Infinity),
  perIp: numberOf('max-connections-per-ip', Infinity),
  handshakesPerSecond: numberOf('handshake-rate', Infinity),
  rooms: numberOf('max-rooms', Infinity),
  sendQueue: numberOf('max-send-queue', Infinity),
  attachments: numberOf('max-attachments', 10),
};

// ---- limits (Node has none of these by itself, except attachments) ----

const refused = new Map();
const count = (reason) => refused.set(reason, (refused.get(reason) ?? 0) + 1);
const engines = [];
const perIp = new Map();
let second = 0;
let handshakesInSecond = 0;

function limitBroken(req) {
  const now = Math.floor(Date.now() / 1000);
  if (now !== second) [second, handshakesInSecond] = [now, 0];
  if (++handshakesInSecond > limits.handshakesPerSecond) return 'handshake_rate';
  if (engines.reduce((sum, e) => sum + e.clientsCount, 0) >= limits.connections) return 'max_connections';
  if ((perIp.get(req.socket.remoteAddress) ?? 0) >= limits.perIp) return 'max_connections_per_ip';
  return null;
}

function allowRequest(req, callback) {
  const reason = limitBroken(req);
  if (!reason) return callback(null, true);
  count(reason);
  callback('limit reached', false);
}

function watch(engine) {
  engines.push(engine);
  engine.on('connection', (conn) => {
    const ip = conn.remoteAddress;
    perIp.set(ip, (perIp.get(ip) ?? 0) + 1);
    conn.on('close', () => perIp.set(ip, perIp.get(ip) - 1));
    if (limits.sendQueue === Infinity) return;
    conn.on('packetCreate', () => {
      const waiting = conn.writeBuffer.reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
      if (waiting <= limits.sendQueue || conn.readyState !== 'open') return;
      count('max_send_queue');
      conn.transport.socket?.terminate();
    });
  });
}

class LimitedDecoder extends jsonParser.Decoder {
  constructor() {
    super({ maxAttachments: limits.attachments });
  }
  add(data) {
    try {
      super.add(data);
    } catch (e) {
      count('parse_error');
      throw e;
    }
  }
}

// ---- applications ----

const goneReasons = new Map();

function rememberReason(socket) {
  socket.on('disconnect', (reason) => {
    goneReasons.set(socket.id, reason);
    setTimeout(() => goneReasons.delete(socket.id), 30000).unref();
  });
}

function echoApp(nsp) {
  nsp.on('connection', (socket) => {
    rememberReason(socket);
    socket.emit('welcome', {
      sid: socket.id,
      nsp: socket.nsp.name,
      auth: socket.handshake.auth,
      query: { x: socket.handshake.query.x ?? null },
    });
    socket.on('error', () => {});
    socket.on('echo', (...args) => {
      if (typeof args.at(-1) === 'function') args.pop()(...args);
      else socket.emit('echo', ...args);
    });
    socket.on('whoami', (ack) =>
      ack({
        sid: socket.id,
        nsp: socket.nsp.name,
        transport: socket.conn.transport.name,
        protocol: socket.conn.protocol,
        rooms: [...socket.rooms],
      }),
    );
    socket.on('ask', (v) => socket.emit('question', v, (...answer) => socket.emit('answer', ...answer)));
    socket.on('stream', (n, every) => {
      let i = 0;
      if (!every) {
        while (i < n) socket.emit('tick', i++);
        return;
      }
      const timer = setInterval(() => {
        if (i < n && socket.connected) socket.emit('tick', i++);
        else clearInterval(timer);
      }, every);
    });
    socket.on('join', (room, ack) => {
      if (socket.rooms.size < limits.rooms || socket.rooms.has(room)) socket.join(room);
      else count('max_rooms');
      ack?.();
    });
    socket.on('leave', (room, ack) => {
      socket.leave(room);
      ack?.();
    });
    socket.on('to-room', (room, msg) => socket.to(room).emit('room-msg', room, msg));
    socket.on('in-room', (room, msg) => socket.nsp.in(room).emit('room-msg', room, msg));
    socket.on('kick', () => socket.disconnect());
    socket.on('kick-close', () => socket.disconnect(true));
    socket.on('drop', () => socket.conn.close());
    socket.on('reason-of', (sid, ack) => ack(goneReasons.get(sid) ?? null));
  });
}

function wantToken(socket, next) {
  const given = socket.handshake.auth?.token ?? socket.handshake.query.token;
  if (given === token) return next();
  const error = new Error('unauthorized');
  error.data = { code: 401, hint: 'token' };
  next(error);
}

function serveEcho(io) {
  for (const name of ['/', '/other', /^\/dyn-\d+$/]) echoApp(io.of(name));
  io.of('/private').use(wantToken);
  echoApp(io.of('/private'));
}

function serveProtocol(io) {
  for (const name of ['/', '/custom']) {
    io.of(name).on('connection', (socket) => {
      socket.emit('auth', socket.handshake.auth);
      socket.on('error', () => {});
      socket.on('message', (...args) => socket.emit('message-back', ...args));
      socket.on('message-with-ack', (...args) => args.pop()(...args));
      socket.on('emit-with-ack', (...args) =>
        socket.emit('emit-with-ack', ...args, (...answer) => socket.emit('emit-with-ack', ...answer)),
      );
    });
  }
}

// ---- listeners ----

function metricsText() {
  const lines = ['# TYPE sio_connections gauge'];
  lines.push(`sio_connections ${engines.reduce((sum, e) => sum + e.clientsCount, 0)}`);
  lines.push('# TYPE sio_refused_total counter');
  for (const [reason, n] of refused) lines.push(`sio_refused_total{reason="${reason}"} ${n}`);
  return lines.join('\n') + '\n';
}

function answerOwnPaths(req, res) {
  const path = req.url.split('?')[0];
  if (path === '/health') return res.end('ok\n');
  if (path === '/metrics') return res.setHeader('Content-Type', 'text/plain; version=0.0.4').end(metricsText());
  res.writeHead(404).end();
}

const stops = [];

async function listen(port, { allowEIO3 = false, ...options } = {}) {
  const http = createServer(answerOwnPaths);
  const common = { ...settings, allowEIO3, allowRequest };
  const io = new Server(http, {
    parser: { ...jsonParser, Decoder: LimitedDecoder },
    ...common,
    serveClient: !isProtocolApp,
    ...options,
  });
  const engine = new Engine(common);
  engine.attach(http, { path: '/engine.io', destroyUpgrade: false });
  engine.on('connection', (conn) => conn.on('data', (data) => conn.send(data)));
  watch(engine);
  watch(io.engine);
  for (const e of [engine, io.engine]) e.on('connection_error', ({ code }) => count(`engine_${code}`));
  (isProtocolApp ? serveProtocol : serveEcho)(io);
  await new Promise((resolve) => http.listen(Number(port), '127.0.0.1', resolve));
  stops.push(async () => {
    engine.close();
    const closed = io.close();
    setTimeout(() => http.closeAllConnections(), 100); // after the answers that say goodbye
    await closed;
  });
  return http.address().port;
}

const open = (name, options) => (values[name] === undefined ? null : listen(values[name], options));
const ready = {
  ready: true,
  main: await open('port', { allowEIO3: !isProtocolApp }),
  eio3: await open('port-eio3', { allowEIO3: true }),
  msgpack: await open('port-msgpack', { parser: msgpackParser }),
  recovery: await open('port-recovery', {
    connectionStateRecovery: { maxDisconnectionDuration: 3000, skipMiddlewares: true },
  }),
};

process.on('SIGTERM', async () => {
  await Promise.all(stops.map((stop) => stop()));
  setTimeout(() => process.exit(0), 50);
});
console.log(JSON.stringify(ready));
