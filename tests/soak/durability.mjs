// kill -9 at random points under load, ROUNDS times (default 5; 100 by hand). After each restart:
//   no acknowledged change is missing (inbound messages, sends answered 200, reads answered 200),
//   every number's seq counts up by one without a hole,
//   every message:new in the log has its row, every row has its message:new, exactly one each,
//   unread counters equal what was stored and not read,
//   a client that resumes sees each event exactly once, over all restarts.
// Usage: ROUNDS=100 node tests/soak/durability.mjs   (needs npm ci in tests/contract)
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { addNumber, call, login, startScripted } from "../contract/lib/scripted.mjs";
import { openSocket } from "../contract/lib/socket.mjs";

const ROUNDS = Number(process.env.ROUNDS ?? 5), NUMBERS = 3, CHATS = 20;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

let server = await startScripted(), token = await login(server);
const numbers = [];
for (let i = 0; i < NUMBERS; i++) numbers.push(await addNumber(server, token, `62812000010${i}`));

const accepted = new Map(numbers.map((n) => [n.id, new Set()])); // WhatsApp ids that must be there
const flying = new Map(); // inbound line by id, not acknowledged: WhatsApp would send it again
const seen = new Map(numbers.map((n) => [n.id, []])); // every seq the resuming client heard
const announced = new Map(numbers.map((n) => [n.id, []])); // ids of message:new it heard
const keys = new Map(); // sends whose answer got lost: asked again under the same key
let serial = 0, kills = 0, resyncs = 0;

function listen() {
  const resume = Object.fromEntries([...seen].map(([id, list]) => [id, list.at(-1) ?? 0]));
  const client = openSocket(server, { token, resume });
  client.socket.onAny((event, data) => {
    if (event === "resync") resyncs++;
    if (data?.seq === undefined) return;
    seen.get(data.whatsappNumberId)?.push(data.seq);
    if (event === "message:new") announced.get(data.whatsappNumberId)?.push(data.message.messageId);
  });
  return client;
}

const inbound = (number) => {
  const line = { op: "inbound", number: number.id, from: `6285500${String(serial % CHATS).padStart(5, "0")}`, id: `IN${++serial}`, text: `text ${serial}`, pushName: "C" };
  flying.set(line.id, line);
  server.order(line);
};
const watch = () => {
  server.onLine = ({ acked }) => {
    const line = acked && flying.get(acked);
    if (!line) return;
    accepted.get(line.number).add(acked);
    flying.delete(acked);
  };
};
async function send(number, key = `key-${++serial}`, text = `answer ${key}`) {
  keys.set(key, { number, text });
  const { status, body } = await call(server, "POST", `/sessions/${number.sessionId}/send-message`, { token,
    body: { to: `6285500${String(serial % CHATS).padStart(5, "0")}`, message: text, clientId: key } });
  if (status === 200) { accepted.get(number.id).add(body.data.messageId); keys.delete(key); }
}

async function load(isOver) {
  const sender = async (number) => { while (!isOver()) { await send(number).catch(() => {}); await sleep(1); } };
  const reader = async (number) => {
    while (!isOver()) {
      const { body } = await call(server, "GET", `/chats/${number.id}?limit=5`, { token }).catch(() => ({ body: {} }));
      for (const chat of body.data ?? []) await call(server, "PATCH", `/chats/${chat.id}/read`, { token }).catch(() => {});
      await sleep(5);
    }
  };
  const pump = async () => { while (!isOver()) { for (const n of numbers) for (let i = 0; i < 10; i++) inbound(n); await sleep(3); } };
  await Promise.all([pump(), ...numbers.map(sender), ...numbers.map(reader)]);
}

async function everyEvent(id) {
  const rows = [];
  for (let after = 0;;) {
    const { body } = await call(server, "GET", `/numbers/${id}/events?after=${after}&limit=1000`, { token });
    if (!body.data.length) return rows;
    rows.push(...body.data);
    after = rows.at(-1).seq;
  }
}
async function everyChat(id) {
  const { body } = await call(server, "GET", `/chats/${id}?limit=1000&archived=true`, { token });
  return body.data;
}
async function everyMessage(chat) {
  const rows = [];
  for (let before = "";;) {
    const { body } = await call(server, "GET", `/chats/${chat.id}/messages?limit=1000&order=desc${before && `&before=${before}`}`, { token });
    if (!body.data.length) return rows;
    rows.push(...body.data);
    before = rows.at(-1).id;
  }
}

async function check(number) {
  const events = await everyEvent(number.id);
  events.forEach((row, i) => assert.equal(row.seq, i + 1, `seq of number ${number.id} has no hole`));
  const logged = events.filter((e) => e.event === "message:new").map((e) => e.data.message.messageId);
  assert.equal(logged.length, new Set(logged).size, "each message is announced once");
  const stored = new Set();
  for (const chat of await everyChat(number.id)) {
    const rows = await everyMessage(chat);
    for (const row of rows) { assert.ok(!stored.has(row.messageId), "stored once"); stored.add(row.messageId); }
    const lastRead = events.findLast((e) => e.event === "chat:read" && e.data.chatId === chat.id)?.seq ?? 0;
    const unread = events.filter((e) => e.seq > lastRead && e.event === "message:new" && e.data.chatId === chat.id && !e.data.message.isFromMe).length;
    assert.equal(chat.unreadCount, unread, "the counter is what the rows and the reads say");
  }
  assert.deepEqual([...stored].sort(), [...logged].sort(), "rows and announcements are the same");
  for (const id of accepted.get(number.id)) assert.ok(stored.has(id), `${id} was acknowledged and is there`);
  return { events: events.length, messages: stored.size };
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
  kills++;
  isOver = true;
  await running;
  client.close();
  server = await startScripted({ dir: server.dir });
  watch();
  client = listen();
  await client.ready;
  for (const line of [...flying.values()]) server.order(line); // WhatsApp sends again what was not acknowledged
  for (const [key, { number, text }] of [...keys]) await send(number, key, text).catch(() => keys.delete(key)); // and so do clients; 422: another text then
  for (let i = 0; flying.size && i < 500; i++) await sleep(10);
  assert.equal(flying.size, 0, `everything sent again is acknowledged\n${server.log()}`);
  keys.clear();
}
await sleep(300);
for (const number of numbers) {
  for (let i = 0, last = -1; i < 200 && last !== seen.get(number.id).at(-1); i++) { last = seen.get(number.id).at(-1); await sleep(50); }
  const found = await check(number);
  const list = seen.get(number.id);
  assert.equal(resyncs, 0);
  list.forEach((seq, i) => assert.equal(seq, list[0] + i, `the resuming client saw each event of number ${number.id} once, in order`));
  assert.equal(list.at(-1), found.events, "and all of them");
  assert.equal(announced.get(number.id).length, new Set(announced.get(number.id)).size);
  console.log(`number ${number.id}: ${found.events} events, ${found.messages} messages, ${accepted.get(number.id).size} acknowledged`);
}
client.close();
assert.deepEqual(await server.stop(), { code: 0, signal: null }, "a clean end");
console.log(`durability: ${kills} kills, ${Date.now() - start} ms, ok`);
process.exit(0);
