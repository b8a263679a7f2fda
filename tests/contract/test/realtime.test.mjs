// Socket.IO as the contract has it, with a scripted WhatsApp behind it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { claimsOf, sign } from "../lib/jwt.mjs";
import { addNumber, startScripted } from "../lib/scripted.mjs";
import { openSocket } from "../lib/socket.mjs";
import { call, login, makeUser, startServer } from "../lib/server.mjs";
import { assertShape, Chat } from "../lib/shape.mjs";

export const Message = { id: "uuid", messageId: "text", fromJid: "text", fromNumber: "text", fromName: "string?", content: "text", type: "text", mediaUrl: "string?",
  mediaCaption: "string?", quotedMessageId: "string?", quotedContent: "string?", isFromMe: "bool", status: "text", error: "text?", errorCode: "text?", timestamp: "time", sentBy: "object?", editedAt: "time?",
  revokedAt: "time?", reactions: [{ emoji: "text", fromJid: "text", fromName: "string?", isFromMe: "bool" }] };
const SECRET = "a secret of the realtime tests";
let server, token, shop, other, agent, serial = 0, log = "";
const sockets = [];
const open = async (auth, options) => { const s = openSocket(server, auth, options); sockets.push(s); await s.ready; return s; };
const hears = async (auth, number) => { const s = await open(auth); await s.wait("whatsapp:status", (d) => d.whatsappNumberId === number.id); return s; }; // what comes after this is an event
const refused = async (auth, options) => { try { await open(auth, options); } catch (error) { return error; } throw new Error("was let in"); };
const inbound = (number, from, text, more = {}) => { const id = `IN${++serial}`; server.order({ op: "inbound", number: number.id, from, id, text, pushName: "Ani", ...more }); return id; };
const grant = async (user, number) => (await call(server, "POST", "/wapermission", { token, body: { userId: user.id, whatsappNumberId: number.id } })).body.data.id;

before(async () => {
  server = await startScripted({ env: { JWT_SECRET: SECRET, LOG_LEVEL: "debug" } });
  server.child.stderr.on("data", (bytes) => { log += bytes; });
  token = await login(server);
  shop = await addNumber(server, token, "628120000001");
  other = await addNumber(server, token, "628120000002");
  agent = await makeUser(server, token);
  await grant(agent, shop);
});
after(async () => {
  for (const s of sockets) s.close();
  assert.deepEqual(await server.stop(), { code: 0, signal: null });
});

for (const [how, auth, options] of [
  ["auth.token", () => ({ token }), {}], ["auth.authorization", () => ({ authorization: `Bearer ${token}` }), {}], ["a header", () => ({}), () => ({ extraHeaders: { authorization: `Bearer ${token}` } })],
  ["?token=", () => ({}), () => ({ query: { token } })], ["auth.token over polling", () => ({ token }), { transports: ["polling"] }]])
  test(`the token as ${how}`, async () => { (await open(auth(), typeof options === "function" ? options() : options)).close(); });

test("no token, a wrong one, an expired one, a revoked one: connect_error with text and code", async () => {
  const old = sign({ alg: "HS256", typ: "JWT" }, { ...claimsOf(token), iat: 1000, exp: 2000 }, SECRET);
  for (const [auth, code] of [[{}, "TOKEN_MISSING"], [{ token: "x.y.z" }, "TOKEN_INVALID"], [{ token: old }, "TOKEN_EXPIRED"]]) {
    const error = await refused(auth);
    assert.match(error.message, /^Authentication error:/);
    assert.equal(error.data.code, code);
  }
  const leaving = await makeUser(server, token);
  const socket = await open({ token: leaving.token });
  await call(server, "POST", "/auth/logout", { token: leaving.token });
  await socket.ended;
  assert.equal((await refused({ token: leaving.token })).data.code, "TOKEN_REVOKED");
});

