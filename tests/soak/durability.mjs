// kill -9 at random points under load, ROUNDS times (default 5; 100 by hand), every fifth time once more while the server starts.
// After each restart, from the log and from what clients were told:
//   every number's seq counts up by one without a hole,
//   no acknowledged change is missing (inbound messages, sends, reads and templates answered 2xx, receipts),
//   what a socket was told is in the log under the same seq with the same content: nothing was announced that is not there,
//   a client that resumes sees each event exactly once, in order, over all restarts.
// Every tenth time and at the end also from the rows: each message:new has its row and each row its message:new, chats are what their
// last chat:updated said, statuses what the last message:status said, unread counters are what was stored and not read, and
// `waboxctl doctor` (pages, foreign keys, counters against rows, search index) finds nothing.
// Usage: ROUNDS=100 node tests/soak/durability.mjs   (needs npm ci in tests/contract)
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { addNumber, call, login, scripted, startScripted } from "../contract/lib/scripted.mjs";
import { openSocket } from "../contract/lib/socket.mjs";

const ROUNDS = Number(process.env.ROUNDS ?? 5), NUMBERS = 3, CHATS = 20, ROWS_EVERY = 10, START_KILL_EVERY = 5;
const tool = process.env.WABOXCTL ?? resolve(import.meta.dirname, "../../build/src/cmd/waboxctl");
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const env = { EVENT_RETENTION_COUNT: "100000000", RATE_PER_SECOND: "100000", RATE_BURST: "100000" };

let server = await startScripted({ env }), token = await login(server);
const { dir } = server;
process.on("exit", () => rmSync(dir, { recursive: true, force: true }));
const numbers = [];
for (let i = 0; i < NUMBERS; i++) numbers.push(await addNumber(server, token, `62812000010${i}`));

const of = () => new Map(numbers.map((n) => [n.id, []]));
const log = of(); // events as the log has them, fetched after each restart
const told = of(); // [seq, event, text] as the resuming client heard them
const messages = new Map(numbers.map((n) => [n.id, new Map()])); // announced: id -> message:new
const statuses = new Map(), reads = new Map(), chats = new Map(); // by message id and by chat id, from the log
const acknowledged = of(), readsAnswered = new Map(), templates = [];
const flying = new Map(); // inbound line by id, not acknowledged: WhatsApp would send it again
const keys = new Map(); // sends whose answer got lost: asked again under the same key
const delivered = [], count = { kills: 0, startKills: 0, resyncs: 0, acknowledged: 0, reads: 0 };
let serial = 0;

const customer = () => `6285500${String(randomInt(CHATS)).padStart(5, "0")}`;
// The log's own text; the socket's comes with the seq inside, as in the log's answer.
const text = (data) => JSON.stringify(data);

function listen() {
  const resume = Object.fromEntries([...told].map(([id, list]) => [id, list.at(-1)?.[0] ?? 0]));
  const client = openSocket(server, { token, resume });
  client.socket.onAny((event, data) => {
    if (event === "resync") count.resyncs++;
    if (data?.seq !== undefined) told.get(data.whatsappNumberId)?.push([data.seq, event, text(data)]);
  });
  return client;
}

function inbound(number) {
  const line = { op: "inbound", number: number.id, from: customer(), id: `IN${++serial}`, text: `text ${serial}`, pushName: "C" };
  flying.set(line.id, line);
  server.order(line);
}
const watch = () => {
  server.onLine = ({ acked }) => {
    const line = acked && flying.get(acked);
    if (!line) return;
    acknowledged.get(line.number).push(acked);
    flying.delete(acked);
  };
};
async function send(number, key = `key-${++serial}`, to = customer()) {
  keys.set(key, { number, to });
  const { status, body } = await call(server, "POST", `/sessions/${number.sessionId}/send-message`, { token, body: { to, message: `answer ${key}`, clientId: key } });
  assert.equal(status, 200, JSON.stringify(body));
  acknowledged.get(number.id).push(body.data.messageId);
  keys.delete(key);
  server.order({ op: "receipt", number: number.id, chat: to, ids: [body.data.messageId], status: "READ" });
}
async function readSome(number) {
  const { body } = await call(server, "GET", `/chats/${number.id}?limit=5`, { token });
  for (const chat of body.data) {
    const { status } = await call(server, "PATCH", `/chats/${chat.id}/read`, { token });
    assert.equal(status, 200);
    readsAnswered.set(chat.id, (readsAnswered.get(chat.id) ?? 0) + 1);
  }
}
async function makeTemplate() {
  const name = `t${++serial}`;
  const { status } = await call(server, "POST", "/chat-templates", { token, body: { name, commands: `/${name}`, content: name } });
  assert.equal(status, 201);
  templates.push(`/${name}`);
}

