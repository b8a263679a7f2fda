// Who sees and does what, on things that exist: numbers of others, api keys that are bound to numbers, sockets whose rights change
// while they are away.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { operations } from "../lib/docs.mjs";
import { until } from "../lib/rows.mjs";
import { addNumber, startScripted } from "../lib/scripted.mjs";
import { call, login, makeUser, startServer } from "../lib/server.mjs";
import { assertFailure } from "../lib/shape.mjs";
import { openSocket } from "../lib/socket.mjs";

const ENV = { NUMBERS_VISIBLE: "permitted", JANITOR_INTERVAL: "100ms" };
let server, token, shop, other, agent, bound, serial = 0;
const sockets = [];
const grant = async (user, number) => (await call(server, "POST", "/wapermission", { token, body: { userId: user.id, whatsappNumberId: number.id } })).body.data.id;
const revoke = (id) => call(server, "DELETE", `/wapermission/${id}`, { token });
const toggle = (number) => call(server, "PATCH", `/whatsapp/${number.id}/toggle-status`, { token });
const keyFor = async (number) => (await call(server, "POST", "/api-keys", { token, body: { name: "bound", scopes: ["read", "send", "manage"], whatsappNumberIds: [number.id] } })).body.data.key;
const ids = async (path, who) => (({ whatsappNumbers, data }) => [...new Set((whatsappNumbers ?? data).map((row) => row.whatsappNumberId ?? row.id))].sort())((await call(server, "GET", path, who)).body);
async function inbound(number, text) {
  const id = `IN${++serial}`;
  server.order({ op: "inbound", number: number.id, from: "6285511112222", id, text });
  await server.heard((line) => line.acked === id);
  return id;
}
async function listen(who, numbers) {
  const s = openSocket(server, who, { reconnection: true, reconnectionDelay: 250, reconnectionDelayMax: 250 });
  sockets.push(s);
  await s.ready;
  for (const number of numbers) await s.wait("whatsapp:status", (d) => d.whatsappNumberId === number.id);
  return s;
}
async function cut(s, meanwhile) { // the connection breaks, something happens, Socket.IO's own recovery brings it back
  const back = new Promise((done) => s.socket.once("connect", done));
  s.socket.io.engine.close();
  await meanwhile();
  await back;
  assert.equal(s.socket.recovered, true);
}
const texts = (s) => s.of("message:new").map((d) => d.message.content);
const heardLast = async (s, number, text) => { const id = await inbound(number, text); await s.wait("message:new", (d) => d.message.messageId === id); };

before(async () => {
  server = await startScripted({ env: ENV });
  token = await login(server);
  const third = await makeUser(server, token);
  shop = await addNumber(server, token, "628120000001");
  other = await addNumber(server, token, "628120000002");
  agent = await makeUser(server, token);
  await grant(agent, shop);
  await grant(third, other);
  bound = await keyFor(shop);
});
after(async () => {
  for (const s of sockets) s.close();
  assert.deepEqual(await server.stop(), { code: 0, signal: null });
});

test("every call on a number, session, chat or message of others answers as if it were not there, and changes nothing", async () => {
  const { rows } = await operations(server);
  await inbound(other, "a secret");
  const chat = (await call(server, "GET", `/chats/${other.id}`, { token })).body.data[0];
  const message = (await call(server, "GET", `/chats/${chat.id}/messages`, { token })).body.data[0];
  const UNKNOWN = "00000000-0000-4000-8000-000000000000";
  const there = { whatsappNumberId: other.id, id: other.id, sessionId: other.sessionId, chatId: chat.id, messageId: message.id };
  const nowhere = { whatsappNumberId: 987654, id: 987654, sessionId: UNKNOWN, chatId: UNKNOWN, messageId: UNKNOWN };
  const names = (row) => /\{(whatsappNumberId|sessionId|chatId|messageId)\}/.test(row.path) || /\/(whatsapp|numbers)\/\{id\}/.test(row.path);
  const seen = (thing) => ({ status: thing.status, body: thing.body });
  let checked = 0;
  for (const [who, credentials] of [["agent", { token: agent.token }], ["bound key", { key: bound }]]) {
    for (const row of rows.filter(names)) {
      const ask = (of) => call(server, row.method, row.path.replaceAll(/\{(\w+)\}/g, (_, name) => of[name]), credentials);
      const [real, none] = [seen(await ask(there)), seen(await ask(nowhere))];
      assert.ok(real.status === 403 || real.status === 404, `${who}: ${row.method} ${row.path} -> ${real.status}`);
      assert.deepEqual(real, none, `${who}: ${row.method} ${row.path}`);
      checked++;
    }
  }
  assert.ok(checked >= 2 * 18, `${checked}`);
  const now = (await call(server, "GET", `/sessions/${other.id}`, { token })).body.data;
  assert.deepEqual([now.status, now.whatsappNumber.isActive, now.whatsappNumber.name], ["CONNECTED", true, other.name]);
});

