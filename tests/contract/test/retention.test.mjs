// What is due to go, goes: events by number and age, audit rows, ended keys and logins, rows of deleted numbers. And what a client
// hears whose point in the log is gone.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { one, rows, until } from "../lib/rows.mjs";
import { addNumber, startScripted } from "../lib/scripted.mjs";
import { openSocket } from "../lib/socket.mjs";
import { call, login } from "../lib/server.mjs";
import { assertFailure } from "../lib/shape.mjs";

const KEPT = 100, DAY = 86400000;
let server, token, shop, serial = 0;
before(async () => {
  server = await startScripted({ env: { JANITOR_INTERVAL: "100ms", EVENT_RETENTION_COUNT: String(KEPT), AUDIT_RETENTION: "1d", LOGIN_PER_ACCOUNT: "1000" } });
  token = await login(server);
  shop = await addNumber(server, token, "628120000001");
});
after(async () => assert.deepEqual(await server.stop(), { code: 0, signal: null }));
const inbound = async (number, count) => {
  const ids = Array.from({ length: count }, () => `IN${++serial}`);
  for (const id of ids) server.order({ op: "inbound", number: number.id, from: "6285511112222", id, text: id });
  await server.heard((line) => line.acked === ids.at(-1));
};
const page = async (after) => (await call(server, "GET", `/numbers/${shop.id}/events?after=${after}&limit=1000`, { token })).body;
const trimmed = () => until(server, `SELECT count(*) FROM events WHERE number_id = ${shop.id}`, KEPT);

test("the log keeps the newest events of each number, and says where it begins", async () => {
  await inbound(shop, 200);
  await trimmed();
  const { data, pagination } = await page(0);
  assert.equal(data.length, KEPT);
  assert.equal(pagination.oldestSeq, data[0].seq);
  assert.equal(pagination.lastSeq, data.at(-1).seq);
  data.forEach((row, i) => assert.equal(row.seq, data[0].seq + i));
  const messages = one(server, "SELECT count(*) FROM messages");
  assert.equal(messages, 200, "messages stay");
});

test("resume from what is kept is gap-free; from before it is a resync, then live events", async () => {
  const { pagination: { oldestSeq, lastSeq, epoch } } = await page(0);
  const edge = openSocket(server, { token, resume: { [shop.id]: oldestSeq - 1 } });
  await edge.ready;
  await edge.wait("chat:list"); // comes once it is in the room
  assert.deepEqual(edge.seqs(shop.id), Array.from({ length: KEPT }, (_, i) => oldestSeq + i));
  assert.equal(edge.of("resync").length, 0);
  const late = openSocket(server, { token, resume: { [shop.id]: oldestSeq - 2 } });
  assert.deepEqual(await late.wait("resync"), { whatsappNumberId: shop.id, seq: lastSeq, epoch });
  await late.wait("chat:list");
  await inbound(shop, 1);
  await late.wait("message:new");
  assert.deepEqual(late.seqs(shop.id).slice(0, 2), [lastSeq, lastSeq + 1], "the resync point, then what follows it");
  edge.close();
  late.close();
});

test("events go by age too, and seq goes on", async () => {
  const { pagination: { lastSeq, epoch } } = await page(0);
  await trimmed();
  const border = lastSeq - 10;
  rows(server, `UPDATE events SET at = at - ${31 * DAY} WHERE number_id = ${shop.id} AND seq <= ${border}`);
  await until(server, `SELECT min(seq) FROM events WHERE number_id = ${shop.id}`, border + 1);
  rows(server, `UPDATE events SET at = at - ${31 * DAY} WHERE number_id = ${shop.id}`);
  await until(server, `SELECT count(*) FROM events WHERE number_id = ${shop.id}`, 0);
  assert.deepEqual((await page(0)).pagination, { after: 0, limit: 1000, oldestSeq: lastSeq + 1, lastSeq, epoch, hasMore: false });
  await inbound(shop, 1);
  assert.equal((await page(0)).data[0].seq, lastSeq + 1);
});

