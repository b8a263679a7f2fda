// Readers who do not read, tokens that expire, sockets that are cut: what still has to be said is said.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { addNumber, startScripted } from "../lib/scripted.mjs";
import { openSocket } from "../lib/socket.mjs";
import { call, login, makeUser, startServer } from "../lib/server.mjs";

let server, token, shop, log = "";
const sockets = [];
const open = async (auth, options) => { const s = openSocket(server, auth, options); sockets.push(s); await s.ready; return s; };
const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.child.pid}/status`, "utf8"))[1]) / 1024;

before(async () => {
  server = await startScripted();
  server.child.stderr.on("data", (bytes) => { log += bytes; });
  token = await login(server);
  shop = await addNumber(server, token, "628120000041");
});
after(async () => {
  for (const s of sockets) s.close();
  assert.deepEqual(await server.stop(), { code: 0, signal: null }, log);
});

test("a token that expires says so before its socket is cut", async () => {
  const brief = await startServer({ JWT_EXPIRES_IN: "4s" });
  try {
    const socket = openSocket(brief, { token: await login(brief) });
    await socket.ready;
    await socket.ended;
    assert.deepEqual(socket.of("error").map((e) => e.code), ["TOKEN_EXPIRED"]);
  } finally { await brief.stop(); }
});

test("events that were accepted are answered before a socket is cut for abuse", async () => {
  const user = await makeUser(server, token), socket = await open({ token: user.token });
  await call(server, "POST", "/wapermission", { token, body: { userId: user.id, whatsappNumberId: shop.id } });
  const ask = (n) => socket.socket.timeout(5000).emitWithAck("chat:get-list", { whatsappNumberId: shop.id, limit: 50, offset: n }).then((a) => a, () => "cut");
  const asked = Array.from({ length: 300 }, (_, n) => ask(n));
  await socket.ended;
  const answers = await Promise.all(asked);
  const firstRefused = answers.findIndex((a) => a.code === "RATE_LIMITED");
  assert.ok(firstRefused > 0, "some were accepted");
  assert.ok(answers.slice(0, firstRefused).every((a) => a.success), "each accepted one has its answer");
  assert.ok(answers.includes("cut"), "and then it was cut");
});

test("one text for what does not exist and what is somebody else's", async () => {
  const user = await makeUser(server, token), agent = await open({ token: user.token }), admin = await open({ token });
  const id = "00000000-0000-4000-8000-000000000000";
  server.order({ op: "inbound", number: shop.id, from: "628555000111", id: "BP1", text: "hello", pushName: "Ani" });
  const { id: theirs } = await admin.wait("chat:updated", () => true).catch(() => ({})) ?? {};
  const list = (await admin.ask("chat:get-list", { whatsappNumberId: shop.id })).data.chats;
  const texts = new Set();
  for (const chatId of [id, list[0]?.id ?? theirs].filter(Boolean)) { const a = await agent.ask("chat:get-history", { chatId }); texts.add(`${a.code} ${a.message}`); }
  assert.equal(texts.size, 1, [...texts].join(" / "));
  const numbers = new Set();
  for (const [who, whatsappNumberId] of [[agent, shop.id], [agent, 999999], [admin, 999999]]) { const a = await who.ask("whatsapp:get-status", { whatsappNumberId }); numbers.add(`${a.code} ${a.message}`); }
  assert.equal(numbers.size, 1, [...numbers].join(" / "));
});

test("whatsapp:qr reaches who comes while the number is PAIRING: on connect, with get-status, with POST /sessions", async () => {
  const fresh = await addNumber(server, token, "628120000042", { link: false });
  const { body } = await call(server, "POST", `/sessions/${fresh.id}`, { token });
  const admin = await open({ token });
  const first = await admin.wait("whatsapp:qr", (d) => d.whatsappNumberId === fresh.id);
  assert.equal(first.qrCode, body.data.qrCode);
  assert.ok(first.seq >= 0);
  let heard = admin.heard.length;
  await admin.ask("whatsapp:get-status", { whatsappNumberId: fresh.id });
  assert.equal((await admin.wait("whatsapp:qr", () => true, { after: heard })).qrCode, first.qrCode);
  heard = admin.heard.length;
  await call(server, "POST", `/sessions/${fresh.id}`, { token });
  await admin.wait("whatsapp:qr", () => true, { after: heard });
});

test("the browser's client is served with its variants, maps and ETag", async () => {
  for (const name of ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"]) {
    const answer = await fetch(`${server.base}/socket.io/${name}`);
    assert.equal(answer.status, 200, name);
    assert.match(answer.headers.get("content-type"), /javascript/);
    assert.match(await answer.text(), /Socket\.IO v4/);
    const etag = answer.headers.get("etag");
    assert.equal((await fetch(`${server.base}/socket.io/${name}`, { headers: { "if-none-match": etag } })).status, 304);
    assert.equal((await fetch(`${server.base}/socket.io/${name}.map`)).status, 200);
  }
});

test("polling answers and REST are gzipped from 1,024 bytes on; an overlapping POST is refused with CORS headers", async () => {
  const rest = await fetch(`${server.base}/api/openapi.json`, { headers: { "accept-encoding": "gzip" } });
  const list = await fetch(`${server.base}/api/v1/audit?limit=50`, { headers: { authorization: `Bearer ${token}`, "accept-encoding": "gzip" } });
  assert.ok([rest, list].some((a) => a.headers.get("content-encoding") === "gzip"));
  const origin = "http://localhost:5173", url = `${server.base}/socket.io/?EIO=4&transport=poll%69ng`;
  const { sid } = JSON.parse((await (await fetch(url)).text()).slice(1));
  assert.equal((await fetch(`${server.base}/socket.io/?transport=polling&sid=${sid}`)).status, 400, "a sid needs EIO");
  const half = connect(server.port, "127.0.0.1", () => half.write(`POST /socket.io/?EIO=4&transport=polling&sid=${sid} HTTP/1.1\r\nHost: a\r\nOrigin: ${origin}\r\nContent-Length: 20\r\n\r\n4half`));
  await new Promise((done) => setTimeout(done, 200));
  const second = await fetch(`${url}&sid=${sid}`, { method: "POST", body: "4whole", headers: { origin } });
  assert.deepEqual([second.status, second.headers.get("access-control-allow-origin")], [400, origin]);
  half.destroy();
});

test("sockets that do not read hold no memory, and nobody else waits for them", async () => {
  const text = "x".repeat(60000);
  for (let n = 0; n < 40; n++) server.order({ op: "inbound", number: shop.id, from: "628555000112", id: `BIG${n}`, text, pushName: "Big" });
  const admin = await open({ token });
  let chat;
  for (let n = 0; n < 100 && !chat; n++) {
    chat = (await admin.ask("chat:get-list", { whatsappNumberId: shop.id })).data.chats.find((c) => c.contactNumber.includes("628555000112"));
    await new Promise((done) => setTimeout(done, 100));
  }
  const before = rss(), deaf = [];
  const agent = await makeUser(server, token, "ADMIN");
  for (let n = 0; n < 30; n++) {
    const socket = await open({ token: agent.token });
    socket.socket.io.engine.transport.ws._socket.pause();
    for (let i = 0; i < 8; i++) socket.socket.emit("chat:get-history", { chatId: chat.id, limit: 1000 });
    deaf.push(socket);
  }
  let worst = 0, peak = 0;
  for (let n = 0; n < 30; n++) {
    const began = performance.now();
    assert.equal((await fetch(`${server.base}/health`)).status, 200);
    worst = Math.max(worst, performance.now() - began);
    peak = Math.max(peak, rss());
    await new Promise((done) => setTimeout(done, 50));
  }
  // A sanitizer keeps freed memory for a while: then the figure says nothing.
  if (!process.env.WABOX_SANITIZER) assert.ok(peak - before < 150, `${before.toFixed(0)} MB became ${peak.toFixed(0)} MB`);
  assert.ok(worst < 3000, `/health took ${worst.toFixed(0)} ms`);
  assert.equal((await admin.ask("chat:get-history", { chatId: chat.id, limit: 5 })).success, true);
  deaf[0].socket.io.engine.transport.ws._socket.resume(); // who reads again gets what waited
  for (const s of deaf) s.close();
});
