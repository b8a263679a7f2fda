// Sending, reading and searching over REST, with a scripted WhatsApp behind it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { addNumber, startScripted } from "../lib/scripted.mjs";
import { call, login, makeUser } from "../lib/server.mjs";
import { openSocket } from "../lib/socket.mjs";
import { assertFailure, assertShape } from "../lib/shape.mjs";

let server, token, shop, serial = 0;
const sent = (id) => server.lines.filter((line) => line.sent?.id === id);
const send = (body, headers, alias = "send-message") => call(server, "POST", `/sessions/${shop.sessionId}/${alias}`, { token, body, headers });
const inbound = async (from, text, more = {}) => { const id = `IN${++serial}`; server.order({ op: "inbound", number: shop.id, from, id, text, ...more }); await server.heard((line) => line.acked === id); return id; };
before(async () => { server = await startScripted(); token = await login(server); shop = await addNumber(server, token, "628120000001"); });
after(async () => assert.deepEqual(await server.stop(), { code: 0, signal: null }));

test("both aliases, both names of the receiver, every way to write a number", async () => {
  for (const [alias, body] of [["send-message", { phoneNumber: "0812-3456-789", message: "a" }], ["send", { to: "+62 812-3456-789", message: "b" }], ["send", { to: "62812345 6789@c.us".replace(" ", ""), message: "c" }]]) {
    const { status, body: answer } = await send(body, {}, alias);
    assert.equal(status, 200, JSON.stringify(answer));
    assertShape(answer, { success: "true", message: "text", data: { sessionId: "uuid", from: { id: "int", name: "text", phoneNumber: "text" }, to: "text", message: "text", messageId: "text", id: "uuid", chatId: "uuid", status: "text", timestamp: "time" } });
    assert.equal(answer.message, "Message sent successfully");
    assert.equal(answer.data.to, "+62 812-3456-789");
    await server.heard((line) => line.sent?.id === answer.data.messageId);
  }
  const chats = (await call(server, "GET", `/chats/${shop.id}`, { token })).body.data;
  assert.equal(chats.filter((c) => c.contactNumber === "628123456789").length, 1, "one chat");
  for (const body of [{ message: "x" }, { to: "0812345678" }, { to: "abc", message: "x" }, { to: "0812345678", message: "" }]) assertFailure(await send(body), 400);
});

test("an idempotency key: the first answer again, nothing twice; another body is 422", async () => {
  for (const form of ["header", "clientId"]) {
    const key = `k-${form}`, body = { to: "081234567001", message: "once", ...(form === "clientId" && { clientId: key }) }, headers = form === "header" ? { "idempotency-key": key } : {};
    const [first, second] = [await send(body, headers), await send(body, headers)];
    assert.deepEqual(second.body, first.body);
    await server.heard((line) => line.sent?.id === first.body.data.messageId);
    assert.equal(sent(first.body.data.messageId).length, 1);
    const audit = (await call(server, "GET", "/audit?limit=100", { token })).body.data;
    assert.equal(audit.filter((row) => row.target === `message:${first.body.data.id}`).length, 1, "sent once, so in the audit log once");
    assertFailure(await send({ ...body, message: "other" }, headers), 422);
  }
});

test("offline: PENDING, then in order after the reconnect; a restart in between keeps ids and order", async () => {
  server.order({ op: "state", number: shop.id, state: "RECONNECTING", reason: "lost" });
  const wanted = [];
  while ((await call(server, "GET", `/sessions/${shop.id}`, { token })).body.data.status !== "RECONNECTING") await new Promise((done) => setTimeout(done, 10));
  for (let i = 0; i < 5; i++) {
    const { body } = await send({ to: "081234567002", message: `late ${i}` });
    assert.equal(body.data.status, "PENDING");
    wanted.push(body.data.messageId);
  }
  assert.ok(!server.lines.some((line) => wanted.includes(line.sent?.id)));
  server.child.kill("SIGKILL");
  await server.exited;
  server = await startScripted({ dir: server.dir });
  await server.heard((line) => line.sent?.id === wanted[4]);
  assert.deepEqual(server.lines.filter((line) => line.sent).map((line) => line.sent.id), wanted);
});