test("lists, search and figures hold permitted numbers only; a bound key has its numbers and makes no others", async () => {
  for (const who of [{ token: agent.token }, { key: bound }]) {
    for (const path of ["/whatsapp", "/sessions", "/sessions?limit=1&page=1", "/wapermission", "/wapermission/me"]) assert.deepEqual(await ids(path, who), [shop.id], path);
    assert.equal((await call(server, "GET", "/sessions?limit=1", who)).body.pagination.totalItems, 1);
    assert.deepEqual((await call(server, "GET", "/messages/search?q=secret", who)).body.data, []);
    assert.deepEqual((await call(server, "GET", "/stats?perNumber=true", who)).body.data.filter((row) => row.whatsappNumberId !== shop.id), []);
  }
  assert.deepEqual(await ids("/whatsapp", { token }), [shop.id, other.id]);
  assertFailure(await call(server, "POST", "/whatsapp", { key: bound, body: { name: "mine", phoneNumber: "628120000099" } }), 403, /bound/);
  assert.equal((await call(server, "PUT", `/whatsapp/${shop.id}`, { key: bound, body: { name: "Renamed" } })).status, 200);
});

test("a key that only reads reads: over the socket too it sends nothing, not even a read receipt or that somebody types", async () => {
  const { key } = (await call(server, "POST", "/api-keys", { token, body: { name: "reader", scopes: ["read"] } })).body.data, s = await listen({ apiKey: key }, [shop]);
  const id = await inbound(shop, "to be read"), { chatId } = await s.wait("message:new", (d) => d.message.messageId === id);
  assert.equal((await s.ask("chat:get-history", { chatId })).success, true);
  for (const [event, payload] of [["chat:mark-read", { chatId }], ["chat:typing", { chatId, isTyping: true }], ["message:send", { chatId, message: "no", clientId: "no" }]])
    assert.equal((await s.ask(event, payload)).code, "UNAUTHORIZED", event);
  assertFailure(await call(server, "PATCH", `/chats/${chatId}/read`, { key }), 403);
  assert.equal((await call(server, "GET", `/chats/${shop.id}`, { key })).body.data.find((c) => c.id === chatId).unreadCount > 0, true);
});

test("a recovered socket hears what it missed, but nothing of a number that was revoked while it was away", async () => {
  const user = await makeUser(server, token);
  await grant(user, shop);
  const permission = await grant(user, other), s = await listen({ token: user.token }, [shop, other]);
  await heardLast(s, other, "while permitted");
  await cut(s, async () => {
    await revoke(permission);
    await inbound(other, "none of its business");
    await inbound(shop, "missed");
  });
  await heardLast(s, shop, "live");
  await inbound(other, "none of its business either");
  await heardLast(s, shop, "last");
  assert.deepEqual(texts(s), ["while permitted", "missed", "live", "last"]);
  assert.deepEqual(s.of("chat:list").length, 2, "no second greeting: nothing was lost");
});

