// waboxctl export and import: a number moves to another WaBox with everything that people see, and a file that is not whole moves nothing.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { one, rows } from "../lib/rows.mjs";
import { addNumber, startScripted } from "../lib/scripted.mjs";
import { call, login, makeUser, program, startServer } from "../lib/server.mjs";

const tool = join(dirname(program), "waboxctl");
const at = mkdtempSync(join(tmpdir(), "wabox-move-")), file = join(at, "shop.wabox");
const run = (data, ...args) => spawnSync(tool, args, { cwd: at, env: { PATH: process.env.PATH, DATA_DIR: data }, encoding: "utf8", timeout: 60000 });
const data = (server) => join(server.dir, "data");
const PHONE = "628120000001", GROUP = "120363000000000001@g.us";
let server, token, shop, agent, serial = 0;

before(async () => {
  server = await startScripted();
  token = await login(server);
  shop = await addNumber(server, token, PHONE);
  agent = await makeUser(server, token);
  await call(server, "POST", "/wapermission", { token, body: { userId: agent.id, whatsappNumberId: shop.id } });
  const inbound = async (line) => { const id = `IN${++serial}`; server.order({ op: "inbound", number: shop.id, id, pushName: "Ani", ...line }); await server.heard((l) => l.acked === id); return id; };
  const ani = "6285511110001";
  const first = await inbound({ from: ani, text: "selamat pagi 😀" });
  await inbound({ from: ani, text: "this one is changed" }).then((target) => server.order({ op: "edit", number: shop.id, from: ani, target, text: "this one was changed" }));
  await inbound({ from: ani, text: "taken back" }).then((target) => server.order({ op: "revoke", number: shop.id, from: ani, target }));
  server.order({ op: "reaction", number: shop.id, from: ani, target: first, text: "👍" });
  await inbound({ from: ani, text: "an answer", quotedId: first, quotedText: "selamat pagi 😀" });
  await inbound({ from: "6285511110002", kind: "image", text: "a picture" });
  await inbound({ lid: "77770000222", text: "known by LID only" });
  await inbound({ from: "6285511110003", group: GROUP, text: "in the group" });
  const send = (message) => call(server, "POST", `/sessions/${shop.sessionId}/send-message`, { token: agent.token, body: { to: ani, message } });
  const sent = (await send("from an agent")).body.data;
  await server.heard((l) => l.sent?.id === sent.messageId);
  server.order({ op: "receipt", number: shop.id, chat: ani, ids: [sent.messageId], status: "READ" });
  await call(server, "PATCH", `/chats/${sent.chatId}/read`, { token });
  await inbound({ from: ani, text: "unread, at the end" });
  server.order({ op: "state", number: shop.id, state: "DISCONNECTED", reason: "lost" });
  await inbound({ from: "6285511110004", text: "the last one" });
  await send("never left"); // waits: in the file it has failed
});
after(async () => { await server.stop(); rmSync(at, { recursive: true, force: true }); });

// What people see of a number, without ids that differ from store to store.
async function view(where, who, numberId) {
  const chats = (await call(where, "GET", `/chats/${numberId}?limit=1000`, { token: who })).body.data;
  const seen = [];
  for (const { id, contactId: _contact, ...chat } of chats) {
    const messages = (await call(where, "GET", `/chats/${id}/messages?limit=1000`, { token: who })).body.data
      .map(({ id: _, sentBy, ...m }) => ({ ...m, sentBy: sentBy?.name ?? null, status: m.status === "PENDING" ? "FAILED" : m.status }));
    // What waited to be sent is not sent from elsewhere.
    seen.push({ ...chat, lastMessageStatus: chat.lastMessageStatus === "PENDING" ? "FAILED" : chat.lastMessageStatus, messages: messages.map(({ error: _e, errorCode: _c, ...m }) => m) });
  }
  return seen.sort((a, b) => a.contactJid.localeCompare(b.contactJid));
}

test("export beside the running server: one file, for its owner only, complete, without secrets, and in the audit log", async () => {
  const { status, stdout, stderr } = run(data(server), "export", `+${PHONE}`, file);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /\d+ contacts, 5 chats, \d+ messages/);
  const noted = (await call(server, "GET", "/audit?action=number.export", { token })).body.data;
  assert.deepEqual(noted.map((row) => [row.whatsappNumberId, row.target, row.actor]), [[shop.id, `number:${shop.id}`, null]]);
  assert.equal(statSync(file).mode & 0o077, 0);
  const lines = readFileSync(file, "utf8").trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual([lines[0].kind, lines[0].version, lines.at(-1).kind, lines.at(-1).lines], ["wabox-number", 1, "end", lines.length - 1]);
  for (const value of rows(server, `SELECT hex(value) FROM keys WHERE number_id = ${shop.id} UNION ALL SELECT hex(credentials) FROM sessions WHERE credentials IS NOT NULL`).flat())
    assert.ok(!readFileSync(file).toString("hex").includes(value.toLowerCase()));
  const again = run(data(server), "export", String(shop.id), file);
  assert.equal(again.status, 1, "an existing file is not overwritten");
  assert.match(again.stderr, /exists/i);
  assert.match(run(data(server), "export", "6289999", join(at, "no")).stderr, /There is no WhatsApp number/);
});

