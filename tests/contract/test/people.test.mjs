// What an agent changes about a chat, opening a chat, who is behind it, stable error codes, and what the audit tells of it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { operations } from "../lib/docs.mjs";
import { addNumber, startScripted } from "../lib/scripted.mjs";
import { call, login, makeUser } from "../lib/server.mjs";
import { assertFailure, assertShape, Chat } from "../lib/shape.mjs";
import { openSocket } from "../lib/socket.mjs";

let server, token, shop, agent, stranger, chat, serial = 0;
const inbound = async (from, text, more = {}) => { const id = `PP${++serial}`; server.order({ op: "inbound", number: shop.id, from, id, text, ...more }); await server.heard((line) => line.acked === id); return id; };
const chats = async (query = "") => (await call(server, "GET", `/chats/${shop.id}${query}`, { token })).body.data;
const patch = (body, who = agent) => call(server, "PATCH", `/chats/${chat.id}`, { token: who.token, body });

before(async () => {
  server = await startScripted();
  token = await login(server);
  shop = await addNumber(server, token, "628120000001");
  agent = await makeUser(server, token);
  stranger = await makeUser(server, token);
  await call(server, "POST", "/wapermission", { token, body: { userId: agent.id, whatsappNumberId: shop.id } });
  await inbound("628130000001", "hello");
  [chat] = await chats();
});
after(() => server.stop());

test("a chat is pinned, muted, archived and marked as unread; every change reaches the sockets", async () => {
  const socket = openSocket(server, { token: agent.token });
  await socket.ready;
  const change = async (body, match) => {
    const after = socket.heard.length;
    const answer = await patch(body);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    assertShape(answer.body, { success: "true", message: "text", data: Chat });
    const event = await socket.wait("chat:updated", ({ chat: one }) => one.id === chat.id, { after });
    for (const told of [answer.body.data, event.chat]) for (const [key, value] of Object.entries(match)) assert.equal(told[key], value, key);
  };
  await change({ pinned: true }, { isPinned: true });
  await change({ pinned: false, mutedUntil: "2031-05-06T07:08:09.123Z" }, { isPinned: false, mutedUntil: "2031-05-06T07:08:09.123Z" });
  await change({ mutedUntil: "9999-12-31T23:59:59Z" }, { mutedUntil: "9999-12-31T23:59:59.999Z" });
  await change({ mutedUntil: null }, { mutedUntil: null });
  await change({ markedUnread: false }, { unreadCount: 0, isMarkedUnread: false });
  await change({ markedUnread: true }, { unreadCount: 0, isMarkedUnread: true });
  await change({ markedUnread: false }, { isMarkedUnread: false });
  await change({ archived: true }, { isArchived: true });
  assert.deepEqual(await chats(), []);
  assert.equal((await chats("?archived=true")).length, 1);
  await change({ archived: true }, { isArchived: true });
  await change({ archived: false }, { isArchived: false });
  assert.equal((await chats()).length, 1);
  socket.socket.close();
});

test("a wrong change is refused and changes nothing", async () => {
  for (const body of [{}, { pinned: "yes" }, { mutedUntil: "tomorrow" }, { mutedUntil: "2031-02-30T00:00:00Z" }, { mutedUntil: 5 }, { pinned: true, mutedUntil: "2031-01-01T25:00:00Z" }]) {
    assertFailure(await patch(body), 400);
  }
  assert.equal((await chats())[0].isPinned, false, "the pin that stood beside the wrong time");
  assert.equal((await patch({ pinned: true }, stranger)).status, 404);
  const key = (await call(server, "POST", "/api-keys", { token, body: { name: "reader", scopes: ["read"] } })).body.data.key;
  assert.equal((await call(server, "PATCH", `/chats/${chat.id}`, { key, body: { pinned: true } })).status, 403);
});

test("a chat is opened with any writing of a number, once per person, by those who may use the number", async () => {
  const open = (to, who = agent) => call(server, "POST", "/chats", { token: who.token, body: { whatsappNumberId: shop.id, to } });
  const first = await open("0813 0000 777");
  assert.equal(first.status, 201, JSON.stringify(first.body));
  assertShape(first.body, { success: "true", message: "text", data: Chat });
  assert.equal(first.body.data.contactNumber, "628130000777");
  for (const to of ["+62 813-0000-777", "628130000777@s.whatsapp.net"]) assert.equal((await open(to)).body.data.id, first.body.data.id, to);
  assert.equal((await open("0813 0000 001")).body.data.id, chat.id, "the chat that is there");
  assertFailure(await open("hello"), 400);
  assertFailure(await open("0813 0000 777", stranger), 403, "Unauthorized access to WhatsApp number");
  assertFailure(await open("123-456@g.us"), 404);
});

