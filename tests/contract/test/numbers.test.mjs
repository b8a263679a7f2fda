// Numbers, their permissions, sessions, events and realtime status. No WhatsApp here: linking itself is tested with the simulator.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { operations } from "../lib/docs.mjs";
import { rowTest } from "../lib/pending.mjs";
import { call, login, makeUser, startServer } from "../lib/server.mjs";
import { assertFailure, assertShape, Perm } from "../lib/shape.mjs";

const Num = { id: "int", name: "text", phoneNumber: "text", isActive: "bool", createdAt: "time", phoneNumberFormatted: "text" };
const state = {};
let server, token, user;
before(async () => {
  server = await startServer({ WABOX_WHATSAPP: "off" });
  token = await login(server);
  user = await makeUser(server, token);
  state.docs = await operations(server);
});
after(() => server.stop());
let serial = 0;
const add = async (phoneNumber = `62812345${String(1000 + ++serial)}`) => {
  const { status, body } = await call(server, "POST", "/whatsapp", { token, body: { name: `Shop ${serial}`, phoneNumber } });
  assert.equal(status, 201, JSON.stringify(body));
  return body.whatsappNumber;
};
const pick = (value, shape) => Object.fromEntries(Object.keys(shape).map((key) => [key, value[key]]));

rowTest(state, [["POST", "/whatsapp"], ["GET", "/whatsapp"], ["GET", "/whatsapp/{}"]], "numbers: create, list, read with their shapes", async () => {
  const made = await call(server, "POST", "/whatsapp", { token, body: { name: "First", phoneNumber: "0811-111-1111" } });
  assert.equal(made.status, 201);
  assert.equal(typeof made.body.message, "string");
  assertShape(pick(made.body.whatsappNumber, Num), Num);
  assert.equal(made.body.whatsappNumber.phoneNumber, "628111111111");
  const list = await call(server, "GET", "/whatsapp", { token: user.token });
  assert.deepEqual(Object.keys(list.body).sort(), ["pagination", "whatsappNumbers"]);
  for (const row of list.body.whatsappNumbers) assertShape(pick(row, Num), Num);
  assertShape(list.body.pagination, { currentPage: "int", totalPages: "int", totalNumbers: "int", limit: "int", hasNextPage: "bool", hasPrevPage: "bool" });
  const one = await call(server, "GET", `/whatsapp/${made.body.whatsappNumber.id}`, { token });
  assertShape(pick(one.body.whatsappNumber, Num), Num);
});

rowTest(state, [["POST", "/whatsapp"]], "every way to write a number is the same number", async () => {
  const first = await add("+62 812-7777-888");
  assert.equal(first.phoneNumber, "628127777888");
  assert.equal(first.phoneNumberFormatted, "+62 812-7777-888");
  for (const phoneNumber of ["08127777888", "628127777888", "+628127777888", "62 812 7777 888", "628127777888@s.whatsapp.net", "628127777888@c.us"]) {
    const again = await call(server, "POST", "/whatsapp", { token, body: { name: "Again", phoneNumber } });
    assertFailure(again, 409);
    assert.ok(again.body.details.existingNumber, phoneNumber);
    assert.ok(again.body.details.normalizedInput, phoneNumber);
  }
  for (const phoneNumber of ["", "abc", "123", "+", "1".repeat(40)]) assertFailure(await call(server, "POST", "/whatsapp", { token, body: { name: "Bad", phoneNumber } }), 400);
});

rowTest(state, [["POST", "/whatsapp"]], "a leading 0 stands for DEFAULT_COUNTRY_CODE", async () => {
  const german = await startServer({ DEFAULT_COUNTRY_CODE: "49" }), admin = await login(german);
  for (const [phoneNumber, digits] of [["0151 2345-6789", "4915123456789"], ["+62 812-7777-889", "628127777889"], ["0062 812 7777 890", "628127777890"]]) {
    const { body } = await call(german, "POST", "/whatsapp", { token: admin, body: { name: digits, phoneNumber } });
    assert.equal(body.whatsappNumber?.phoneNumber, digits, phoneNumber);
  }
  assert.equal((await call(german, "GET", "/whatsapp?search=0151%202345", { token: admin })).body.whatsappNumbers.length, 1);
  await german.stop();
});

rowTest(state, [["PUT", "/whatsapp/{}"], ["PATCH", "/whatsapp/{}/toggle-status"], ["DELETE", "/whatsapp/{}"]], "numbers: change, toggle, delete", async () => {
  const { id } = await add();
  const changed = await call(server, "PUT", `/whatsapp/${id}`, { token, body: { name: "Renamed" } });
  assert.equal(changed.body.whatsappNumber.name, "Renamed");
  const toggled = await call(server, "PATCH", `/whatsapp/${id}/toggle-status`, { token });
  assert.equal(toggled.body.whatsappNumber.isActive, false);
  assert.equal((await call(server, "DELETE", `/whatsapp/${id}`, { token })).status, 200);
  assertFailure(await call(server, "GET", `/whatsapp/${id}`, { token }), 404);
});