test("an origin that is not listed gets neither polling nor a WebSocket, a listed one both", async () => {
  for (const [origin, isListed] of [["https://evil.example", false], ["null", false], ["http://localhost:5173", true]]) {
    const answer = await fetch(`${server.base}/socket.io/?EIO=4&transport=polling`, { headers: { origin } });
    assert.deepEqual([answer.status, answer.headers.get("access-control-allow-origin")], isListed ? [200, origin] : [403, null], origin);
    if (!isListed) assert.equal((await answer.json()).success, false);
    const socket = open({ token }, { extraHeaders: { origin } });
    if (isListed) await socket;
    else await assert.rejects(socket, origin);
  }
});

test("on connect: one chat:list and one whatsapp:status of each permitted number, of no other", async () => {
  const admin = await open({ token }), limited = await open({ token: agent.token });
  for (const number of [shop, other]) {
    const list = await admin.wait("chat:list", (d) => d.whatsappNumberId === number.id);
    assertShape(list, { whatsappNumberId: "int", chats: [Chat], pagination: { limit: "int", offset: "int", total: "int" } });
    const status = await admin.wait("whatsapp:status", (d) => d.whatsappNumberId === number.id);
    assertShape(status, { whatsappNumberId: "int", status: "text", lastConnected: "time?", phoneNumber: "text", reason: "string?", retryAt: "time?", seq: "int", epoch: "text" });
    assert.match(status.phoneNumber, /^\+62/);
  }
  await limited.wait("whatsapp:status");
  await new Promise((done) => setTimeout(done, 150));
  assert.deepEqual([...new Set(limited.heard.map((e) => e.data.whatsappNumberId))], [shop.id]);
  assert.equal(limited.of("chat:list").length, 1);
  assert.equal(admin.of("chat:list").length, 2);
});

test("an inbound message: message:new and chat:updated with their shapes, once, with seq", async () => {
  const socket = await hears({ token: agent.token }, shop);
  const id = inbound(shop, "6285511112222", "good morning");
  const event = await socket.wait("message:new", (d) => d.message.messageId === id);
  assertShape(event, { whatsappNumberId: "int", chatId: "uuid", message: Message, seq: "int", epoch: "text" });
  assert.equal(event.message.fromNumber, "+6285511112222");
  assert.equal(event.message.fromName, "Ani");
  const { chat } = await socket.wait("chat:updated", (d) => d.chat.id === event.chatId);
  assertShape(chat, Chat);
  assert.equal(chat.contactNumber, "+6285511112222");
  assert.equal(chat.unreadCount, 1);
  server.order({ op: "inbound", number: shop.id, from: "6285511112222", id, text: "good morning", pushName: "Ani" }); // a replay
  const next = inbound(shop, "6285511112222", "second");
  await socket.wait("message:new", (d) => d.message.messageId === next);
  assert.equal(socket.of("message:new").filter((d) => d.message.messageId === id).length, 1);
  const last = await socket.wait("chat:updated", (d) => d.chat.lastMessage === "second");
  assert.equal(last.chat.unreadCount, 2, "a replay does not count");
  const seqs = socket.seqs(shop.id);
  seqs.forEach((seq, i) => assert.equal(seq, seqs[0] + i, seqs.join()));
});

