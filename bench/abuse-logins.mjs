// What guessing passwords does to other people's logins, and whether it locks an owner out. Writes a line per case.
//   node bench/abuse-logins.mjs [--waboxd=build/src/cmd/waboxd]
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const program = process.argv.find((a) => a.startsWith("--waboxd="))?.slice(9) ?? resolve(import.meta.dirname, "../build/src/cmd/waboxd");
const PASSWORD = "first-admin-1";
const agent = new Agent({ keepAlive: true, maxSockets: 256 });

async function start() {
  const dir = mkdtempSync(join(tmpdir(), "wabox-abuse-"));
  const child = spawn(program, [], { cwd: dir, stdio: ["ignore", "pipe", "ignore"], env: { PATH: process.env.PATH, PORT: "0", HOST: "127.0.0.1", DATA_DIR: join(dir, "data"),
    ADMIN_PASSWORD: PASSWORD, WABOX_WHATSAPP: "off", TRUST_PROXY: "true", LOG_LEVEL: "error" } });
  const port = await new Promise((done) => createInterface({ input: child.stdout }).on("line", (line) => { try { done(JSON.parse(line).port); } catch { /* another line */ } }));
  return { port, stop: () => new Promise((done) => { child.once("exit", () => { rmSync(dir, { recursive: true, force: true }); done(); }); child.kill("SIGTERM"); }) };
}

function call(server, method, path, { ip, token, body } = {}) {
  const began = performance.now();
  return new Promise((done, fail) => {
    const r = request({ port: server.port, method, path, agent, headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }), ...(ip && { "x-forwarded-for": ip }) } }, (answer) => {
      let text = "";
      answer.on("data", (bytes) => { text += bytes; }).on("end", () => done({ status: answer.statusCode, body: text ? JSON.parse(text) : {}, ms: performance.now() - began }));
    });
    r.on("error", fail);
    r.end(body && JSON.stringify(body));
  });
}
const login = (server, ip, username, password) => call(server, "POST", "/api/v1/login", { ip, body: { username, password } });
const at = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]?.toFixed(0);
const times = (list) => { const ms = list.map((a) => a.ms).sort((a, b) => a - b); return `p50 ${at(ms, 0.5)} ms, p99 ${at(ms, 0.99)} ms, max ${at(ms, 1)} ms`; };
const say = (name, text) => console.log(`${name}: ${text}`);

// `attack(i)` runs 120 at a time for 10 s; two agents log in meanwhile, one after the other.
async function besides(server, agents, attack) {
  const until = performance.now() + 10000, seen = {}, mine = [];
  let next = 0;
  const guesses = Array.from({ length: 120 }, async () => { while (performance.now() < until) { const { status } = await attack(next++); seen[status] = (seen[status] ?? 0) + 1; if (status === 429) await new Promise((d) => setTimeout(d, 20)); } });
  const logins = agents.map(async (who, i) => { while (performance.now() < until) mine.push(await login(server, `198.51.100.${i}`, who, `pw-${who}`)); });
  await Promise.all([...guesses, ...logins]);
  return { seen, mine };
}

for (const kind of ["PUT /auth/me, wrong current password", "POST /login, wrong password, one address"]) {
  const server = await start();
  const admin = (await login(server, "192.0.2.1", "admin", PASSWORD)).body.token;
  for (const name of ["agent1", "agent2", "guesser"]) await call(server, "POST", "/api/v1/users", { token: admin, body: { name, username: name, email: `${name}@example.com`, password: `pw-${name}` } });
  const token = (await login(server, "203.0.113.7", "guesser", "pw-guesser")).body.token;
  const quiet = [];
  for (let i = 0; i < 20; i++) quiet.push(await login(server, "198.51.100.0", "agent1", "pw-agent1"));
  const { seen, mine } = await besides(server, ["agent1", "agent2"], (i) => (kind.startsWith("PUT")
    ? call(server, "PUT", "/api/v1/auth/me", { ip: "203.0.113.7", token, body: { newPassword: "longer-one", currentPassword: `guess-${i}` } })
    : login(server, "203.0.113.7", `name${i}`, `guess-${i}`)));
  say(kind, `guesses that were checked ${(seen[400] ?? 0) + (seen[401] ?? 0)}, refused ${seen[429] ?? 0}; others' logins ${mine.length} (${mine.filter((a) => a.status === 200).length} right): ${times(mine)}; quiet: ${times(quiet)}`);
  await server.stop();
}

const server = await start();
await login(server, "198.51.100.7", "admin", PASSWORD);
for (let i = 0; i < 10; i++) for (const name of ["admin", "admin@example.com"]) await login(server, "203.0.113.7", name, `guess-${i}`);
say("ten wrong tries each on name and e-mail of the owner", `owner from an address he used before: ${(await login(server, "198.51.100.7", "admin", PASSWORD)).status}; from a new one: ${(await login(server, "198.51.100.8", "admin", PASSWORD)).status}; stranger: ${(await login(server, "203.0.113.7", "admin", "guess")).status}`);
await server.stop();
agent.destroy();