test("a receipt that is stored before the ack says SENT too, in a group as well, and the late ack changes nothing", async () => {
  const GROUP = "120363000000000077@g.us", members = ["628121110001", "628121110002", "628120000001"];
  server.order({ op: "group", number: shop.id, group: GROUP, name: "receipts first", members });
  await inbound(members[0], "hi", { group: GROUP });
  server.order({ op: "mode", send: "hold" });
  const agent = openSocket(server, { token });
  await agent.ready;
  await agent.wait("whatsapp:status", (d) => d.whatsappNumberId === shop.id);
  for (const [to, receipts] of [["081211100009", [{ chat: "6281211100009" }]], [GROUP, members.slice(0, 2).map((from) => ({ group: GROUP, from }))]]) {
    const { messageId } = (await send({ to, message: "received at once" })).body.data;
    for (const receipt of receipts) server.order({ op: "receipt", number: shop.id, ids: [messageId], status: "DELIVERED", ...receipt });
    await agent.wait("message:status", (d) => d.messageId === messageId && d.status === "DELIVERED");
    server.order({ op: "ack", number: shop.id, id: messageId, to: to === GROUP ? GROUP : "6281211100009@s.whatsapp.net" });
    for (const receipt of receipts) server.order({ op: "receipt", number: shop.id, ids: [messageId], status: "READ", ...receipt });
    await agent.wait("message:status", (d) => d.messageId === messageId && d.status === "READ");
    assert.deepEqual(agent.of("message:status").filter((d) => d.messageId === messageId).map((d) => d.status), ["SENT", "DELIVERED", "READ"]);
  }
  server.order({ op: "mode", send: "ack" });
  agent.close();
});

test("pacing: the pause between two messages of a number is its policy's, and the order stays", async () => {
  const pause = 150, rows = [];
  await call(server, "PUT", `/whatsapp/${shop.id}`, { token, body: { policies: { minSendIntervalMs: pause } } });
  for (let i = 0; i < 4; i++) rows.push((await send({ to: "081234567005", message: `paced ${i}` })).body.data);
  await server.heard((line) => line.sent?.id === rows.at(-1).messageId);
  const ids = rows.map((row) => row.messageId);
  assert.deepEqual(server.lines.filter((line) => ids.includes(line.sent?.id)).map((line) => line.sent.id), ids);
  const at = async ({ id }) => Date.parse((await call(server, "GET", `/messages/${id}`, { token })).body.data.timeline.find((step) => step.status === "SENT")?.at);
  while (Number.isNaN(await at(rows.at(-1))));
  const times = await Promise.all(rows.map(at));
  for (let i = 1; i < times.length; i++) assert.ok(times[i] - times[i - 1] >= 0.7 * pause, `${times}`);
  await call(server, "PUT", `/whatsapp/${shop.id}`, { token, body: { policies: { minSendIntervalMs: 0 } } });
});

test("what came back unsent is sent again under its id; what WhatsApp refuses is FAILED with a reason", async () => {
  server.order({ op: "mode", send: "unsent" });
  const { body } = await send({ to: "081234567003", message: "try again" });
  await new Promise((done) => setTimeout(done, 100));
  server.order({ op: "mode", send: "ack" });
  await server.heard((line) => line.sent?.id === body.data.messageId);
  assert.equal(sent(body.data.messageId).length, 1);
  server.order({ op: "mode", send: "refuse" });
  const bad = (await send({ to: "081234567003", message: "no" })).body.data;
  await server.heard((line) => line.sent?.id === bad.messageId);
  server.order({ op: "mode", send: "ack" });
  let detail;
  for (const end = Date.now() + 10000; detail?.status !== "FAILED" && Date.now() < end; await new Promise((done) => setTimeout(done, 20))) detail = (await call(server, "GET", `/messages/${bad.id}`, { token })).body.data;
  assert.equal(detail.status, "FAILED");
  assert.match(detail.error, /463/);
  assert.equal(detail.sentBy.name, "Administrator");
  assert.ok(detail.timeline.some((step) => step.status === "FAILED"));
});

