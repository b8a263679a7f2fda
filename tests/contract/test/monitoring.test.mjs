// What an operator sees: the log and the metrics.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { addNumber, startScripted } from "../lib/scripted.mjs";
import { call, login, program, startServer } from "../lib/server.mjs";
import { openSocket } from "../lib/socket.mjs";

const metricsOf = async (server) => (await fetch(`${server.base}/metrics`)).text();
const value = (text, series) => Number(text.split("\n").find((line) => line.startsWith(`${series} `))?.slice(series.length + 1));
const becomes = async (what, read, want) => { for (let i = 0; ; i++) { const got = await read(); if (got === want) return; assert.ok(i < 150, `${what}: ${got}, not ${want}`); await new Promise((done) => setTimeout(done, 20)); } };

test("metrics: product prefix, base units, numbers, messages, outbox, failures, process; promtool has nothing to say", async (t) => {
  const server = await startScripted(), token = await login(server);
  const shop = await addNumber(server, token, "6281210000001"), off = await addNumber(server, token, "6281210000002");
  await addNumber(server, token, "6281210000003", { link: false });
  for (const id of ["IN1", "IN2"]) { server.order({ op: "inbound", number: shop.id, from: "6285511112222", id, text: "hello" }); await server.heard((line) => line.acked === id); }
  server.order({ op: "inbound", number: shop.id, from: "6285511112222", id: "BAD", kind: "undecryptable" });
  await server.heard((line) => line.acked === "BAD");
  const send = (n) => call(server, "POST", `/sessions/${n.sessionId}/send`, { token, body: { to: "6285511112222", message: "x" } });
  await send(shop);
  await becomes("sent", async () => value(await metricsOf(server), 'wabox_messages_total{direction="out",result="ok"}'), 1);
  server.order({ op: "mode", send: "refuse" });
  await send(shop);
  await becomes("refused", async () => value(await metricsOf(server), 'wabox_messages_total{direction="out",result="failed"}'), 1);
  server.order({ op: "state", number: off.id, state: "RECONNECTING", reason: "lost" });
  await becomes("reconnects", async () => value(await metricsOf(server), "wabox_reconnects_total"), 1);
  await send(off);
  await call(server, "POST", "/login", { body: { username: "admin", password: "wrong-one" } });
  const text = await metricsOf(server);
  for (const [series, want] of [['wabox_numbers{state="CONNECTED"}', 1], ['wabox_numbers{state="RECONNECTING"}', 1], ['wabox_numbers{state="PENDING"}', 1], ['wabox_messages_total{direction="in",result="ok"}', 2],
    ['wabox_messages_total{direction="in",result="failed"}', 1], ["wabox_decrypt_failures_total", 1], ['wabox_outbox_messages{state="queued"}', 1], ['wabox_failures_total{kind="login"}', 1], ['wabox_failures_total{kind="send"}', 1]])
    assert.equal(value(text, series), want, series);
  assert.match(text, /^wabox_build_info\{version="[^"]+",schema="\d+"\} 1$/m);
  assert.match(text, /^wabox_rest_request_seconds_bucket\{le="\+Inf"\} \d+$/m);
  for (const name of ["process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds", "process_start_time_seconds"]) assert.ok(value(text, name) > 0, name);
  assert.ok(value(text, "wabox_outbox_oldest_seconds") >= 0);
  const names = text.split("\n").filter((line) => line && !line.startsWith("#")).map((line) => line.match(/^[a-z0-9_]+/)[0]);
  for (const name of names) assert.match(name, /^(wabox|process)_/, name);
  for (const name of names) assert.doesNotMatch(name, /_(ms|us|ns|kb|mb)(_|$)/, name);
  const tool = spawnSync(process.env.PROMTOOL ?? "promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
  if (tool.error) t.diagnostic("promtool (Debian: prometheus) is not installed: its check was left out");
  else assert.deepEqual([tool.status, tool.stderr], [0, ""], tool.stdout);
  await server.stop();
});

test("the log: start, linking, each change of a number's state with its reason; the same failure once a minute; nothing secret", async () => {
  const server = await startScripted(), token = await login(server);
  const shop = await addNumber(server, token, "6281220000001");
  server.order({ op: "state", number: shop.id, state: "DISCONNECTED", reason: "banned" });
  await becomes("banned", async () => (await call(server, "GET", `/sessions/${shop.id}`, { token })).body.data.status, "DISCONNECTED");
  for (let i = 0; i < 5; i++) await call(server, "POST", "/login", { body: { username: `nobody${i}`, password: "hunter2-hunter2" } });
  const refused = openSocket(server, { token: "rubbish" });
  refused.ready.catch(() => {});
  await new Promise((done) => refused.socket.once("connect_error", done));
  refused.close();
  await becomes("the refusal", async () => /socket connection refused/.test(server.log()), true);
  const log = server.log();
  assert.match(log, /started version=\S+ schema=\d+ listen=http:\/\/127\.0\.0\.1:\d+ data_dir=\S+ whatsapp=live numbers=0/);
  assert.match(log, new RegExp(`linking started number=${shop.id} by=qr`));
  assert.match(log, new RegExp(`number linked number=${shop.id} platform=android`));
  for (const state of ["PAIRING reason=none", "CONNECTED reason=none", "DISCONNECTED reason=banned"]) assert.match(log, new RegExp(`number state changed number=${shop.id} state=${state}`));
  assert.equal(log.match(/login failed/g).length, 1, "one line a minute");
  assert.match(log, /socket connection refused ip=127\.0\.0\.1 code=TOKEN_INVALID/);
  assert.doesNotMatch(log, /hunter2|rubbish/);
  await server.stop();
});

test("LOG_FORMAT=json holds for every line: start, first password, warnings, the end, and a start that fails", async () => {
  const server = await startServer({ LOG_FORMAT: "json", ADMIN_PASSWORD: "", WABOX_WHATSAPP: "live" });
  await call(server, "POST", "/login", { body: { username: "x", password: "wrong-one" }, headers: { "x-forwarded-for": 'a b=c "d"' } });
  await server.stop();
  const lines = server.log().trim().split("\n").map((line) => JSON.parse(line));
  assert.ok(lines.some((l) => /First start: log in as admin with the password/.test(l.event)));
  assert.ok(lines.some((l) => l.event === "started" && l.whatsapp === "live"));
  for (const env of [{ LOG_FORMAT: "json", PORT: "http" }, { LOG_FORMAT: "json", HOST: "nowhere" }]) {
    const cwd = mkdtempSync(join(tmpdir(), "wabox-json-"));
    const { stderr, status } = spawnSync(program, [], { cwd, env: { PATH: process.env.PATH, DATA_DIR: join(cwd, "data"), HOST: "127.0.0.1", ...env }, encoding: "utf8", timeout: 20000 });
    assert.notEqual(status, 0);
    for (const line of stderr.trim().split("\n")) assert.ok(JSON.parse(line).event, line);
    assert.match(stderr, /cannot start/);
  }
});
