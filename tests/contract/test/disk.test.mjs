// A disk that is full, and one that cannot be written: a sentence that says so, /health 503, reads go on, nothing is acknowledged that
// is not stored, nothing is damaged, and everything works again when the disk does.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { loopDisk, smallDisk } from "../lib/disk.mjs";
import { addNumber, call, login, scripted, startScripted } from "../lib/scripted.mjs";
import { program } from "../lib/server.mjs";
import { openSocket } from "../lib/socket.mjs";
import { assertFailure } from "../lib/shape.mjs";

const tool = join(dirname(program), "waboxctl");
const doctor = (dir) => spawnSync(tool, ["doctor"], { env: { PATH: process.env.PATH, DATA_DIR: join(dir, "data"), PORT: "0" }, encoding: "utf8" }).stdout;
const NO_MOUNT = "mounting is not allowed here";
let serial = 0;

async function scene(dir, env = {}) {
  const server = await startScripted({ dir, env }), token = await login(server), shop = await addNumber(server, token, "628120000001");
  const socket = openSocket(server, { token });
  await socket.ready;
  await socket.wait("whatsapp:status");
  const arrive = (text = `text ${++serial}`) => { const id = `IN${++serial}`; server.order({ op: "inbound", number: shop.id, from: "6285511112222", id, text }); return id; };
  const first = arrive();
  await server.heard((line) => line.acked === first);
  return { server, token, shop, socket, arrive };
}
const template = (s) => call(s.server, "POST", "/chat-templates", { token: s.token, body: { name: "t", commands: `/t${++serial}`, content: "x".repeat(2000) } });

async function refusesEverywhere(s, message) { // while nothing can be written
  for (const [method, path, body] of [["POST", "/chat-templates", { name: "t", commands: "/no", content: "x" }], ["POST", "/users", { name: "n", username: "no", email: "no@example.com", password: "secret-1" }],
    ["POST", `/sessions/${s.shop.sessionId}/send-message`, { to: "081299998888", message: "no", clientId: "again" }]])
    assertFailure(await call(s.server, method, path, { token: s.token, body }), 503, message);
  assertFailure(await call(s.server, "GET", "/health"), 503, message);
  const answer = await s.socket.ask("message:send", { whatsappNumberId: s.shop.id, to: "081299998888", message: "no" });
  assert.equal(answer.success, false);
  const unstored = s.arrive("came while nothing could be written");
  for (const path of ["/me", `/chats/${s.shop.id}`, "/chat-templates", "/users"]) assert.equal((await call(s.server, "GET", path, { token: s.token })).status, 200, path);
  assert.ok(!s.server.lines.some((line) => line.acked === unstored), "what is not stored is not acknowledged to WhatsApp");
  assert.ok(!s.socket.of("message:new").some((d) => d.message.messageId === unstored), "and not announced");
  return unstored;
}

test("a full disk: 503 with the reason, reads go on; with space again everything works, without a restart", async (t) => {
  const disk = smallDisk("24m");
  if (!disk) return t.skip(NO_MOUNT);
  const s = await scene(disk.path);
  disk.fill();
  const stored = [];
  for (let i = 0, status = 0; status !== 503; i++) { // what the log of the database has in reserve goes first
    const answer = await template(s);
    status = answer.status;
    if (status === 201) stored.push(answer.body.data.id);
    else assertFailure(answer, 503, /disk is full/i);
    assert.ok(i < 5000, "the disk never filled");
  }
  const unstored = await refusesEverywhere(s, /disk is full/i);
  disk.free();
  assert.equal((await call(s.server, "GET", "/health")).status, 200);
  for (const id of stored) assert.equal((await call(s.server, "GET", `/chat-templates/${id}`, { token: s.token })).status, 200, "what was answered 201 is there");
  assert.equal((await template(s)).status, 201);
  s.server.order({ op: "inbound", number: s.shop.id, from: "6285511112222", id: unstored, text: "sent again" }); // as WhatsApp does
  await s.server.heard((line) => line.acked === unstored);
  await s.socket.wait("message:new", (d) => d.message.messageId === unstored);
  const seqs = s.socket.seqs(s.shop.id);
  seqs.forEach((seq, i) => assert.equal(seq, seqs[0] + i, "no hole"));
  const sent = await call(s.server, "POST", `/sessions/${s.shop.sessionId}/send-message`, { token: s.token, body: { to: "081299998888", message: "no", clientId: "again" } });
  assert.equal(sent.status, 200, "a key whose request failed is free");
  await s.server.heard((line) => line.sent?.id === sent.body.data.messageId);
  s.socket.close();
  assert.deepEqual(await s.server.stop(), { code: 0, signal: null });
  assert.match(doctor(disk.path), /^ok {3}database: .*no damage found/m);
  disk.drop();
});

test("a start on a full disk says so; killed while full, the store opens whole", async (t) => {
  const disk = smallDisk("24m");
  if (!disk) return t.skip(NO_MOUNT);
  const s = await scene(disk.path);
  disk.fill();
  for (let status = 0; status !== 503;) status = (await template(s)).status;
  s.socket.close();
  await s.server.stop("SIGKILL");
  const { status, stderr } = spawnSync(scripted, [], { env: { PATH: process.env.PATH, PORT: "0", HOST: "127.0.0.1", DATA_DIR: join(disk.path, "fresh") }, encoding: "utf8", timeout: 20000 });
  assert.equal(status, 1);
  assert.match(stderr, /no space|disk is full/i);
  disk.free();
  const again = await startScripted({ dir: disk.path });
  assert.equal((await call(again, "GET", "/health")).status, 200);
  await again.stop();
  assert.match(doctor(disk.path), /^ok {3}database: .*no damage found/m);
  disk.drop();
});

test("a disk that turns read-only while we run: 503 with the reason, reads go on, nothing is damaged", async (t) => {
  const disk = loopDisk(64 << 20);
  if (!disk) return t.skip(NO_MOUNT);
  const s = await scene(disk.path);
  assert.equal((await template(s)).status, 201);
  const { body } = await template(s);
  assert.ok(disk.abort());
  await refusesEverywhere(s, /cannot be written|read-only/i);
  s.socket.close();
  await s.server.stop();
  const copy = mkdtempSync(join(tmpdir(), "wabox-copy-")); // what the disk still gives, on one that works
  cpSync(join(disk.path, "data"), join(copy, "data"), { recursive: true });
  const again = await startScripted({ dir: copy });
  assert.equal((await call(again, "GET", `/chat-templates/${body.data.id}`, { token: await login(again) })).status, 200);
  await again.stop();
  assert.match(doctor(copy), /database: .*no damage found/);
  rmSync(copy, { recursive: true });
  disk.drop();
});

test("a start on a read-only disk says so", async (t) => {
  const disk = smallDisk("24m");
  if (!disk) return t.skip(NO_MOUNT);
  const s = await scene(disk.path);
  s.socket.close();
  await s.server.stop();
  assert.ok(disk.remount("ro"));
  const { status, stdout, stderr } = spawnSync(scripted, [], { env: { PATH: process.env.PATH, PORT: "0", HOST: "127.0.0.1", DATA_DIR: join(disk.path, "data") }, encoding: "utf8", timeout: 20000 });
  assert.equal(status, 1);
  assert.match(stderr, /cannot be written|read-only/i);
  assert.equal(stdout, "");
  assert.match(doctor(disk.path), /FAIL data directory: .*(read-only|cannot be written)/);
  disk.drop();
});
