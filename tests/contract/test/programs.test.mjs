// The programs as an operator meets them: help, versions, messages that name the object, files of deploy/.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import { call, login, program, startServer } from "../lib/server.mjs";

const tree = join(dirname(fileURLToPath(import.meta.url)), "../../..");
const at = mkdtempSync(join(tmpdir(), "wabox-programs-")), data = join(at, "data");
const run = (name, args, env = {}) => spawnSync(join(dirname(program), name), args, { cwd: at, env: { PATH: process.env.PATH, DATA_DIR: data, ...env }, encoding: "utf8", timeout: 30000 });
const ctl = (args, env) => run("waboxctl", args, env);
let server;
before(async () => { server = await startServer({ DATA_DIR: data }); });
after(async () => { await server.stop(); rmSync(at, { recursive: true, force: true }); });

for (const name of ["waboxd", "waboxctl", "wabox-sim", "wabox-media"]) {
  test(`${name} prints its help and its version, and succeeds`, () => {
    for (const flag of ["--help", "-h"]) {
      const { status, stdout, stderr } = run(name, [flag]);
      assert.deepEqual([status, stderr], [0, ""], flag);
      assert.match(stdout, new RegExp(`${name}[^]*--help`));
    }
    const { status, stdout } = run(name, ["--version"]);
    assert.equal(status, 0);
    assert.match(stdout, new RegExp(`^${name} \\d+\\.\\d+\\.\\d+\n$`));
  });
}

test("every waboxctl command prints its own help, does nothing, and needs no correct configuration", () => {
  const names = [...ctl(["--help"]).stdout.matchAll(/^ {2}waboxctl ([a-z-]+) /gm)].map((m) => m[1]);
  assert.ok(names.length >= 9, names.join());
  for (const name of names) {
    for (const flag of ["--help", "-h"]) {
      const { status, stdout } = ctl([name, flag], { PORT: "rubbish", DATA_DIR: join(at, "none") });
      assert.equal(status, 0, name);
      assert.match(stdout, new RegExp(`^ {2}waboxctl ${name} `));
    }
  }
});

test("messages name the file or the login", () => {
  const file = join(at, "x.db");
  writeFileSync(file, "");
  assert.match(ctl(["backup", file]).stderr, new RegExp(`cannot write ${file}: .*exists`));
  assert.match(ctl(["backup", join(at, "no/x.db")]).stderr, /cannot write .*no\/x\.db: /);
  assert.match(ctl(["reset-password", "nobody-there"]).stderr, /nobody-there: it does not exist/);
  assert.match(ctl(["restore", join(at, "gone.db")], { DATA_DIR: join(at, "fresh") }).stderr, /gone\.db/);
});

test("a password that was not stored is not printed", () => {
  for (const args of [["create-admin", "admin", "again@example.com"], ["reset-password", "nobody-there"]]) {
    const { status, stdout } = ctl(args);
    assert.deepEqual([status, stdout], [1, ""], args.join(" "));
  }
});

test("wabox-sim names a port in use and what to do", async () => {
  const other = createServer();
  await new Promise((done) => other.listen(0, "127.0.0.1", done));
  const { port } = other.address(), { status, stderr } = run("wabox-sim", [`--port=${port}`], { DATA_DIR: "" });
  other.close();
  assert.equal(status, 1);
  assert.match(stderr, new RegExp(`port ${port} is in use on 127\\.0\\.0\\.1: .*--port=`));
  assert.match(run("wabox-sim", ["--port=0", "--host=192.0.2.1"], { DATA_DIR: "" }).stderr, /192\.0\.2\.1.*--host/);
});

test("export finds a number however it is written", async () => {
  const token = await login(server);
  await call(server, "POST", "/whatsapp", { token, body: { name: "Shop", phoneNumber: "628123456789" } });
  for (const [i, text] of ["628123456789", "+62 812-3456-789", "0812 3456 789", "0062 812 3456 789", "+62 (812) 345-6789", "628123456789@s.whatsapp.net"].entries()) {
    const { status, stderr } = ctl(["export", text, join(at, `n${i}.wabox`)]);
    assert.equal(status, 0, `${text}: ${stderr}`);
  }
});