test("audit rows go after AUDIT_RETENTION, younger ones cannot be deleted", async () => {
  const newest = one(server, "SELECT max(id) FROM audit");
  rows(server, `INSERT INTO audit (id, at, user_id, api_key_id, number_id, action) VALUES (-2, ${Date.now() - 2 * DAY}, 1, 0, 0, 'old.one'), (-1, ${Date.now() - 2 * DAY}, 1, 0, 0, 'old.two')`);
  await until(server, "SELECT count(*) FROM audit WHERE id < 0", 0);
  assert.ok((await call(server, "GET", "/audit?limit=1000", { token })).body.data.some((row) => row.id === newest));
  assert.throws(() => rows(server, "DELETE FROM audit"), /audit rows stay/);
  assert.throws(() => rows(server, "UPDATE audit SET action = 'nothing'"), /do not change/);
});

test("logins that expired, keys that ended and idempotency keys that are old are dropped; what is young works", async () => {
  const key = (await call(server, "POST", "/api-keys", { token, body: { name: "k", scopes: ["send", "read"] } })).body.data;
  const gone = (await call(server, "POST", "/api-keys", { token, body: { name: "gone", scopes: ["read"] } })).body.data;
  await call(server, "DELETE", `/api-keys/${gone.id}`, { token });
  const body = { to: "081299990000", message: "once", clientId: "a-key" };
  assert.equal((await call(server, "POST", `/sessions/${shop.sessionId}/send-message`, { key: key.key, body })).status, 200);
  const before = one(server, "SELECT count(*) FROM tokens");
  await login(server);
  rows(server, `UPDATE tokens SET expires_at = 1 WHERE issued_at = (SELECT max(issued_at) FROM tokens)`);
  rows(server, `UPDATE api_keys SET revoked_at = revoked_at - ${2 * DAY} WHERE id = ${gone.id}`);
  rows(server, `UPDATE idempotency SET created_at = created_at - ${2 * DAY} WHERE key = 'a-key'`);
  await until(server, "SELECT count(*) FROM tokens", before);
  await until(server, `SELECT count(*) FROM api_keys WHERE id = ${gone.id}`, 0);
  await until(server, "SELECT count(*) FROM idempotency WHERE key = 'a-key'", 0);
  assert.equal((await call(server, "GET", "/me", { token })).status, 200);
  assert.equal((await call(server, "GET", "/chat-templates", { key: key.key })).status, 200);
});

test("an api key ends at its time, and its sockets with it", async () => {
  const { key, expiresAt } = (await call(server, "POST", "/api-keys", { token, body: { name: "short", scopes: ["read"], expiresInSeconds: 2 } })).body.data;
  const socket = openSocket(server, { apiKey: key });
  await socket.ready;
  assert.equal((await call(server, "GET", "/chat-templates", { key })).status, 200);
  await socket.ended;
  assert.ok(Date.now() >= Date.parse(expiresAt) - 5);
  assertFailure(await call(server, "GET", "/chat-templates", { key }), 401, /expired/);
});

test("a deleted number vanishes at once, its rows follow in small bites, others keep theirs", async () => {
  const gone = await addNumber(server, token, "628120000002");
  await inbound(gone, 1500);
  const kept = one(server, `SELECT count(*) FROM messages WHERE number_id = ${shop.id}`);
  assert.equal((await call(server, "DELETE", `/whatsapp/${gone.id}`, { token })).status, 200);
  assertFailure(await call(server, "GET", `/whatsapp/${gone.id}`, { token }), 404);
  for (const table of ["messages", "chats", "contacts", "events", "keys", "number_state"]) await until(server, `SELECT count(*) FROM ${table} WHERE number_id = ${gone.id}`, 0);
  await until(server, `SELECT count(*) FROM numbers WHERE id = ${gone.id}`, 0);
  assert.equal(one(server, `SELECT count(*) FROM messages WHERE number_id = ${shop.id}`), kept);
  const metrics = await (await fetch(`${server.base}/metrics`)).text();
  assert.ok(Number(metrics.match(/^wabox_janitor_rows_total\{kind="deleted_number"\} (\d+)/m)[1]) >= 1500);
  for (const name of ["wabox_http_connections", "wabox_ws_", "wabox_sio_", "wabox_st_commits_total"]) assert.match(metrics, new RegExp(`^${name}`, "m"), name);
});
