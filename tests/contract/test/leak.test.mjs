// Room leakage: many agents and numbers, rights that change while events flow. Each socket must hear exactly what its agent may hear at
// that moment. A model says which numbers those are, the event log what was to be heard of them; marks in what a socket heard say where
// the model changed. SEED=n makes another run, STEPS=n a longer one.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { addNumber, startScripted } from "../lib/scripted.mjs";
import { call, login, makeUser } from "../lib/server.mjs";
import { openSocket } from "../lib/socket.mjs";

const AGENTS = 30, NUMBERS = 12, STEPS = Number(process.env.STEPS ?? 150);
let state = Number(process.env.SEED ?? 1) >>> 0, serial = 0;
function random(below) { // mulberry32
  state = (state + 0x6d2b79f5) >>> 0;
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
}
const pick = (list) => list[random(list.length)];

let server, token, witness, numbers, agents;
const active = new Set(), last = new Map(); // of the witness: an ADMIN who is in every room
const permitted = (agent, number) => agent.isAdmin || agent.grants.has(number);
const mayHear = (agent) => new Set(numbers.filter((number) => active.has(number) && permitted(agent, number)));
const api = async (method, path, body, want = 200, who = token) => {
  const answer = await call(server, method, path, { token: who, body });
  assert.equal(answer.status, want, `${method} ${path}: ${JSON.stringify(answer.body)}`);
  return answer.body;
};
function flow(number, count = 1 + random(3)) { // messages arrive; nobody waits for them
  for (let i = 0; i < count; i++) server.order({ op: "inbound", number, from: `62855${1000000 + random(5)}`, id: `IN${++serial}`, text: `${serial} for ${number}` });
  if (random(4) === 0) server.order({ op: "typing", number, from: "628551000000", typing: true });
}

function enter(agent, resume) {
  const auths = [{ token: agent.token, resume }]; // resume: of the first connection only
  agent.s = openSocket(server, (give) => give(auths.pop() ?? { token: agent.token }), { reconnection: true, reconnectionDelay: 20, reconnectionDelayMax: 20 });
  agent.s.resume = resume ?? {};
  agent.streams.push(agent.s);
  agent.s.socket.on("connect", () => { if (!agent.s.socket.recovered) agent.s.heard.push({ anew: true }); });
  agent.hears = new Set();
  return agent.s.ready;
}
// The agent's rights have changed and the answer is here: its socket is in every room it may be in, and this is what it may hear now.
async function settle(agent, floor, from) {
  const may = mayHear(agent);
  for (const number of may) if (!agent.hears.has(number)) await agent.s.wait("chat:list", (d) => d.whatsappNumberId === number, { after: from });
  await agent.s.ask("ping", 1);
  agent.hears = may;
  agent.s.heard.push({ may, floor, isSettled: true });
}
const now = () => new Map(last);