test("edit, reaction, revoke are message:updated", async () => {
  const socket = await hears({ token }, shop);
  const from = "6285511113333", id = inbound(shop, from, "frist");
  const { chatId } = await socket.wait("message:new", (d) => d.message.messageId === id);
  server.order({ op: "edit", number: shop.id, from, target: id, text: "first" });
  const edited = await socket.wait("message:updated", (d) => d.message.content === "first");
  assertShape(edited, { whatsappNumberId: "int", chatId: "uuid", message: Message, seq: "int", epoch: "text" });
  assert.ok(edited.message.editedAt);
  server.order({ op: "edit", number: shop.id, from: "6285599999999", target: id, text: "not by its author" });
  server.order({ op: "reaction", number: shop.id, from, target: id, text: "👍" });
  const reacted = await socket.wait("message:updated", (d) => d.message.reactions.length === 1);
  assert.equal(reacted.message.content, "first", "only the author edits");
  assert.deepEqual(reacted.message.reactions.map((r) => [r.emoji, r.isFromMe]), [["👍", false]]);
  server.order({ op: "revoke", number: shop.id, from, target: id });
  const revoked = await socket.wait("message:updated", (d) => d.message.revokedAt);
  assert.ok(!revoked.message.content.includes("first"));
  assert.ok(!JSON.stringify((await call(server, "GET", `/chats/${chatId}/messages`, { token })).body).includes("first"));
});

test("what could not be opened is announced as a message once it is healed", async () => {
  const socket = await hears({ token }, shop);
  const from = "6285511114444", id = inbound(shop, from, undefined, { kind: "undecryptable" });
  await socket.wait("chat:updated", (d) => d.chat.contactNumber === `+${from}` && d.chat.unreadCount === 1);
  assert.equal(socket.of("message:new").some((d) => d.message.messageId === id), false);
  server.order({ op: "inbound", number: shop.id, from, id, text: "now readable" });
  const { message } = await socket.wait("message:new", (d) => d.message.messageId === id);
  assert.equal(message.content, "now readable");
  assert.equal(message.type, "TEXT");
});

test("phone and LID of one person are one chat", async () => {
  const socket = await hears({ token }, other);
  const one = inbound(other, "6285522220000", "by phone"), two = inbound(other, undefined, "by lid", { lid: "77770000111" });
  const a = await socket.wait("message:new", (d) => d.message.messageId === one), b = await socket.wait("message:new", (d) => d.message.messageId === two);
  assert.notEqual(a.chatId, b.chatId);
  server.order({ op: "contact", number: other.id, from: "6285522220000", lid: "77770000111", name: "One Person" });
  const { chat } = await socket.wait("chat:updated", (d) => d.chat.contactName === "One Person");
  assert.equal(chat.unreadCount, 2);
  const chats = (await call(server, "GET", `/chats/${other.id}`, { token })).body.data;
  assert.equal(chats.filter((c) => c.contactName === "One Person").length, 1);
  for (const id of [a.chatId, b.chatId]) assert.equal((await call(server, "GET", `/chats/${id}/messages`, { token })).body.data.length, 2, "either id finds it");
});

test("client events: acknowledged, or answered as events; failures likewise", async () => {
  const socket = await hears({ token: agent.token }, shop);
  const id = inbound(shop, "6285511115555", "history");
  const { chatId } = await socket.wait("message:new", (d) => d.message.messageId === id);
  const list = await socket.ask("chat:get-list", { whatsappNumberId: shop.id, limit: 5 });
  assert.equal(list.success, true);
  assertShape(list.data.chats, [Chat]);
  inbound(shop, "6285511115555", "newer");
  await socket.wait("chat:updated", (d) => d.chat.lastMessage === "newer");
  const history = await socket.ask("chat:get-history", { chatId });
  assertShape(history.data, { chatId: "uuid", messages: [Message], pagination: { limit: "int", offset: "int", total: "int" }, order: "text" });
  assert.deepEqual(history.data.messages.map((m) => m.content), ["newer", "history"], "newest first");
  socket.socket.emit("chat:get-history", { chatId, order: "asc" });
  assert.deepEqual((await socket.wait("chat:history")).messages.map((m) => m.content), ["history", "newer"]);
  const status = await socket.ask("whatsapp:get-status", { whatsappNumberId: shop.id });
  assert.equal(status.data.status, "CONNECTED");
  assert.deepEqual(await socket.ask("ping", 123), { success: true, data: 123 });
  const read = await socket.ask("chat:mark-read", { chatId });
  assert.equal(read.data.chatId, chatId);
  await socket.wait("chat:read", (d) => d.chatId === chatId);
  await server.heard((line) => line.read?.id === id);
  for (const [event, payload, code] of [["chat:get-list", { whatsappNumberId: other.id }, "UNAUTHORIZED"], ["chat:get-list", { whatsappNumberId: 999 }, "UNAUTHORIZED"],
    ["chat:get-history", { chatId: crypto.randomUUID() }, "NOT_FOUND"], ["chat:get-history", {}, "INVALID"], ["chat:get-list", "text", "INVALID"], ["no:such", {}, "UNKNOWN_EVENT"]]) {
    const answer = await socket.ask(event, payload);
    assert.equal(answer.success, false);
    assert.equal(answer.code, code, JSON.stringify(answer));
  }
  socket.socket.emit("no:such", {});
  assertShape(await socket.wait("error"), { message: "text", code: "text", event: "text" });
});

