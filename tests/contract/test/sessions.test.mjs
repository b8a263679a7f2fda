// Sessions over REST with a scripted WhatsApp behind them: linking, the QR, old clients' status calls, logging out.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { addNumber, startScripted } from "../lib/scripted.mjs";
import { call, login } from "../lib/server.mjs";
import { assertFailure, assertShape, NumberBrief, Page } from "../lib/shape.mjs";
import { openSocket } from "../lib/socket.mjs";

const NumberFormatted = { ...NumberBrief, phoneNumberFormatted: "text" };
const Session = { id: "uuid", whatsappNumberId: "int", whatsappNumber: NumberFormatted, status: "text", lastConnected: "time?", isActive: "bool", errorMessage: "string?",
  reason: "string?", retryAt: "time?", expectedPhone: "text", createdAt: "time", updatedAt: "time" };
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
  assertShape(qr.body, { success: "true", message: "text", data: { sessionId: "uuid", whatsappNumber: NumberFormatted, qrCode: "text", status: "text", isLive: "true", expectedPhone: "text", expiresAt: "time" } });
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

test("another phone than the number's own is refused with both named; an ADMIN may take its number instead", async () => {
  const shop = await number({ link: false }), other = await number({ link: false });
  const linking = await ask("POST", `/sessions/${shop.id}`);
  assert.equal(linking.body.data.expectedPhone, shop.phoneNumber);
  server.order({ op: "scan", number: shop.id, phone: "6281255550555" });
  const told = await socket.wait("whatsapp:status", (d) => d.whatsappNumberId === shop.id && d.reason === "wrong_phone");
  assert.deepEqual([told.status, told.phoneNumber, told.scannedPhone], ["DISCONNECTED", `+${shop.phoneNumber}`, "+6281255550555"]);
  const row = await session(shop);
  assert.deepEqual([row.status, row.reason, row.expectedPhone, row.scannedPhone], ["DISCONNECTED", "wrong_phone", shop.phoneNumber, "6281255550555"]);
  assert.match(row.errorMessage, /\+62 812-5555-0555.*this number is \+62 812-000/);
  assertFailure(await send(row.id), 409);
  assertFailure(await ask("POST", `/sessions/${shop.id}?accept=6281299999999`), 409, /Another phone/);
  assertFailure(await ask("POST", `/sessions/${other.id}?accept=6281255550555`), 409, /No other phone/);
  assertFailure(await ask("POST", `/sessions/${shop.id}?accept=nobody`), 400, /accept/);
  assert.equal((await session(shop)).scannedPhone, "6281255550555", "a refused call changes nothing");
  const accepted = await ask("POST", `/sessions/${shop.id}?accept=%2B62%20812-5555-0555`);
  assert.equal(accepted.status, 200, JSON.stringify(accepted.body));
  assert.deepEqual([accepted.body.data.expectedPhone, accepted.body.data.scannedPhone, accepted.body.data.whatsappNumber.phoneNumber], ["6281255550555", undefined, "6281255550555"]);
  assert.equal((await ask("GET", `/whatsapp/${shop.id}`)).body.whatsappNumber.phoneNumber, "6281255550555");
  assert.equal((await ask("POST", `/sessions/${shop.id}?accept=6281255550555`)).status, 200, "again: it is done already");
  server.order({ op: "scan", number: shop.id, phone: "6281255550555" });
  await status(shop, "CONNECTED");
});

test("the phone of another number cannot be taken for this one", async () => {
  const support = await number(), gudang = await number({ link: false });
  await ask("POST", `/sessions/${gudang.id}`);
  server.order({ op: "scan", number: gudang.id, phone: support.phoneNumber });
  await socket.wait("whatsapp:status", (d) => d.whatsappNumberId === gudang.id && d.reason === "wrong_phone");
  assertFailure(await ask("POST", `/sessions/${gudang.id}?accept=${support.phoneNumber}`), 409, /already has this phone number/);
  assert.equal((await session(support)).status, "CONNECTED");
});

test("a phone whose country may leave a digit out is the same phone", async () => {
  const brazil = await addNumber(server, token, "5511987654321", { link: false });
  await ask("POST", `/sessions/${brazil.id}`);
  server.order({ op: "scan", number: brazil.id, phone: "551187654321" });
  await status(brazil, "CONNECTED");
});