const lost = (error) => { if (error.code === "ERR_ASSERTION") throw error; }; // else: the connection went with the server
async function load(isOver) {
  const repeat = async (act, pause) => { while (!isOver()) { await act().catch(lost); await sleep(pause); } };
  await Promise.all([repeat(async () => { for (const n of numbers) for (let i = 0; i < 10; i++) inbound(n); }, 3),
    ...numbers.map((n) => repeat(() => send(n), 1)), ...numbers.map((n) => repeat(() => readSome(n), 5)), repeat(makeTemplate, 20)]);
}

async function follow(id) { // the log since the last look
  const rows = log.get(id);
  for (;;) {
    const { body } = await call(server, "GET", `/numbers/${id}/events?after=${rows.length}&limit=1000`, { token });
    if (!body.data.length) return;
    for (const row of body.data) {
      assert.equal(row.seq, rows.length + 1, `seq of number ${id} has no hole`);
      rows.push({ event: row.event, text: text(row.data) });
      if (row.event === "message:new") {
        assert.ok(!messages.get(id).has(row.data.message.messageId), "each message is announced once");
        messages.get(id).set(row.data.message.messageId, { seq: row.seq, chatId: row.data.chatId, isFromMe: row.data.message.isFromMe, status: row.data.message.status });
      } else if (row.event === "message:status") statuses.set(row.data.messageId, row.data.status);
      else if (row.event === "chat:read") (reads.get(row.data.chatId) ?? reads.set(row.data.chatId, []).get(row.data.chatId)).push(row.seq);
      else if (row.event === "chat:updated") chats.set(row.data.chat.id, row.data.chat);
    }
  }
}

let compared = new Map(numbers.map((n) => [n.id, 0]));
async function checkLog(id) {
  await follow(id);
  const rows = log.get(id), list = told.get(id);
  for (let i = 0; i < 400 && (list.at(-1)?.[0] ?? 0) < rows.length; i++) await sleep(25);
  assert.equal(list.at(-1)?.[0], rows.length, `the client of number ${id} heard everything`);
  for (let i = compared.get(id); i < list.length; i++) {
    const [seq, event, said] = list[i];
    assert.equal(seq, list[0][0] + i, `the resuming client saw each event of number ${id} once, in order`);
    assert.equal(event, rows[seq - 1].event, `event ${seq} is what was said`);
    assert.equal(said, rows[seq - 1].text, `event ${seq} says what was said`);
  }
  compared.set(id, list.length);
  for (const wa of acknowledged.get(id).splice(0)) {
    assert.ok(messages.get(id).has(wa), `${wa} was acknowledged and is there`);
    count.acknowledged++;
  }
}

async function checkRows(number) {
  const stored = new Set(), known = messages.get(number.id);
  const { body } = await call(server, "GET", `/chats/${number.id}?limit=1000&archived=true`, { token });
  for (const chat of body.data) {
    for (let before = ""; ;) {
      const page = await call(server, "GET", `/chats/${chat.id}/messages?limit=1000&order=desc${before && `&before=${before}`}`, { token });
      if (!page.body.data.length) break;
      for (const row of page.body.data) {
        assert.ok(!stored.has(row.messageId), "stored once");
        stored.add(row.messageId);
        const made = known.get(row.messageId);
        assert.equal(made?.chatId, chat.id, `${row.messageId} was announced in its chat`);
        assert.equal(row.status, statuses.get(row.messageId) ?? made.status, `status of ${row.messageId}`);
      }
      before = page.body.data.at(-1).id;
    }
    const lastRead = reads.get(chat.id)?.at(-1) ?? 0;
    const unread = [...known.values()].filter((m) => m.chatId === chat.id && !m.isFromMe && m.seq > lastRead).length;
    assert.equal(chat.unreadCount, unread, "the counter is what was stored and not read");
    const said = chats.get(chat.id);
    for (const key of ["unreadCount", "lastMessage", "lastMessageTime", "contactName"]) assert.equal(said[key], chat[key], `${key} is what the last chat:updated said`);
  }
  assert.equal(stored.size, known.size, "rows and announcements are the same");
}