rowTest(state, [["POST", "/whatsapp"]], "permission: grant, duplicate, revoke; an ADMIN has all with id null", async () => {
  const { id } = await add();
  const granted = await call(server, "POST", "/wapermission", { token, body: { userId: user.id, whatsappNumberId: id } });
  assert.equal(granted.status, 201);
  assertShape(granted.body, { success: "true", message: "text", data: Perm });
  assertFailure(await call(server, "POST", "/wapermission", { token, body: { userId: user.id, whatsappNumberId: id } }), 409);
  const mine = await call(server, "GET", "/wapermission/me", { token: user.token });
  assert.ok(mine.body.data.some((row) => row.whatsappNumberId === id && row.id !== null));
  const all = await call(server, "GET", "/wapermission/me", { token });
  assert.ok(all.body.data.some((row) => row.whatsappNumberId === id) && all.body.data.every((row) => row.id === null && row.createdAt === null));
  assertShape((await call(server, "DELETE", `/wapermission/${granted.body.data.id}`, { token })).body, { success: "true", message: "text", data: Perm });
  assert.ok(!(await call(server, "GET", "/wapermission/me", { token: user.token })).body.data.some((row) => row.whatsappNumberId === id));
  await call(server, "DELETE", `/whatsapp/${id}`, { token });
  const noted = (await call(server, "GET", `/audit?whatsappNumberId=${id}`, { token })).body.data;
  assert.deepEqual(noted.map((row) => row.action), ["number.delete", "permission.revoke", "permission.grant", "number.create"]);
});

rowTest(state, [["GET", "/sessions"]], "sessions: only permitted numbers, all without parameters", async () => {
  for (const who of [token, user.token]) {
    const { status, body } = await call(server, "GET", "/sessions", { token: who });
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(body).sort(), ["data", "message", "pagination", "success"]);
    assertShape(body.pagination, { currentPage: "int", totalPages: "int", totalItems: "int", itemsPerPage: "int" });
  }
});

rowTest(state, [["GET", "/sessions/{}"]], "a number without a session says so", async () => {
  const { id } = await add();
  assertFailure(await call(server, "GET", `/sessions/${id}`, { token }), 404, "Active session not found for this WhatsApp number");
  assertFailure(await call(server, "GET", `/sessions/${id}`, { token: user.token }), 403);
});

rowTest(state, [["GET", "/chats/{}"], ["GET", "/chats/{}/search"]], "chats of an empty number; others' are closed", async () => {
  const { id } = await add();
  const list = await call(server, "GET", `/chats/${id}?limit=-1&offset=1e9`, { token });
  assertShape(list.body, { success: "true", message: "text", data: [], pagination: { limit: "int", offset: "int", total: "int" } });
  const found = await call(server, "GET", `/chats/${id}/search?q=x`, { token });
  assertShape(found.body, { success: "true", message: "text", data: [], query: "text" });
  for (const path of [`/chats/${id}`, `/chats/${id}/search?q=x`]) assertFailure(await call(server, "GET", path, { token: user.token }), 403);
});

rowTest(state, [["GET", "/chats/{}/messages"], ["PATCH", "/chats/{}/read"], ["GET", "/messages/{}"]], "what does not exist and what is not yours read the same", async () => {
  const id = crypto.randomUUID();
  for (const [method, path] of [["GET", `/chats/${id}/messages`], ["PATCH", `/chats/${id}/read`], ["GET", `/messages/${id}`]]) {
    const one = await call(server, method, path, { token }), other = await call(server, method, path, { token: user.token });
    assertFailure(one, 404);
    assert.deepEqual(one.body, other.body);
  }
});

rowTest(state, [["GET", "/messages/search"]], "search finds nothing in nothing and takes any text", async () => {
  for (const q of ["hello", "%22", "*", "a OR b", "%00", ""]) {
    const { status } = await call(server, "GET", `/messages/search?q=${encodeURIComponent(q)}`, { token: user.token });
    assert.ok(status === 200 || status === 400, `${q}: ${status}`);
  }
});

rowTest(state, [["GET", "/numbers/{}/events"]], "the event log of a number counts up without holes", async () => {
  const { id } = await add();
  const { status, body } = await call(server, "GET", `/numbers/${id}/events?after=0&limit=1000`, { token });
  assert.equal(status, 200);
  body.data.forEach((row, i) => assert.equal(row.seq, body.data[0].seq + i));
  assertFailure(await call(server, "GET", `/numbers/${id}/events`, { token: user.token }), 403);
});

rowTest(state, [["GET", "/realtime/status"]], "realtime status", async () => {
  const { body } = await call(server, "GET", "/realtime/status", { token: user.token });
  assert.equal(body.message, "Real-time service is active");
  assert.equal(body.data.socketService, "active");
  assert.equal(typeof body.data.connectedUsers, "number");
  assert.ok(Array.isArray(body.data.features));
});

rowTest(state, [["POST", "/realtime/test-broadcast"], ["POST", "/whatsapp"]], "test broadcast", async () => {
  const { id } = await add();
  const { status, body } = await call(server, "POST", "/realtime/test-broadcast", { token, body: { whatsappNumberId: id, message: "hello" } });
  assert.equal(status, 200);
  assert.deepEqual(body.data, { whatsappNumberId: id, message: "hello", type: "test", broadcasted: true });
  assertFailure(await call(server, "POST", "/realtime/test-broadcast", { token: user.token, body: { whatsappNumberId: id, message: "x" } }), 403);
});