test("a socket ends with what let it in: another password, deactivation, deletion, a key's end, the token's time", async () => {
  const put = (user, body) => call(server, "PUT", `/users/${user.id}`, { token, body });
  for (const [why, end] of [["a new password", (user) => put(user, { password: "fresh-secret" })], ["deactivation", (user) => put(user, { isActive: false })],
    ["deletion", (user) => call(server, "DELETE", `/users/${user.id}`, { token })], ["another login's own change", (user, second) => call(server, "PUT", "/auth/me", { token: second, body: { currentPassword: user.password, newPassword: "fresh-secret" } })]]) {
    const user = await makeUser(server, token), second = await login(server, user), s = openSocket(server, { token: user.token });
    await s.ready;
    assert.equal((await end(user, second)).status, 200, why);
    await s.ended;
  }
  const { key, id } = (await call(server, "POST", "/api-keys", { token, body: { name: "short", scopes: ["read"] } })).body.data, s = openSocket(server, { apiKey: key });
  await s.ready;
  await call(server, "DELETE", `/api-keys/${id}`, { token });
  await s.ended;
  const brief = await startServer({ JWT_EXPIRES_IN: "4s" }), soon = await login(brief), last = openSocket(brief, { token: soon });
  await last.ready;
  await last.ended;
  assertFailure(await call(brief, "GET", "/me", { token: soon }), 401, /expired/);
  await brief.stop();
});

test("an ADMIN who is demoted while cut off gets neither the QR codes nor the numbers back", async () => {
  const boss = await makeUser(server, token, "ADMIN"), s = await listen({ token: boss.token }, [shop, other]);
  await heardLast(s, other, "as ADMIN");
  const fresh = await addNumber(server, token, "628120000003", { link: false });
  await s.wait("whatsapp:status", (d) => d.whatsappNumberId === fresh.id);
  await grant(boss, fresh);
  await cut(s, async () => {
    await call(server, "PUT", `/users/${boss.id}`, { token, body: { role: "USER" } });
    await call(server, "POST", `/sessions/${fresh.id}`, { token });
    await inbound(other, "for ADMINs");
  });
  await s.wait("whatsapp:status", (d) => d.whatsappNumberId === fresh.id && d.status === "PAIRING");
  assert.deepEqual([texts(s), s.of("whatsapp:qr").length], [["as ADMIN"], 0]);
});

test("whatsapp:subscribe narrows; the choice outlives a cut, and a number that goes and comes again", async () => {
  const s = await listen({ token }, [shop, other]);
  assert.equal((await s.ask("whatsapp:subscribe", { whatsappNumberIds: [other.id] })).success, true);
  await inbound(shop, "not chosen");
  await heardLast(s, other, "one");
  await cut(s, async () => { await inbound(shop, "not chosen"); await inbound(other, "two"); });
  await s.wait("message:new", (d) => d.message.content === "two");
  await toggle(other);
  await inbound(other, "while it is off");
  const greeted = s.heard.length;
  await toggle(other);
  await s.wait("whatsapp:status", (d) => d.whatsappNumberId === other.id, { after: greeted });
  await heardLast(s, other, "three");
  assert.deepEqual(texts(s), ["one", "two", "three"]);
  assert.equal((await s.ask("whatsapp:subscribe", { whatsappNumberIds: [other.id, 987654] })).success, true, "an ADMIN may name any");
  const limited = await listen({ token: agent.token }, [shop]);
  assert.equal((await limited.ask("whatsapp:subscribe", { whatsappNumberIds: [shop.id, other.id] })).code, "UNAUTHORIZED");
});

test("a key stays bound to the number it was made for when that number is deleted", async () => {
  const gone = await addNumber(server, token, "628120000004"), key = await keyFor(gone);
  assert.equal((await call(server, "DELETE", `/whatsapp/${gone.id}`, { token })).status, 200);
  await server.heard((line) => line.logout === gone.id);
  await until(server, `SELECT count(*) FROM numbers WHERE id = ${gone.id}`, 0);
  for (const s of sockets) s.close();
  server.child.kill("SIGKILL");
  await server.exited;
  server = await startScripted({ dir: server.dir, env: ENV });
  for (const path of ["/whatsapp", "/sessions"]) assert.deepEqual(await ids(path, { key }), []);
  assertFailure(await call(server, "GET", `/chats/${shop.id}`, { key }), 403);
});