async function checkAll() {
  for (const number of numbers) await checkRows(number);
  for (const [chat, answered] of readsAnswered) assert.ok((reads.get(chat)?.length ?? 0) >= answered, "every read that was answered is in the log");
  const found = new Set((await call(server, "GET", "/chat-templates?limit=1000", { token })).body.data.map((t) => t.commands));
  for (const command of templates.slice(-900)) assert.ok(found.size >= 1000 || found.has(command), `${command} was answered 201 and is there`);
  const { stdout } = spawnSync(tool, ["doctor"], { env: { PATH: process.env.PATH, DATA_DIR: join(dir, "data"), PORT: "0" }, encoding: "utf8" });
  assert.match(stdout, /^ok {3}database: .*no damage found/m, stdout);
}

async function killStart() { // before it is ready: a start is a point like any other
  const child = spawn(scripted, [], { cwd: dir, env: { PATH: process.env.PATH, PORT: "0", HOST: "127.0.0.1", DATA_DIR: join(dir, "data"), WABOX_WHATSAPP: "live" }, stdio: "ignore" });
  const over = new Promise((done) => child.once("exit", done));
  await sleep(randomInt(1, 120));
  child.kill("SIGKILL");
  await over;
  count.startKills++;
}

let client = listen();
await client.ready;
watch();
const start = Date.now();
for (let round = 1; round <= ROUNDS; round++) {
  let isOver = false;
  const running = load(() => isOver);
  await sleep(randomInt(50, 900));
  server.child.kill("SIGKILL");
  await server.exited;
  count.kills++;
  isOver = true;
  await running;
  client.close();
  if (round % START_KILL_EVERY === 0) await killStart();
  server = await startScripted({ dir, env });
  watch();
  client = listen();
  await client.ready;
  for (const line of [...flying.values()]) server.order(line); // WhatsApp sends again what was not acknowledged
  for (const [key, { number, to }] of [...keys]) await send(number, key, to); // and so do clients
  for (let i = 0; flying.size && i < 1000; i++) await sleep(10);
  assert.equal(flying.size, 0, `everything sent again is acknowledged\n${server.log()}`);
  await sleep(50);
  for (const { id } of numbers) await checkLog(id);
  assert.equal(count.resyncs, 0);
  if (round % ROWS_EVERY === 0 || round === ROUNDS) {
    await settle();
    await checkAll();
    console.log(`round ${round}: ${numbers.map(({ id }) => `${log.get(id).length} events, ${messages.get(id).size} messages`).join("; ")}`);
  }
}
async function settle() { // receipts and acknowledgements of the last sends
  for (let last = -1, now = 0; now !== last;) {
    last = now;
    await sleep(200);
    for (const { id } of numbers) await checkLog(id);
    now = numbers.reduce((sum, { id }) => sum + log.get(id).length, 0);
  }
}
client.close();
assert.deepEqual(await server.stop(), { code: 0, signal: null }, "a clean end");
const events = numbers.reduce((sum, { id }) => sum + log.get(id).length, 0), answered = [...readsAnswered.values()].reduce((a, b) => a + b, 0);
console.log(`durability: ${count.kills} kills under load and ${count.startKills} during a start; ${events} events, ${count.acknowledged} messages, ${answered} reads and ${templates.length} templates acknowledged; ${Date.now() - start} ms, ok`);
process.exit(0);
