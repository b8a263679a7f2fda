// waboxd with the scripted WhatsApp engine (tests/scripted): what arrives is said with order(), what it does is read with heard().
import { spawn } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { ADMIN, call, login } from "./server.mjs";

const root = resolve(import.meta.dirname, "../../..");
export const scripted = process.env.WABOXD_SCRIPTED ?? join(root, "build/tests/scripted/waboxd-scripted");

export async function startScripted({ dir, env = {} } = {}) {
  if (!existsSync(scripted)) throw new Error(`${scripted} is not built`);
  dir ??= await mkdtemp(join(tmpdir(), "wabox-scripted-"));
  const child = spawn(scripted, [], {
    cwd: dir,
    env: { PATH: process.env.PATH, PORT: "0", HOST: "127.0.0.1", DATA_DIR: join(dir, "data"), ADMIN_PASSWORD: ADMIN.password, WABOX_WHATSAPP: "live",
      LOGIN_PER_IP: "100000", ...env },
  });
  const lines = [], waiting = [];
  let log = "";
  child.stderr.on("data", (bytes) => { log = (log + bytes).slice(-20000); });
  child.stdin.on("error", () => {});
  const exited = new Promise((done) => child.once("exit", (code, signal) => done({ code, signal })));
  const port = await new Promise((done, fail) => {
    createInterface({ input: child.stdout }).on("line", (text) => {
      const line = JSON.parse(text);
      if (line.ready) return done(line.port);
      lines.push(line);
      for (const wait of [...waiting]) if (wait.match(line)) { waiting.splice(waiting.indexOf(wait), 1); wait.done(line); }
      server.onLine?.(line);
    });
    exited.then(({ code, signal }) => fail(new Error(`waboxd-scripted ended with ${code ?? signal}: ${log}`)));
  });
  const server = {
    base: `http://127.0.0.1:${port}`, port, dir, child, exited, lines, log: () => log,
    order: (line) => child.stdin.write(`${JSON.stringify(line)}\n`),
    heard: (match, timeout = 5000) => new Promise((done, fail) => {
      const found = lines.find(match);
      if (found) return done(found);
      const timer = setTimeout(() => fail(new Error(`the engine did not say it; last: ${JSON.stringify(lines.slice(-5))}\n${log}`)), timeout);
      waiting.push({ match, done: (line) => { clearTimeout(timer); done(line); } });
    }),
    async stop(signal = "SIGTERM") { child.kill(signal); return exited; },
  };
  return server;
}

export async function addNumber(server, token, phoneNumber, { link = true } = {}) {
  const made = await call(server, "POST", "/whatsapp", { token, body: { name: `Shop ${phoneNumber}`, phoneNumber } });
  if (made.status !== 201) throw new Error(JSON.stringify(made.body));
  const number = made.body.whatsappNumber;
  if (!link) return number;
  const { body } = await call(server, "POST", `/sessions/${number.id}`, { token });
  server.order({ op: "scan", number: number.id });
  for (let i = 0; i < 100; i++) {
    const session = await call(server, "GET", `/sessions/${number.id}`, { token });
    if (session.body.data.status === "CONNECTED") return { ...number, sessionId: body.data.id };
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error(`not CONNECTED: ${server.log()}`);
}

export { call, login };