const actions = {
  async grant(agent, number = pick(numbers)) {
    if (agent.grants.has(number)) return actions.revoke(agent, number);
    const floor = now(), from = agent.s.heard.length;
    flow(number);
    const answer = api("POST", "/wapermission", { userId: agent.id, whatsappNumberId: number }, 201);
    flow(number);
    agent.grants.set(number, (await answer).data.id);
    await settle(agent, floor, from);
  },
  async revoke(agent, number = pick([...agent.grants.keys(), pick(numbers)])) {
    if (!agent.grants.has(number)) return actions.grant(agent, number);
    const floor = now(), from = agent.s.heard.length;
    flow(number);
    const answer = api("DELETE", `/wapermission/${agent.grants.get(number)}`);
    flow(number);
    await answer;
    agent.grants.delete(number);
    await settle(agent, floor, from);
  },
  async logout(agent) { // and in again, with the points it had seen: also of numbers that it may not hear any more
    const floor = now(), resume = {};
    for (const { data } of agent.s.heard) if (data?.seq !== undefined) resume[data.whatsappNumberId] = data.seq;
    const ended = new Promise((done) => agent.s.socket.once("disconnect", done)), answer = api("POST", "/auth/logout", undefined, 200, agent.token);
    for (const number of agent.hears) flow(number, 1);
    await Promise.all([answer, ended]);
    agent.s.heard.push({ may: new Set(), floor });
    const number = pick(numbers);
    if (agent.grants.has(number)) { await api("DELETE", `/wapermission/${agent.grants.get(number)}`); agent.grants.delete(number); }
    flow(number);
    agent.token = await login(server, agent);
    await enter(agent, random(2) ? resume : undefined);
    await settle(agent, undefined, 0);
  },
  async cut(agent) { // Socket.IO's recovery brings it back, with other rights
    const gone = new Promise((done) => agent.s.socket.once("disconnect", done)), from = agent.s.heard.length;
    agent.s.socket.io.engine.close();
    await gone;
    const back = new Promise((done) => agent.s.socket.once("connect", done));
    const number = pick([...agent.hears, pick(numbers)]);
    if (agent.grants.has(number)) { await api("DELETE", `/wapermission/${agent.grants.get(number)}`); agent.grants.delete(number); }
    agent.hears = new Set([...agent.hears].filter((one) => mayHear(agent).has(one)));
    agent.s.heard.push({ may: mayHear(agent) });
    for (const one of [number, ...agent.hears]) flow(one, 1);
    await back;
    if (!agent.s.socket.recovered) agent.hears = new Set();
    await settle(agent, undefined, from);
  },
  async role(agent) {
    const floor = now(), from = agent.s.heard.length, answer = api("PUT", `/users/${agent.id}`, { role: agent.isAdmin ? "USER" : "ADMIN" });
    for (const number of numbers) flow(number, 1);
    await answer;
    agent.isAdmin = !agent.isAdmin;
    await settle(agent, floor, from);
  },
  async toggle(_, number = pick(numbers)) { // the number is switched off or on, for everybody
    const floor = now(), marks = agents.map((agent) => agent.s.heard.length), answer = api("PATCH", `/whatsapp/${number}/toggle-status`);
    flow(number);
    await answer;
    if (!active.delete(number)) active.add(number);
    await Promise.all(agents.map((agent, i) => settle(agent, floor, marks[i])));
  },
  async ask(agent) { // what is asked for is as closed as what is told
    const number = pick(numbers), may = permitted(agent, number);
    const [told, { status }] = await Promise.all([agent.s.ask("chat:get-list", { whatsappNumberId: number, limit: 1 }), call(server, "GET", `/chats/${number}`, { token: agent.token })]);
    assert.deepEqual([told.success, status], [may, may ? 200 : 403]);
  },
};
const odds = { grant: 30, revoke: 30, logout: 5, cut: 10, role: 5, toggle: 5, ask: 15 };

before(async () => {
  server = await startScripted({ env: { RATE_PER_SECOND: "100000", RATE_BURST: "100000", SOCKET_RATE_PER_SECOND: "10000", LOGIN_PER_ACCOUNT: "1000" } });
  token = await login(server);
  numbers = (await Promise.all(Array.from({ length: NUMBERS }, (_, i) => addNumber(server, token, `62812000${1000 + i}`)))).map((number) => number.id);
  for (const number of numbers) active.add(number);
  agents = (await Promise.all(Array.from({ length: AGENTS }, () => makeUser(server, token)))).map((user) => ({ ...user, grants: new Map(), isAdmin: false, streams: [] }));
  witness = openSocket(server, { token });
  witness.socket.onAny((event, data) => { if (data?.seq !== undefined) last.set(data.whatsappNumberId, data.seq); });
  await witness.ready;
  await Promise.all(numbers.map((number) => witness.wait("whatsapp:status", (d) => d.whatsappNumberId === number)));
  for (const agent of agents) for (const number of numbers) if (random(3) === 0) agent.grants.set(number, (await api("POST", "/wapermission", { userId: agent.id, whatsappNumberId: number }, 201)).data.id);
  await Promise.all(agents.map(async (agent) => { await enter(agent); await settle(agent, undefined, 0); }));
});
after(async () => {
  witness.close();
  for (const agent of agents) agent.s.close();
  assert.deepEqual(await server.stop(), { code: 0, signal: null });
});

async function logOf(number) {
  const rows = [];
  for (let more = true; more;) {
    const { data, pagination } = await api("GET", `/numbers/${number}/events?after=${rows.at(-1)?.seq ?? 0}&limit=1000`);
    rows.push(...data);
    more = pagination.hasMore;
  }
  rows.forEach((row, i) => assert.equal(row.seq, i + 1, "no holes"));
  return rows;
}