test("a chat is found by its number however it is written, and its contactNumber is a good `to`, group and LID included", async () => {
  const GROUP = "120363000000000009@g.us";
  await inbound("6281355550001", "by phone", { pushName: "Wati" });
  await inbound(undefined, "by LID", { lid: "77770000333" });
  await inbound("6281355550002", "in a group", { group: GROUP });
  const find = async (q) => (await call(server, "GET", `/chats/${shop.id}/search?q=${encodeURIComponent(q)}`, { token })).body.data.map((c) => c.contactNumber);
  for (const q of ["0813-5555-0001", "081355550001", "+62 813-5555-0001", "6281355550001@s.whatsapp.net", "5555 0001", "wati"]) assert.deepEqual(await find(q), ["6281355550001"], q);
  for (const q of ["0823-5555", "+1", "-"]) assert.deepEqual(await find(q), [], q);
  const chats = (await call(server, "GET", `/chats/${shop.id}?limit=100`, { token })).body.data;
  for (const number of ["6281355550001", "77770000333@lid", GROUP]) {
    const chat = chats.find((c) => c.contactNumber === number), { body } = await send({ to: number, message: "back" });
    assert.equal(body.data?.chatId, chat.id, number);
    assert.ok(chat.contactName, number);
  }
});

test("quoting: by our id or WhatsApp's, only inside the chat", async () => {
  const from = "6285510000001", wa = await inbound(from, "the question");
  const chat = (await call(server, "GET", `/chats/${shop.id}/search?q=${from}`, { token })).body.data[0];
  const row = (await call(server, "GET", `/chats/${chat.id}/messages`, { token })).body.data.find((m) => m.messageId === wa);
  for (const quotedMessageId of [row.id, wa]) {
    const { body } = await send({ to: from, message: `answer to ${quotedMessageId}`, quotedMessageId });
    const line = await server.heard((l) => l.sent?.id === body.data.messageId);
    assert.equal(line.sent.quotedId, wa);
  }
  assertFailure(await send({ to: "081234567004", message: "x", quotedMessageId: row.id }), 404);
});

test("history: pages count from the newest, rows inside oldest first; keyset pages meet without gap or overlap", async () => {
  const from = "6285510000002";
  for (let i = 0; i < 25; i++) await inbound(from, `row ${i}`, { timestamp: 1700000000000 + i * 1000 });
  const chat = (await call(server, "GET", `/chats/${shop.id}/search?q=${from}`, { token })).body.data[0];
  const page = async (query) => (await call(server, "GET", `/chats/${chat.id}/messages?${query}`, { token })).body.data;
  assert.deepEqual((await page("limit=3")).map((m) => m.content), ["row 22", "row 23", "row 24"]);
  assert.deepEqual((await page("limit=3&order=desc")).map((m) => m.content), ["row 24", "row 23", "row 22"]);
  assert.deepEqual((await page("limit=2&offset=3")).map((m) => m.content), ["row 20", "row 21"]);
  const all = [];
  for (let before = "";;) { const rows = await page(`limit=7${before && `&before=${before}`}`); if (!rows.length) break; all.unshift(...rows); before = rows[0].id; }
  assert.deepEqual(all.map((m) => m.content), Array.from({ length: 25 }, (_, i) => `row ${i}`));
  assert.deepEqual((await page(`limit=2&after=${all[0].id}`)).map((m) => m.content), ["row 1", "row 2"]);
  for (const query of ["limit=-1", "limit=abc", "limit=1e9", "offset=-5", "limit=99999999999999999999"]) assert.equal((await call(server, "GET", `/chats/${chat.id}/messages?${query}`, { token })).status, 200);
  assertFailure(await call(server, "GET", `/chats/${chat.id}/messages?before=${crypto.randomUUID()}`, { token }), 400);
});

test("an answer within the same second stands behind what it answers", async () => {
  const to = "6285510000099";
  for (let i = 0; i < 3; i++) {
    const { body } = await call(server, "POST", `/sessions/${shop.sessionId}/send-message`, { token, body: { to, message: `question ${i}` } });
    const second = Math.floor(Date.parse(body.data.timestamp) / 1000) * 1000; // as WhatsApp writes times
    await inbound(to, `answer ${i}`, { timestamp: second });
    const chat = (await call(server, "GET", `/chats/${shop.id}/search?q=${to}`, { token })).body.data[0];
    assert.equal(chat.lastMessage, `answer ${i}`);
  }
  const chat = (await call(server, "GET", `/chats/${shop.id}/search?q=${to}`, { token })).body.data[0];
  assert.deepEqual((await call(server, "GET", `/chats/${chat.id}/messages`, { token })).body.data.map((m) => m.content),
    [0, 1, 2].flatMap((i) => [`question ${i}`, `answer ${i}`]));
});