test("failures without an acknowledgement: an error event with text, code and event; a test broadcast reaches the room only", async () => {
  const socket = await hears({ token: agent.token }, shop);
  for (const [event, payload, message] of [["chat:get-list", { whatsappNumberId: other.id }, "Unauthorized access to WhatsApp number"], ["whatsapp:get-status", { whatsappNumberId: 987654 }, "Unauthorized access to WhatsApp number"],
    ["chat:get-history", { chatId: crypto.randomUUID() }, "Chat not found or unauthorized"], ["chat:mark-read", { chatId: crypto.randomUUID() }, "Chat not found or unauthorized"]]) {
    socket.socket.emit(event, payload);
    assert.equal((await socket.wait("error", (d) => d.event === event)).message, message);
  }
  for (const number of [other, shop]) await call(server, "POST", "/realtime/test-broadcast", { token, body: { whatsappNumberId: number.id, message: "hello", type: "maintenance" } });
  const test = await socket.wait("whatsapp:status", (d) => d.isTest);
  assertShape(test, { whatsappNumberId: "int", status: "text", lastConnected: "time?", phoneNumber: "text", message: "text", timestamp: "time", isTest: "true" });
  assert.deepEqual([test.whatsappNumberId, test.status, test.message], [shop.id, "MAINTENANCE", "hello"]);
  assert.deepEqual(socket.of("whatsapp:status").filter((d) => d.isTest).length, 1);
});

test("the link's changes are whatsapp:status with reason and the time of the next try", async () => {
  const socket = await hears({ token: agent.token }, shop), retryAt = Date.now() + 3600000;
  for (const [order, want] of [[{ state: "RECONNECTING", reason: "lost", retryAt }, ["RECONNECTING", "lost", retryAt]], [{ state: "CONNECTED" }, ["CONNECTED", null, null]]]) {
    server.order({ op: "state", number: shop.id, ...order });
    const d = await socket.wait("whatsapp:status", (one) => one.status === want[0] && one.reason === want[1]);
    assert.deepEqual([d.status, d.reason, d.retryAt && Date.parse(d.retryAt)], want);
  }
});

test("media has a label as its content, what the phone sent has no agent, the first list has 20 chats", async () => {
  const busy = await addNumber(server, token, "628120000009"), socket = await hears({ token }, busy);
  for (let i = 0; i < 21; i++) inbound(busy, `62855000010${10 + i}`, `chat ${i}`, { timestamp: 1700000000000 + i * 1000 });
  for (const kind of ["image", "video", "audio", "document", "sticker", "location", "contact", "poll"]) {
    const id = inbound(busy, "6285500001010", undefined, { kind }), { message } = await socket.wait("message:new", (d) => d.message.messageId === id);
    assert.deepEqual([message.type, message.content, message.isFromMe], [kind.toUpperCase(), "[Media]", false]);
  }
  const id = inbound(busy, "6285500001010", "from the phone itself", { fromMe: true }), { message } = await socket.wait("message:new", (d) => d.message.messageId === id);
  assert.deepEqual([message.isFromMe, message.sentBy, message.fromNumber], [true, null, "+628120000009"]);
  const list = await (await hears({ token }, busy)).wait("chat:list", (d) => d.whatsappNumberId === busy.id);
  assert.deepEqual([list.chats.length, list.pagination.total, list.chats[0].lastMessage], [20, 21, "from the phone itself"]);
});

