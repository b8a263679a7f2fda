// Sessions over REST with a scripted WhatsApp behind them: linking, the QR, old clients' status calls, logging out.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { addNumber, startScripted } from "../lib/scripted.mjs";
import { call, login } from "../lib/server.mjs";
import { assertFailure, assertShape, NumberBrief, Page } from "../lib/shape.mjs";
import { openSocket } from "../lib/socket.mjs";

const NumberFormatted = { ...NumberBrief, phoneNumberFormatted: "text" };
const Session = { id: "uuid", whatsappNumberId: "int", whatsappNumber: NumberFormatted, status: "text", lastConnected: "time?", isActive: "bool", errorMessage: "string?",
  reason: "string?", retryAt: "time?", createdAt: "time", updatedAt: "time" };
const Live = { success: "true", message: "text", data: { ...Session, qrCode: "string?", expiresAt: "time?", pairingCode: "string?" } };
let server, token, serial = 0;
const ask = (method, path, body) => call(server, method, path, { token, body });
const session = async (number) => (await ask("GET", `/sessions/${number.id}`)).body.data;
const number = (options) => addNumber(server, token, `62812000${String(1000 + ++serial)}`, options);
const send = (id) => ask("POST", `/sessions/${id}/send-message`, { to: "081299990000", message: "x" });
let socket;
const status = (n, want, after) => socket.wait("whatsapp:status", (d) => d.whatsappNumberId === n.id && d.status === want, { after });
before(async () => {
  server = await startScripted();
  token = await login(server);
  socket = openSocket(server, { token });
  await socket.ready;
});
after(async () => { socket.close(); assert.deepEqual(await server.stop(), { code: 0, signal: null }); });

test("linking answers the first QR or, with method=code, a pairing code; the same row is read back", async () => {
  const fresh = await number({ link: false });
  const linking = await ask("POST", `/sessions/${fresh.id}`);
  assertShape(linking.body, Live);
  assert.match(linking.body.data.qrCode, /^data:image\/png;base64,/);
  assert.equal(linking.body.data.status, "PAIRING");
  assert.equal(linking.body.data.pairingCode, null);
  const qr = await ask("GET", `/sessions/${linking.body.data.id}/qr`);
  assertShape(qr.body, { success: "true", message: "text", data: { sessionId: "uuid", whatsappNumber: NumberFormatted, qrCode: "text", status: "text", isLive: "true", expiresAt: "time" } });
  const code = await ask("POST", `/sessions/${(await number({ link: false })).id}?method=code`);
  assertShape(code.body, Live);
  assert.match(code.body.data.pairingCode, /^[A-Z0-9]{4}-[A-Z0-9]{4}$/);
  server.order({ op: "scan", number: fresh.id });
  await status(fresh, "CONNECTED");
  const connected = await ask("POST", `/sessions/${fresh.id}`);
  assertShape(connected.body, Live);
  assert.deepEqual([connected.body.data.status, connected.body.data.qrCode, connected.body.data.id], ["CONNECTED", null, linking.body.data.id]);
  const none = await ask("GET", `/sessions/${connected.body.data.id}/qr`);
  assertFailure(none, 404);
  assertShape(none.body.details, { status: "text", suggestion: "text" });
});

test("the list: one row per number, CONNECTED first, filters, pages only when asked for", async () => {
  const linked = await number();
  const { body } = await ask("GET", "/sessions");
  assertShape(body, { success: "true", message: "text", data: [Session], pagination: Page });
  const numbers = body.data.map((row) => row.whatsappNumberId), states = body.data.map((row) => row.status === "CONNECTED");
  assert.equal(new Set(numbers).size, numbers.length);
  assert.deepEqual(states, [...states].sort((a, b) => b - a));
  assert.equal(body.pagination.totalItems, body.data.length);
  const pairing = (await ask("GET", "/sessions?status=PAIRING")).body.data;
  assert.ok(pairing.length > 0 && pairing.every((row) => row.status === "PAIRING"));
  await ask("PATCH", `/sessions/${linked.sessionId}/status`, { status: "DISCONNECTED" });
  assert.deepEqual((await ask("GET", "/sessions?isActive=false")).body.data.map((row) => row.whatsappNumberId), [linked.id]);
  const page = (await ask("GET", "/sessions?limit=1&page=2")).body;
  assert.deepEqual([page.data.length, page.pagination.currentPage, page.pagination.itemsPerPage], [1, 2, 1]);
});

test("PATCH status: DISCONNECTED stops, PENDING starts again and lets a running one run, others are 409", async () => {
  const shop = await number();
  for (const want of ["CONNECTED", "PAIRING", "RECONNECTING"]) assertFailure(await ask("PATCH", `/sessions/${shop.sessionId}/status`, { status: want }), 409);
  const before = socket.heard.length;
  assert.equal((await ask("PATCH", `/sessions/${shop.sessionId}/status`, { status: "PENDING" })).status, 200);
  assert.equal((await session(shop)).status, "CONNECTED", "it was not started twice");
  assert.equal((await send(shop.sessionId)).body.data.status, "PENDING");
  await server.heard((line) => line.sent?.number === shop.id);
  assert.equal((await ask("PATCH", `/sessions/${shop.sessionId}/status`, { status: "DISCONNECTED", errorMessage: "closed for today" })).status, 200);
  const stopped = await session(shop);
  assert.deepEqual([stopped.status, stopped.isActive, stopped.errorMessage], ["DISCONNECTED", false, "closed for today"]);
  await status(shop, "DISCONNECTED", before);
  const again = socket.heard.length;
  assert.equal((await ask("PATCH", `/sessions/${shop.sessionId}/status`, { status: "PENDING" })).status, 200);
  await status(shop, "CONNECTED", again);
});

test("DELETE logs the device out and keeps the row; permanent drops the row; chats stay", async () => {
  const shop = await number();
  server.order({ op: "inbound", number: shop.id, from: "6285511112222", id: "KEPT", text: "stays" });
  await server.heard((line) => line.acked === "KEPT");
  assert.equal((await ask("DELETE", `/sessions/${shop.sessionId}`)).status, 200);
  await server.heard((line) => line.logout === shop.id);
  assert.equal((await status(shop, "DISCONNECTED")).reason, "logged_out");
  assert.equal((await session(shop)).id, shop.sessionId);
  assertFailure(await send(shop.sessionId), 409);
  assert.equal((await ask("DELETE", `/sessions/${shop.sessionId}/permanent`)).status, 200);
  assertFailure(await ask("GET", `/sessions/${shop.id}`), 404, "Active session not found for this WhatsApp number");
  assertFailure(await ask("DELETE", `/sessions/${shop.sessionId}/permanent`), 404);
  assert.equal((await ask("GET", `/chats/${shop.id}`)).body.data.length, 1);
});