test("the chat list tells how far an own last message got, and keeps up with its receipts", async () => {
  const session = (await call(server, "GET", `/sessions/${shop.id}`, { token })).body.data.id;
  const made = (await call(server, "POST", `/sessions/${session}/send`, { token, body: { to: "628130000001", message: "and?" } })).body.data;
  await server.heard((line) => line.sent?.id === made.messageId);
  const row = async () => (await chats()).find((one) => one.id === chat.id);
  const until = async (status) => {
    for (let i = 0; i < 200; i++) {
      if ((await row()).lastMessageStatus === status) return;
      await new Promise((done) => setTimeout(done, 20));
    }
    assert.equal((await row()).lastMessageStatus, status);
  };
  await until("SENT");
  assert.equal((await row()).lastMessageId, made.messageId);
  server.order({ op: "receipt", number: shop.id, chat: "628130000001", ids: [made.messageId], status: "READ" });
  await until("READ");
  await inbound("628130000001", "yes");
  assert.equal((await row()).lastMessageStatus, null, "the customer spoke last");
});

test("a contact is told with what is known of it, to those who may use its number", async () => {
  const { contactId } = (await chats()).find((one) => one.id === chat.id);
  const { status, body } = await call(server, "GET", `/contacts/${contactId}`, { token: agent.token });
  assert.equal(status, 200);
  assertShape(body.data, { id: "int", name: "text?", pushName: "text?", phone: "text?", jid: "text", chatId: "uuid?", businessName: "text?", isBlocked: "bool", whatsappNumberId: "int",
    commonGroups: [{ chatId: "uuid", groupName: "text", memberCount: "int" }], createdAt: "time" });
  assert.deepEqual([body.data.phone, body.data.chatId, body.data.whatsappNumberId], ["628130000001", chat.id, shop.id]);
  assertFailure(await call(server, "GET", `/contacts/${contactId}`, { token: stranger.token }), 404, "Contact not found or unauthorized");
  assertFailure(await call(server, "GET", "/contacts/987654", { token: agent.token }), 404, "Contact not found or unauthorized");
  assertFailure(await call(server, "GET", `/groups/${chat.id}`, { token: agent.token }), 404, "This chat is not a group");
});

test("every error has a code of the documented list; it stays when the sentence varies", async () => {
  const { document } = await operations(server);
  const known = document.components.schemas.ErrorCode.enum;
  assert.equal(new Set(known).size, known.length, "each once");
  for (const [code, method, path, options] of [
    ["INVALID_CREDENTIALS", "POST", "/auth/login", { body: { username: "admin", password: "not this one" } }],
    ["FIELD_REQUIRED", "POST", "/users", { token, body: { name: "X" } }],
    ["FIELD_INVALID", "POST", "/users", { token, body: { name: "X", username: "x y", email: "x@example.org", password: "long enough" } }],
    ["TOKEN_MISSING", "GET", "/auth/me", {}],
    ["AUTHORIZATION_MALFORMED", "GET", "/auth/me", { headers: { authorization: "Basic x" } }],
    ["ADMIN_REQUIRED", "GET", "/users", { token: agent.token }],
    ["NUMBER_FORBIDDEN", "GET", `/chats/${shop.id}`, { token: stranger.token }],
    ["CHAT_NOT_FOUND", "PATCH", `/chats/${crypto.randomUUID()}`, { token, body: { pinned: true } }],
    ["USER_NOT_FOUND", "GET", "/users/987654", { token }],
    ["CANNOT_DELETE_SELF", "DELETE", "/users/1", { token }],
    ["WRONG_PASSWORD", "PUT", "/auth/me", { token: agent.token, body: { currentPassword: "not this one", newPassword: "long enough" } }],
    ["ADDRESS_UNKNOWN", "GET", "/nothing", { token }],
    ["PHONE_INVALID", "POST", "/chats", { token, body: { whatsappNumberId: shop.id, to: "hello" } }],
  ]) {
    const { body, status } = await call(server, method, path, options);
    assert.equal(body.code, code, `${method} ${path}: ${status} ${JSON.stringify(body)}`);
    assert.ok(known.includes(code), code);
  }
});

test("one rule for passwords: 8 characters, wherever one is chosen", async () => {
  const body = { name: "Short", username: "short", email: "short@example.org", password: "1234567" };
  assertFailure(await call(server, "POST", "/users", { token, body }), 400);
  assertFailure(await call(server, "PUT", `/users/${agent.id}`, { token, body: { password: "1234567" } }), 400);
  assertFailure(await call(server, "PUT", "/auth/me", { token, body: { currentPassword: "x", newPassword: "1234567" } }), 400);
});

test("the audit names who, with which key, what it was about, and refused logins", async () => {
  await call(server, "POST", "/auth/login", { body: { username: "somebody \"else\"", password: "guess" } });
  const key = (await call(server, "POST", "/api-keys", { token, body: { name: "Shop bot", scopes: ["send"] } })).body.data;
  await call(server, "PATCH", `/chats/${chat.id}`, { key: key.key, body: { pinned: true } });
  const audit = async (query) => (await call(server, "GET", `/audit?${query}`, { token })).body.data;
  const [failed] = await audit("action=login.failed");
  assert.deepEqual([failed.actor, failed.details], [null, { username: "somebody \"else\"" }]);
  const [changed] = await audit(`action=chat.update&whatsappNumberId=${shop.id}`);
  assert.deepEqual([changed.apiKeyName, changed.whatsappNumberName !== null, changed.target, changed.targetName !== null], ["Shop bot", true, `chat:${chat.id}`, true]);
  const [granted] = await audit("action=permission.grant");
  assert.equal(granted.target, `user:${agent.id}`);
  assert.ok(granted.targetName);
});