test("message:send: stored, on the wire once, same clientId again is the same message; ticks move forward", async () => {
  const socket = await hears({ token: agent.token }, shop);
  const payload = { whatsappNumberId: shop.id, to: "0855-1111-6666", message: "hello from an agent", clientId: "c-1" };
  const first = await socket.ask("message:send", payload), again = await socket.ask("message:send", payload);
  assertShape(first.data, Message);
  assert.equal(again.data.messageId, first.data.messageId);
  assert.equal(first.data.sentBy.id, agent.id);
  const noted = (await call(server, "GET", "/audit?action=send", { token })).body.data.filter((row) => row.target === `message:${first.data.id}`);
  assert.deepEqual(noted.map((row) => [row.actor.id, row.whatsappNumberId, row.ip]), [[agent.id, shop.id, "127.0.0.1"]], "once");
  const clash = await socket.ask("message:send", { ...payload, message: "another text" });
  assert.equal(clash.code, "CONFLICT");
  const { sessionId } = shop, rest = (message) => call(server, "POST", `/sessions/${sessionId}/send`, { token: agent.token, body: { to: payload.to, message, clientId: payload.clientId } });
  assert.equal((await rest(payload.message)).body.data.messageId, first.data.messageId, "the key of the socket is the key of REST");
  assert.equal((await rest("another text")).status, 422);
  const wa = first.data.messageId;
  await socket.wait("message:status", (d) => d.messageId === wa && d.status === "SENT");
  for (const status of ["READ", "DELIVERED"]) server.order({ op: "receipt", number: shop.id, chat: "6285511116666", ids: [wa], status });
  await socket.wait("message:status", (d) => d.messageId === wa && d.status === "READ");
  await new Promise((done) => setTimeout(done, 100));
  assert.deepEqual(socket.of("message:status").filter((d) => d.messageId === wa).map((d) => d.status), ["SENT", "READ"]);
  assert.equal(server.lines.filter((line) => line.sent?.id === wa).length, 1);
});

test("typing and viewing reach the others and the customer", async () => {
  const one = await hears({ token }, shop), two = await hears({ token: agent.token }, shop);
  const id = inbound(shop, "6285511117777", "hm");
  const { chatId } = await two.wait("message:new", (d) => d.message.messageId === id);
  await one.wait("message:new", (d) => d.message.messageId === id); // presence is not replayed: both must be in the room
  assert.equal((await two.ask("chat:typing", { chatId, isTyping: true })).success, true);
  const typing = await one.wait("chat:presence", (d) => d.typing === true);
  assert.deepEqual(typing.agent, { id: agent.id, name: agent.name });
  await server.heard((line) => line.typing?.isTyping === true);
  await two.ask("chat:viewing", { chatId, viewing: true });
  await one.wait("chat:presence", (d) => d.viewing === true);
  server.order({ op: "typing", number: shop.id, from: "6285511117777", typing: true });
  const contact = await one.wait("chat:presence", (d) => d.contact === "composing");
  assert.equal(contact.agent, null);
  await call(server, "PUT", `/whatsapp/${shop.id}`, { token, body: { policies: { sendTyping: false } } });
  await two.ask("chat:typing", { chatId, isTyping: false });
  await one.wait("chat:presence", (d) => d.typing === false);
  const fence = inbound(shop, "6285511117777", "still there?");
  await server.heard((line) => line.acked === fence);
  assert.ok(!server.lines.some((line) => line.typing?.isTyping === false), "the policy keeps it from the customer");
  two.close();
  await one.wait("chat:presence", (d) => d.viewing === false && d.agent?.id === agent.id);
});