// One socket, from its first event to its last. Answers how many events of the log it heard.
function check(stream, name, logs) {
  const open = new Map(), texts = []; // number -> last seq heard
  let resume = stream.resume, before = new Set(), opened = new Map(), closed = new Map(), count = 0;
  const nextMark = (from) => stream.heard.slice(from).find((entry) => entry.may)?.may ?? before;
  let coming = nextMark(0);
  stream.heard.forEach((entry, at) => {
    const where = () => `${name} at ${at}: ${JSON.stringify(entry.data)?.slice(0, 200)}`;
    if (entry.anew) return open.clear();
    if (entry.may) {
      for (const number of open.keys()) if (!entry.may.has(number)) { closed.set(number, open.get(number)); open.delete(number); }
      for (const number of entry.isSettled ? entry.may : []) assert.ok(open.has(number), `${where()} ${name} is not in ${number}`);
      for (const [number, seq] of entry.floor ? [...opened, ...closed] : []) assert.ok(seq >= (entry.floor.get(number) ?? 0), `${name} at ${at}: ${number} opened or closed at ${seq}, before ${entry.floor.get(number)}`);
      if (entry.isSettled) resume = {};
      [before, opened, closed, coming] = [entry.may, new Map(), new Map(), nextMark(at + 1)];
      return;
    }
    const { event, data } = entry, number = data.whatsappNumberId;
    if (event === "permission:changed") { if (!data.granted && open.has(number)) { closed.set(number, open.get(number)); open.delete(number); } return; }
    assert.ok(before.has(number) || coming.has(number), `not permitted: ${where()}`);
    if (data.seq === undefined) { if (event === "chat:presence") assert.ok(open.has(number), `not in the room: ${where()}`); return; }
    const isGreeting = !open.has(number) && event === "whatsapp:status" && resume[number] === undefined;
    if (isGreeting) { opened.set(number, data.seq); open.set(number, data.seq); return; }
    const from = open.get(number) ?? resume[number];
    assert.ok(from !== undefined, `not in the room: ${where()}`);
    assert.equal(data.seq, from + 1, `out of order or not all: ${where()}`);
    assert.equal(JSON.stringify(data), JSON.stringify(logs.get(number)[data.seq - 1].data), where());
    open.set(number, data.seq);
    if (event === "message:new") texts.push(data.message.content);
    count++;
  });
  for (const [number, seq] of open) assert.equal(seq, logs.get(number).length, `${name} did not hear the end of ${number}`);
  assert.equal(new Set(texts).size, texts.length, `${name}: nothing twice`);
  return count;
}

test(`${AGENTS} agents, ${NUMBERS} numbers, ${STEPS} changes of rights while events flow: each socket hears exactly what it may`, async () => {
  const bag = Object.entries(odds).flatMap(([name, weight]) => Array(weight).fill(name)), done = {};
  for (let i = 0; i < STEPS; i++) {
    const name = pick(bag), two = [pick(agents), pick(agents)];
    for (const number of [pick(numbers), pick(numbers)]) flow(number);
    if (name === "toggle" || two[0] === two[1]) await actions[name](two[0]);
    else await Promise.all(two.map((agent) => actions[name](agent)));
    done[name] = (done[name] ?? 0) + 1;
  }
  for (const number of numbers) if (!active.has(number)) await actions.toggle(undefined, number);
  for (const number of numbers) flow(number, 1);
  await server.heard((line) => line.acked === `IN${serial}`);
  const logs = new Map();
  for (const number of numbers) logs.set(number, await logOf(number));
  for (const number of numbers) await witness.wait("chat:updated", (d) => d.seq === logs.get(number).length && d.whatsappNumberId === number);
  await Promise.all(agents.map((agent) => agent.s.ask("ping", 1)));
  let heard = 0;
  for (const agent of agents) for (const stream of agent.streams) heard += check(stream, `${agent.username}`, logs);
  for (const name of Object.keys(odds)) assert.ok(STEPS < 100 || done[name] > 0, `no ${name}`);
  assert.ok(heard > 50 * STEPS, `only ${heard} events were heard`);
});