test("statistics: messages per hour and response times, of the numbers one may see", async () => {
  const hour = { hour: "time", whatsappNumberId: "int?", received: "int", sent: "int", responses: "int", averageResponseMs: "int?", maxResponseMs: "int?" };
  const { body } = await call(server, "GET", "/stats?perNumber=true", { token });
  assertShape(body, { success: "true", message: "text", data: [hour], from: "time", to: "time" });
  const sum = (rows, key) => rows.reduce((total, row) => total + row[key], 0);
  const before = { received: sum(body.data, "received"), sent: sum(body.data, "sent"), responses: sum(body.data, "responses") };
  const from = "6285510000077", asked = Math.floor(Date.now() / 1000) * 1000 - 60000;
  await inbound(from, "is it open?", { timestamp: asked });
  await send({ to: from, message: "yes" });
  const after = (await call(server, "GET", `/stats?whatsappNumberId=${shop.id}`, { token })).body.data;
  assert.deepEqual({ received: sum(after, "received"), sent: sum(after, "sent"), responses: sum(after, "responses") },
    { received: before.received + 1, sent: before.sent + 1, responses: before.responses + 1 });
  assert.ok(Math.max(...after.map((row) => row.maxResponseMs ?? 0)) >= 60000);
  assert.deepEqual((await call(server, "GET", `/stats?from=1&to=2`, { token })).body.data, []);
  const stranger = await makeUser(server, token);
  assert.deepEqual((await call(server, "GET", "/stats", { token: stranger.token })).body.data, []);
  assertFailure(await call(server, "GET", `/stats?whatsappNumberId=${shop.id}`, { token: stranger.token }), 403);
  for (const query of ["from=-1", "to=abc", "from=1e99&to=99999999999999999999", "perNumber=maybe"]) assert.equal((await call(server, "GET", `/stats?${query}`, { token })).status, 200, query);
});

test("search: words of contents, only on permitted numbers, keyset by before", async () => {
  for (let i = 0; i < 5; i++) await inbound("6285510000003", `the purple elephant number ${i}`);
  const find = async (query, who = token) => (await call(server, "GET", `/messages/search?${query}`, { token: who })).body.data;
  const hits = await find("q=purple%20eleph&limit=3");
  assert.equal(hits.length, 3);
  assert.equal(hits[0].chat.whatsappNumberId, shop.id);
  assert.ok(hits[0].snippet.includes("\u0002"));
  assert.equal((await find(`q=purple%20eleph&before=${hits[2].message.id}`)).length, 2);
  const stranger = await makeUser(server, token);
  assert.deepEqual(await find("q=purple", stranger.token), []);
  assertFailure(await call(server, "GET", `/messages/search?q=purple&whatsappNumberId=${shop.id}`, { token: stranger.token }), 403);
});

test("PATCH read: counter to 0, receipts to WhatsApp as the policy says, event in the log", async () => {
  const from = "6285510000004", ids = [await inbound(from, "one"), await inbound(from, "two")];
  const find = async () => (await call(server, "GET", `/chats/${shop.id}/search?q=${from}`, { token })).body.data[0];
  const chat = await find();
  assert.equal(chat.unreadCount, 2);
  assert.equal((await call(server, "PATCH", `/chats/${chat.id}/read`, { token })).status, 200);
  assert.equal((await find()).unreadCount, 0);
  for (const id of ids) await server.heard((line) => line.read?.id === id);
  await call(server, "PUT", `/whatsapp/${shop.id}`, { token, body: { policies: { sendReadReceipts: false } } });
  const quiet = await inbound(from, "three");
  await call(server, "PATCH", `/chats/${chat.id}/read`, { token });
  await new Promise((done) => setTimeout(done, 150));
  assert.ok(!server.lines.some((line) => line.read?.id === quiet));
  const { body } = await call(server, "GET", `/numbers/${shop.id}/events?after=0&limit=1000`, { token });
  body.data.forEach((row, i) => assert.equal(row.seq, i + 1));
  assert.ok(body.data.some((row) => row.event === "chat:read" && row.data.chatId === chat.id && row.data.seq === row.seq));
});