test("grant and revoke move open sockets at once", async () => {
  const user = await makeUser(server, token), socket = await open({ token: user.token });
  const permission = await grant(user, other);
  await socket.wait("permission:changed", (d) => d.whatsappNumberId === other.id && d.granted);
  await socket.wait("chat:list", (d) => d.whatsappNumberId === other.id);
  await socket.wait("whatsapp:status", (d) => d.whatsappNumberId === other.id);
  const id = inbound(other, "6285533330001", "now you hear me");
  await socket.wait("message:new", (d) => d.message.messageId === id);
  await call(server, "DELETE", `/wapermission/${permission}`, { token });
  await socket.wait("permission:changed", (d) => !d.granted);
  const admin = await hears({ token }, other), secret = inbound(other, "6285533330001", "now you do not");
  await admin.wait("message:new", (d) => d.message.messageId === secret);
  await new Promise((done) => setTimeout(done, 100));
  assert.equal(socket.of("message:new").some((d) => d.message.messageId === secret), false);
  assert.equal((await socket.ask("chat:get-list", { whatsappNumberId: other.id })).code, "UNAUTHORIZED");
});

test("resume: what was missed comes first, in order, once; a point out of reach is a resync", async () => {
  const first = await hears({ token }, shop);
  const a = inbound(shop, "6285544440001", "before");
  const { seq, epoch } = await first.wait("message:new", (d) => d.message.messageId === a);
  first.close();
  const ids = [1, 2, 3].map((i) => inbound(shop, "6285544440001", `missed ${i}`));
  await server.heard((line) => line.acked === ids[2]);
  for (const place of [seq, { seq, epoch }, { seq }]) {
    const second = await open({ token, resume: { [shop.id]: place } });
    const live = inbound(shop, "6285544440001", "live");
    ids.push(live);
    await second.wait("message:new", (d) => d.message.messageId === live);
    assert.deepEqual(second.of("message:new").filter((d) => d.whatsappNumberId === shop.id).map((d) => d.message.messageId), ids);
    second.seqs(shop.id).forEach((got, i) => assert.equal(got, seq + 1 + i));
    second.close();
  }
  for (const place of [10 ** 9, { seq: 10 ** 9, epoch }, { seq, epoch: "of a backup" }, { seq, epoch: "" }, { seq, epoch: `${epoch}0` }]) {
    const lost = await open({ token, resume: { [shop.id]: place } });
    const point = await lost.wait("resync");
    assert.deepEqual([point.whatsappNumberId, point.epoch], [shop.id, epoch]);
    const after = inbound(shop, "6285544440001", "after resync");
    assert.equal((await lost.wait("message:new", (d) => d.message.messageId === after)).seq, point.seq + 1);
    lost.close();
  }
});