test("errors of certificates carry no codes of the library", () => {
  const pem = join(at, "rubbish.pem");
  writeFileSync(pem, "rubbish");
  const { stdout } = ctl(["doctor"], { PORT: "0", WABOX_WHATSAPP: "off", TLS_CERT: pem, TLS_KEY: pem });
  assert.match(stdout, /FAIL certificate: .*rubbish\.pem/);
  assert.doesNotMatch(stdout, /error:[0-9A-F]{6,}|::|routines/);
});

for (const [why, env, message] of [["FRONTEND_URL is no origin", { FRONTEND_URL: "https://a.example.com, b.example.com" }, /FAIL addresses: FRONTEND_URL: "b\.example\.com"/],
  ["FRONTEND_URL has a path", { FRONTEND_URL: "https://a.example.com/app" }, /FAIL addresses: FRONTEND_URL/],
  ["PUBLIC_URL is no address", { PUBLIC_URL: "wabox.example.com" }, /FAIL addresses: PUBLIC_URL/]]) {
  test(`doctor says that ${why}`, () => assert.match(ctl(["doctor"], { PORT: "0", WABOX_WHATSAPP: "off", ...env }).stdout, message));
}

test("doctor accepts good addresses and finds open files and keys without a database", () => {
  const of = (env) => ctl(["doctor"], { PORT: "0", WABOX_WHATSAPP: "off", ...env }).stdout;
  assert.match(of({ FRONTEND_URL: "https://a.example.com/,http://localhost:3000", PUBLIC_URL: "https://a.example.com/wabox" }), /ok {3}addresses:/);
  chmodSync(join(data, "master.key"), 0o644);
  assert.match(of({}), /FAIL file modes: .*master\.key.*chmod 600/);
  chmodSync(join(data, "master.key"), 0o600);
  const orphan = join(at, "orphan");
  mkdirSync(orphan, { mode: 0o700 });
  writeFileSync(join(orphan, "master.key"), Buffer.alloc(32), { mode: 0o600 });
  assert.match(of({ DATA_DIR: orphan }), /FAIL keys: .*master\.key.*restore/);
});

test("OPERATING.md lists every metric, and the Grafana board queries only exported ones", async () => {
  const text = await (await fetch(`${server.base}/metrics`)).text();
  const exported = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map((m) => [m[1], m[2]]));
  const page = readFileSync(join(tree, "docs/OPERATING.md"), "utf8");
  const written = new Map([...page.matchAll(/^\| `(\w+)` \| (counter|gauge|histogram) \|/gm)].map((m) => [m[1], m[2]]));
  assert.deepEqual([...written].sort(), [...exported].sort());
  for (const [name] of page.matchAll(/\b(wabox|process)_\w*[a-z]\b/g)) assert.ok(exported.has(name), `OPERATING.md: ${name}`);
  const board = JSON.parse(readFileSync(join(tree, "deploy/grafana.json"), "utf8"));
  const queries = board.panels.flatMap((panel) => panel.targets.map((target) => target.expr));
  assert.ok(queries.length > 20);
  for (const query of queries) {
    const names = [...query.matchAll(/\b(wabox|process)_\w+/g)].map((m) => m[0]);
    assert.ok(names.length > 0, query);
    for (const name of names) assert.ok(exported.has(name) || (exported.get(name.replace(/_(bucket|sum|count)$/, "")) === "histogram"), name);
  }
});

test("the health check of the image follows PORT and TLS", () => {
  const command = readFileSync(join(tree, "Dockerfile"), "utf8").match(/^HEALTHCHECK .*? CMD (.*)$/m)[1];
  const ask = (env) => spawnSync("sh", ["-c", command.replace("curl", "echo")], { env: { PATH: process.env.PATH, ...env }, encoding: "utf8" }).stdout;
  assert.match(ask({ PORT: "8443", TLS_CERT: "/c.pem" }), /https:\/\/127\.0\.0\.1:8443\/health/);
  assert.match(ask({ PORT: "81" }), / http:\/\/127\.0\.0\.1:81\/health/);
  assert.equal(spawnSync("sh", ["-c", command], { env: { PATH: process.env.PATH, PORT: String(server.port) } }).status, 0);
});
