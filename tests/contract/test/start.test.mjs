// Starting, stopping, and what a broken set-up says.
import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { call, login, program, startServer } from "../lib/server.mjs";

const made = [];
const dir = () => { made.push(mkdtempSync(join(tmpdir(), "wabox-start-"))); return made.at(-1); };
process.on("exit", () => made.forEach((path) => rmSync(path, { recursive: true, force: true })));
const run = (env, args = [], cwd = dir()) => spawnSync(program, args, { cwd, env: { PATH: process.env.PATH, PORT: "0", HOST: "127.0.0.1", DATA_DIR: join(cwd, "data"), ...env }, timeout: 20000, encoding: "utf8" });

for (const [env, message] of [[{ PORT: "99999" }, /PORT.*0\.\.65535/], [{ PORT: "http" }, /PORT/], [{ LOG_LEVEL: "loud" }, /LOG_LEVEL.*debug/], [{ JWT_SECRET: "short" }, /JWT_SECRET.*16/],
  [{ TLS_CERT: "/nowhere.pem" }, /TLS_KEY/], [{ NUMBERS_VISIBLE: "some" }, /NUMBERS_VISIBLE/], [{ WORKERS: "2", HASHERS: "2" }, /HASHERS/], [{ HOST: "not.an.address" }, /HOST/],
  [{ DATA_DIR: "/proc/nowhere" }, /DATA_DIR/]]) {
  test(`${JSON.stringify(env)} stops the start with the line to fix`, () => {
    const { status, stdout, stderr } = run(env);
    assert.ok(status === 1 || status === 2, `${status}`);
    assert.match(stderr, message);
    assert.equal(stdout, "");
  });
}

test("a bad or unknown line of .env is named with its number; a secret is not repeated", () => {
  const at = dir();
  writeFileSync(join(at, ".env"), "# settings\nPORT=0\nPROT=1\n");
  assert.match(run({}, [], at).stderr, /line 3.*PROT/);
  const { stderr } = run({ JWT_SECRET: "tooshort-xyz" });
  assert.doesNotMatch(stderr, /tooshort-xyz/);
});

test("an unknown flag stops the start; --help names every setting", () => {
  assert.equal(run({}, ["--prot=1"]).status, 2);
  const help = execFileSync(program, ["--help"], { encoding: "utf8" });
  for (const name of ["PORT", "DATA_DIR", "JWT_SECRET", "FRONTEND_URL", "DEFAULT_COUNTRY_CODE", "NUMBERS_VISIBLE", "TLS_CERT", "WABOX_WHATSAPP", "WORKERS"]) assert.match(help, new RegExp(`^ +${name} `, "m"));
});

test("a port in use is said so", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await new Promise((done) => other.once("listening", done));
  const { status, stderr } = run({ PORT: String(other.address().port) });
  other.close();
  assert.equal(status, 1);
  assert.match(stderr, /PORT: \d+ is in use/);
});

test("the first start prints a random password once; the files are the owner's", async () => {
  const at = dir();
  const first = await startServer({ DATA_DIR: join(at, "data"), ADMIN_PASSWORD: "" });
  const [, password] = first.log().match(/as admin with the password (\S+)/);
  await login(first, { username: "admin", password });
  assert.equal((await first.stop()).code, 0);
  for (const name of ["master.key", "jwt.key", "wabox.db"]) assert.equal(statSync(join(at, "data", name)).mode & 0o077, 0);
  const second = await startServer({ DATA_DIR: join(at, "data"), ADMIN_PASSWORD: "" });
  assert.doesNotMatch(second.log(), /password/);
  await login(second, { username: "admin", password });
  await second.stop();
  rmSync(at, { recursive: true });
});

test("SIGTERM lets running requests finish and ends with 0", async () => {
  const server = await startServer();
  const posts = Array.from({ length: 6 }, (_, i) => {
    const post = request(`${server.base}/api/v1/login`, { method: "POST", headers: { "content-type": "application/json" } });
    post.end(JSON.stringify({ username: `u${i}`, password: "whatever" }));
    return { sent: once(post, "finish"), answered: once(post, "response").then(([response]) => response.resume().statusCode) };
  });
  await Promise.all(posts.map(({ sent }) => sent));
  await fetch(`${server.base}/health`); // asked after them, so they were read
  const end = server.stop();
  for (const { answered } of posts) assert.equal(await answered, 401);
  assert.equal((await end).code, 0);
});

test("docs/API.md is what the table says", () => {
  const text = readFileSync(resolve(import.meta.dirname, "../../../docs/API.md"), "utf8");
  assert.equal(text, execFileSync(program, ["--api-md"], { encoding: "utf8" }), "run: waboxd --api-md > docs/API.md");
});

test("docs/API.md names values, objects and events, and every link in it leads somewhere", () => {
  const text = execFileSync(program, ["--api-md"], { encoding: "utf8" });
  assert.doesNotMatch(text, /\0|[?!]\.|one of +\||list of +\||\| +\|  \|\n\n### .*\n\n\n\n/);
  const titles = new Set([...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) => title.toLowerCase()));
  for (const [, name, anchor] of text.matchAll(/\[(\w+)\]\(#(\w+)\)/g)) assert.ok(titles.has(anchor) && anchor === name.toLowerCase(), name);
  const events = JSON.parse(execFileSync(program, ["--asyncapi"], { encoding: "utf8" })).components.messages;
  for (const { name } of Object.values(events)) assert.ok(text.includes(`### \`${name}\``), name);
  for (const word of ["`PENDING` `SENT` `DELIVERED` `READ` `FAILED`", "`ADMIN` `USER`", "Idempotency-Key", "TOKEN_EXPIRED", "X-Api-Key", "| 429 |", "RATE_PER_SECOND"]) assert.ok(text.includes(word), word);
});
