// waboxctl beside a running server and on its own.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { openSocket } from "../lib/socket.mjs";
import { call, login, makeUser, program, startServer } from "../lib/server.mjs";
import { assertFailure } from "../lib/shape.mjs";

const tool = join(dirname(program), "waboxctl");
const at = mkdtempSync(join(tmpdir(), "wabox-ctl-")), data = join(at, "data");
const run = (args, env = {}) => spawnSync(tool, args, { cwd: at, env: { PATH: process.env.PATH, DATA_DIR: data, ...env }, encoding: "utf8", timeout: 30000 });
let server;
before(async () => { server = await startServer({ DATA_DIR: data }); });
after(async () => { await server.stop(); rmSync(at, { recursive: true, force: true }); });

test("create-admin makes a login that works on the running server, and no socket stops hearing", async () => {
  const first = await login(server);
  const { whatsappNumber: { id } } = (await call(server, "POST", "/whatsapp", { token: first, body: { name: "Shop", phoneNumber: "628120000001" } })).body;
  const { key } = (await call(server, "POST", "/api-keys", { token: first, body: { name: "bot", scopes: ["read"] } })).body.data;
  const sockets = [{ token: first }, { apiKey: key }].map((auth) => openSocket(server, auth));
  for (const s of sockets) { await s.ready; await s.wait("whatsapp:status"); }
  const made = run(["create-admin", "boss", "boss@example.com"]);
  assert.equal(made.status, 0, made.stderr);
  const [, password] = made.stdout.match(/^password: (\S{16})$/m);
  await new Promise((done) => setTimeout(done, 2500)); // the server looks every two seconds
  const token = await login(server, { username: "boss", password });
  assert.equal((await call(server, "GET", "/users", { token })).status, 200);
  await call(server, "POST", "/realtime/test-broadcast", { token, body: { whatsappNumberId: id, message: "still there?" } });
  for (const s of sockets) { await s.wait("whatsapp:status", (d) => d.message === "still there?"); s.close(); }
  assert.equal(run(["create-admin", "boss", "other@example.com", "secret-1"]).status, 1);
});

test("reset-password takes effect: the old password is gone, the old logins and their sockets end", async () => {
  const token = await login(server);
  const user = await makeUser(server, token), socket = openSocket(server, { token: user.token }), mine = openSocket(server, { token });
  await socket.ready;
  await mine.ready;
  assert.equal(run(["reset-password", user.username, "fresh-secret"]).status, 0);
  assertFailure(await call(server, "POST", "/login", { body: { username: user.username, password: user.password } }), 401);
  await login(server, { username: user.username, password: "fresh-secret" });
  await socket.ended;
  assert.equal(mine.socket.connected, true);
  mine.close();
  assertFailure(await call(server, "GET", "/me", { token: user.token }), 401, /revoked/);
  assert.equal((await call(server, "GET", "/me", { token })).status, 200);
  assert.equal(run(["reset-password", "nobody-at-all", "x-secret"]).status, 1);
});

test("backup while the server runs, restore elsewhere, log in there", async () => {
  const file = join(at, "copy.db"), other = join(at, "other");
  assert.equal(run(["backup", file]).status, 0);
  assert.equal(run(["backup", file]).status, 1, "an existing file is not overwritten");
  assert.equal(run(["restore", file], { DATA_DIR: other }).status, 0);
  const second = await startServer({ DATA_DIR: other });
  await login(second);
  await second.stop();
  writeFileSync(join(at, "rubbish"), "no database");
  assert.equal(run(["restore", join(at, "rubbish")], { DATA_DIR: other }).status, 1);
});

for (const [why, env, message] of [["the port is in use", () => ({ PORT: String(server.port), HOST: "127.0.0.1", DATA_DIR: join(at, "none") }), /FAIL port: \d+ is in use .* by another program/],
  ["the certificate is not there", () => ({ PORT: "0", TLS_CERT: "/nowhere.pem", TLS_KEY: "/nowhere.key" }), /FAIL certificate: /],
  ["the simulator is away", () => ({ PORT: "0", WABOX_WHATSAPP: "127.0.0.1:1" }), /FAIL WhatsApp: nobody answers at 127\.0\.0\.1:1: start wabox-sim/],
  ["the address is none", () => ({ PORT: "0", HOST: "nowhere" }), /FAIL port: HOST nowhere/]]) {
  test(`doctor says that ${why}`, () => {
    const { status, stdout } = run(["doctor"], env());
    assert.equal(status, 1);
    assert.match(stdout, message);
  });
}

test("doctor is content with a good set-up, and not with an open directory or a missing key", () => {
  const good = run(["doctor"], { PORT: String(server.port), HOST: "127.0.0.1", WABOX_WHATSAPP: "off" });
  assert.equal(good.status, 0, good.stdout);
  chmodSync(data, 0o755);
  assert.match(run(["doctor"], { PORT: "0" }).stdout, /FAIL data directory: .*chmod 700/);
  chmodSync(data, 0o700);
});

test("a wrong command prints the commands", () => {
  for (const args of [[], ["bogus"], ["backup"], ["doctor", "x"]]) {
    const { status, stderr } = run(args);
    assert.equal(status, 2);
    assert.match(stderr, /create-admin USERNAME EMAIL/);
  }
});

test("a directory without a database is named, and none is made there", () => {
  for (const args of [["backup", join(at, "none.db")], ["export", "1", join(at, "none.jsonl")], ["reset-password", "admin", "long-enough-1"], ["forget-devices"]]) {
    const nowhere = mkdtempSync(join(at, "nowhere-"));
    const { status, stderr } = run(args, { DATA_DIR: nowhere });
    assert.equal(status, 1, args[0]);
    assert.match(stderr, /There is no database: .*wabox\.db does not exist\. Set DATA_DIR/, args[0]);
    assert.equal(existsSync(join(nowhere, "wabox.db")), false, args[0]);
  }
});

test("an emptied database beside its keys is no first start; a cut or replaced one is 503 on /health", async () => {
  const own = join(at, "own"), file = join(own, "wabox.db");
  const first = await startServer({ DATA_DIR: own });
  assert.equal((await fetch(`${first.base}/health`)).status, 200);
  const whole = readFileSync(file);
  truncateSync(file, whole.length >> 1);
  assert.equal((await fetch(`${first.base}/health`)).status, 503);
  writeFileSync(file, whole);
  assert.equal((await fetch(`${first.base}/health`)).status, 200);
  renameSync(file, `${file}.old`);
  writeFileSync(file, whole);
  const replaced = await fetch(`${first.base}/health`);
  assert.equal(replaced.status, 503);
  assert.match((await replaced.json()).message, /replaced or removed/);
  const token = await call(first, "POST", "/login", { body: { username: "nobody", password: "x" } });
  assert.notEqual(token.status, 200);
  first.child.kill("SIGTERM");
  await first.exited;
  for (const side of ["", "-wal", "-shm"]) rmSync(`${file}${side}`, { force: true });
  writeFileSync(file, "");
  await assert.rejects(startServer({ DATA_DIR: own }), /wabox\.db is empty, but a database was here before/);
});