test("linking right after DELETE links anew: neither \"connected\" nor logged out at the end", async () => {
  for (const path of ["", "/permanent"]) {
    const shop = await number();
    assert.equal((await ask("DELETE", `/sessions/${shop.sessionId}${path}`)).status, 200);
    const again = await ask("POST", `/sessions/${shop.id}`);
    assert.equal(again.status, 200, JSON.stringify(again.body));
    assert.deepEqual([again.body.data.status, !!again.body.data.qrCode], ["PAIRING", true]);
    await server.heard((line) => line.logout === shop.id);
    await new Promise((done) => setTimeout(done, 200));
    assert.equal((await session(shop)).status, "PAIRING");
    server.order({ op: "scan", number: shop.id });
    const end = socket.heard.length;
    await status(shop, "CONNECTED", end);
  }
});

test("a number that nobody has linked says so; it is not starting", async () => {
  const fresh = await number({ link: false });
  const { data } = await socket.ask("whatsapp:get-status", { whatsappNumberId: fresh.id });
  assert.deepEqual([data.status, data.reason], ["PENDING", "not_linked"]);
});

test("after a restart: linking that was under way is not linked, a refused number is tried once, a replaced one is not", async () => {
  let house = await startScripted(), admin = await login(house);
  const add = async (phone, options) => addNumber(house, admin, phone, options);
  const [old, odd, replaced] = [await add("6281277770001"), await add("6281277770002"), await add("6281277770003")];
  const half = await add("6281277770004", { link: false });
  await call(house, "POST", `/sessions/${half.id}`, { token: admin });
  for (const [n, reason] of [[old, "outdated"], [odd, "error"], [replaced, "replaced"]]) house.order({ op: "state", number: n.id, state: "DISCONNECTED", reason });
  const statusOf = async (n) => (await call(house, "GET", `/sessions/${n.id}`, { token: admin })).body.data;
  for (const n of [old, odd, replaced]) for (let i = 0; (await statusOf(n)).status !== "DISCONNECTED"; i++) { assert.ok(i < 100); await new Promise((done) => setTimeout(done, 20)); }
  await house.stop();
  house = await startScripted({ dir: house.dir });
  admin = await login(house);
  for (const n of [old, odd]) for (let i = 0; (await statusOf(n)).status !== "CONNECTED"; i++) { assert.ok(i < 100, JSON.stringify(await statusOf(n))); await new Promise((done) => setTimeout(done, 20)); }
  assert.deepEqual([(await statusOf(replaced)).status, (await statusOf(replaced)).reason], ["DISCONNECTED", "replaced"]);
  assert.deepEqual([(await statusOf(half)).status, (await statusOf(half)).reason], ["PENDING", "not_linked"]);
  await house.stop();
});

test("a new WABOX_WHATSAPP_VERSION in the settings file and SIGHUP: what was refused as outdated is tried, once, and nothing else", async () => {
  const house = await startScripted(), admin = await login(house);
  const old = await addNumber(house, admin, "6281266660001"), replaced = await addNumber(house, admin, "6281266660002");
  for (const [n, reason] of [[old, "outdated"], [replaced, "replaced"]]) house.order({ op: "state", number: n.id, state: "DISCONNECTED", reason });
  const statusOf = async (n) => (await call(house, "GET", `/sessions/${n.id}`, { token: admin })).body.data.status;
  const becomes = async (n, want) => { for (let i = 0; (await statusOf(n)) !== want; i++) { assert.ok(i < 100, `${await statusOf(n)}, not ${want}`); await new Promise((done) => setTimeout(done, 20)); } };
  for (const n of [old, replaced]) await becomes(n, "DISCONNECTED");
  house.child.kill("SIGHUP"); // nothing has changed
  await new Promise((done) => setTimeout(done, 300));
  assert.equal(await statusOf(old), "DISCONNECTED");
  writeFileSync(join(house.dir, ".env"), "WABOX_WHATSAPP_VERSION=2.3000.x\n");
  house.child.kill("SIGHUP");
  await new Promise((done) => setTimeout(done, 300));
  assert.match(house.log(), /failed to reload settings.*WABOX_WHATSAPP_VERSION/);
  assert.equal(await statusOf(old), "DISCONNECTED");
  writeFileSync(join(house.dir, ".env"), "WABOX_WHATSAPP_VERSION=2.3000.2000000000\n");
  house.child.kill("SIGHUP");
  await becomes(old, "CONNECTED");
  assert.equal(await statusOf(replaced), "DISCONNECTED");
  await house.stop();
});