test("whatsapp:qr goes to those who may link; logged out numbers refuse to send with 409", async () => {
  const fresh = await addNumber(server, token, "628120000003", { link: false });
  await grant(agent, fresh);
  const admin = await open({ token }), limited = await open({ token: agent.token });
  await limited.wait("whatsapp:status", (d) => d.whatsappNumberId === fresh.id);
  await admin.wait("whatsapp:status", (d) => d.whatsappNumberId === fresh.id);
  const { status, body } = await call(server, "POST", `/sessions/${fresh.id}`, { token });
  assert.equal(status, 200);
  assert.match(body.data.qrCode, /^data:image\/png;base64,/);
  const qr = await admin.wait("whatsapp:qr", (d) => d.whatsappNumberId === fresh.id);
  assert.equal(qr.qrCode, body.data.qrCode);
  assert.equal((await call(server, "GET", `/sessions/${body.data.id}/qr`, { token })).body.data.qrCode, qr.qrCode);
  assert.equal((await call(server, "GET", `/sessions/${body.data.id}/qr`, { token: agent.token })).body.data.qrCode, qr.qrCode, "a permission is enough to ask");
  assert.equal((await call(server, "GET", `/sessions/${fresh.id}`, { token: agent.token })).body.data.qrCode, qr.qrCode);
  const stranger = await makeUser(server, token);
  assert.equal((await call(server, "GET", `/sessions/${body.data.id}/qr`, { token: stranger.token })).status, 404);
  const { key } = (await call(server, "POST", "/api-keys", { token, body: { name: "reader", scopes: ["read"] } })).body.data;
  assert.equal((await call(server, "GET", `/sessions/${body.data.id}/qr`, { key })).status, 403);
  assert.equal((await call(server, "GET", `/sessions/${fresh.id}`, { key })).body.data.qrCode, null);
  const reader = await open({ apiKey: key });
  await reader.wait("whatsapp:status", (d) => d.whatsappNumberId === fresh.id);
  await limited.wait("whatsapp:status", (d) => d.whatsappNumberId === fresh.id && d.status === "PAIRING");
  assert.equal(limited.of("whatsapp:qr").length, 0);
  assert.equal(reader.of("whatsapp:qr").length, 0, "a key that only reads is not told of it");
  const logOf = async (who) => JSON.stringify((await call(server, "GET", `/numbers/${fresh.id}/events?limit=1000`, who)).body).includes("data:image/png");
  assert.deepEqual([await logOf({ token }), await logOf({ token: agent.token }), await logOf({ key })], [true, false, false], "nor in the event log");
  const [boss, back] = [await open({ token, resume: { [fresh.id]: 0 } }), await open({ token: agent.token, resume: { [fresh.id]: 0 } })];
  for (const s of [boss, back]) await s.wait("chat:list", (d) => d.whatsappNumberId === fresh.id);
  assert.deepEqual([boss.of("whatsapp:qr").length, back.of("whatsapp:qr").length], [1, 0], "nor again on resume");
  assert.equal((await call(server, "POST", `/sessions/${body.data.id}/send-message`, { token, body: { to: "0811", message: "x" } })).status, 400);
  assert.equal((await call(server, "POST", `/sessions/${body.data.id}/send-message`, { token, body: { to: "081122223333", message: "x" } })).status, 409);
});

test("too many events: RATE_LIMITED with a time, then the connection ends", async () => {
  const user = await makeUser(server, token), socket = await open({ token: user.token });
  const answers = await Promise.all(Array.from({ length: 150 }, () => socket.ask("ping", 1)));
  const limited = answers.filter((a) => !a.success);
  assert.ok(limited.length > 0 && limited.every((a) => a.code === "RATE_LIMITED" && a.retryAfterMs > 0));
  for (let i = 0; i < 1000; i++) socket.socket.emit("ping", 1);
  await socket.ended;
});

test("the sockets of one user share a bucket for each event", async () => {
  const strict = await startServer({ SOCKET_RATE_PER_SECOND: "5" }), one = await login(strict);
  const six = await Promise.all(Array.from({ length: 6 }, async () => { const s = openSocket(strict, { token: one }); await s.ready; return s; }));
  const answers = await Promise.all(six.flatMap((s) => Array.from({ length: 9 }, () => s.ask("ping", 1)))); // 10 at once are a socket's, 40 the user's
  assert.ok(answers.filter((a) => a.code === "RATE_LIMITED").length >= 10 && answers.filter((a) => a.success).length >= 40);
  for (const s of six) s.close();
  await strict.stop();
});

test("neither tokens nor keys nor what was said stand in the log, debug lines included", () => {
  assert.match(log, /route=\/whatsapp/, "it was written at all");
  for (const secret of [token, agent.token, agent.password, SECRET, "good morning", "hello from an agent", "now you hear me", "from the phone itself"]) assert.ok(!log.includes(secret), `the log holds ${secret.slice(0, 12)}…`);
});