test("import elsewhere: the same chats, messages, counters, reactions and agents; search finds them; sound afterwards", async () => {
  const target = await startServer();
  const admin = await login(target);
  await call(target, "POST", "/users", { token: admin, body: { name: agent.name, username: agent.username, email: agent.email, password: "secret-1" } });
  await call(target, "POST", "/whatsapp", { token: admin, body: { name: "Other", phoneNumber: "628120000099" } });
  target.child.kill("SIGTERM");
  await target.exited;
  const { status, stdout, stderr } = run(data(target), "import", file);
  assert.equal(status, 0, stderr);
  const [, id] = stdout.match(/^Number (\d+): \d+ contacts, 5 chats/m);
  const moved = await startServer({ DATA_DIR: data(target) });
  const who = await login(moved);
  const want = await view(server, token, shop.id);
  assert.equal(want.length, 5);
  assert.deepEqual(await view(moved, who, id), want);
  assert.equal((await call(moved, "GET", `/messages/search?q=pagi&whatsappNumberId=${id}`, { token: who })).body.data.length, 1);
  const members = one(server, "SELECT count(*) FROM members");
  assert.equal(one({ dir: target.dir }, "SELECT count(*) FROM members"), members);
  assert.equal((await call(moved, "GET", `/whatsapp/${id}`, { token: who })).body.whatsappNumber.phoneNumber, PHONE);
  const under = run(data(target), "import", file);
  assert.equal(under.status, 1);
  assert.match(under.stderr, /is in use by a running waboxd/);
  moved.child.kill("SIGTERM");
  await moved.exited;
  const twice = run(data(target), "import", file);
  assert.equal(twice.status, 1);
  assert.match(twice.stderr, new RegExp(`\\+${PHONE} is here already`));
  assert.match(run(data(target), "doctor", "--port=0").stdout, /^ok {3}database: .*no damage found/m);
  rmSync(target.dir, { recursive: true, force: true });
});

const seal = (lines) => {
  const body = lines.map((line) => `${line}\n`).join("");
  return `${body}${JSON.stringify({ kind: "end", lines: lines.length, sha256: createHash("sha256").update(body).digest("hex") })}\n`;
};
const rewritten = (change) => (text) => { const lines = text.trim().split("\n").slice(0, -1).map((line) => JSON.parse(line)); change(lines); return seal(lines.map((line) => JSON.stringify(line))); };
const chat = (lines) => lines.find((line) => line.kind === "chat" && !line.is_group), message = (lines) => lines.find((line) => line.kind === "message");
for (const [why, change, message_] of [
  ["nothing in it", () => "", /is empty/],
  ["a text of another kind", () => "hello\nworld\n", /is not a number that WaBox exported/],
  ["JSON of another kind", () => '{"kind":"other"}\n', /is not a number that WaBox exported/],
  ["binary rubbish", () => "\0\0\0\xff".repeat(1000), /is not a number that WaBox exported/],
  ["a newer format", rewritten((lines) => { lines[0].version = 2; }), /newer WaBox/],
  ["cut in the middle of a line", (text) => text.slice(0, text.length / 2), /incomplete/],
  ["cut at the end of a line", (text) => `${text.trim().split("\n").slice(0, -3).join("\n")}\n`, /incomplete/],
  ["only its last line missing", (text) => `${text.trim().split("\n").slice(0, -1).join("\n")}\n`, /incomplete/],
  ["one letter changed", (text) => text.replace("selamat", "selamet"), /changed or damaged/],
  ["a line taken out", (text) => { const lines = text.split("\n"); lines.splice(3, 1); return lines.join("\n"); }, /changed or damaged/],
  ["something behind its end", (text) => `${text}{"kind":"contact"}\n`, /incomplete/],
  ["a chat of nobody", rewritten((lines) => { chat(lines).contact_id = 987654; }), /line \d+: contact_id/],
  ["a message in no chat", rewritten((lines) => { message(lines).chat_id = 987654; }), /line \d+: chat_id/],
  ["a type of message that is none", rewritten((lines) => { message(lines).type = 99; }), /line \d+: type/],
  ["a text that is a number", rewritten((lines) => { message(lines).content = 5; }), /line \d+: content/],
  ["a row of an unknown kind", rewritten((lines) => { lines.push({ kind: "poem" }); }), /line \d+: kind/],
  ["a row before its number", rewritten((lines) => { lines.splice(1, 0, { kind: "contact", id: 1 }); }), /line 2: phone/],
  ["two numbers", rewritten((lines) => { lines.push({ ...lines[0], number: { ...lines[0].number, phone: "628120000055" } }); }), /line \d+: kind/],
  ["no phone", rewritten((lines) => { delete lines[0].number.phone; }), /line 1: number/],
]) {
  test(`a file with ${why} is refused and nothing of it stays`, () => {
    const broken = join(at, "broken"), fresh = join(at, "fresh");
    writeFileSync(broken, change(readFileSync(file, "utf8")));
    const { status, stderr } = run(fresh, "import", broken);
    assert.equal(status, 1, stderr);
    assert.match(stderr, message_);
    assert.doesNotMatch(stderr, /sqlite|SELECT|\.c:/i);
    const left = spawnSync("python3", ["-c", "import sqlite3,sys; print(sum(sqlite3.connect(sys.argv[1]).execute(f'select count(*) from {t}').fetchone()[0] for t in ('numbers','contacts','chats','messages')))", join(fresh, "wabox.db")], { encoding: "utf8" });
    assert.equal(left.stdout.trim(), "0");
  });
}
