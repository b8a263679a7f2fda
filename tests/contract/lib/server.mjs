// Starts a real waboxd on a free port with a data directory of its own, and stops it.
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const root = resolve(import.meta.dirname, "../../..");
export const program = process.env.WABOXD ?? join(root, "build/src/cmd/waboxd");
export const ADMIN = { username: "admin", password: "first-admin-1" };

export async function startServer(env = {}, args = []) {
  const dir = env.DATA_DIR ?? await mkdtemp(join(tmpdir(), "wabox-contract-"));
  const child = spawn(program, args, {
    cwd: env.DATA_DIR ? tmpdir() : dir,
    env: { PATH: process.env.PATH, PORT: "0", HOST: "127.0.0.1", DATA_DIR: join(dir, "data"), ADMIN_PASSWORD: ADMIN.password,
      WABOX_WHATSAPP: "off", LOG_LEVEL: "debug", LOGIN_PER_IP: "100000", ...env },
  });
  if (!env.DATA_DIR) process.on("exit", () => rmSync(dir, { recursive: true, force: true }));
  let log = "";
  child.stderr.on("data", (bytes) => { log += bytes; });
  const exited = new Promise((done) => child.once("exit", (code, signal) => done({ code, signal })));
  const port = await new Promise((done, fail) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      log += `${line}\n`;
      try { const row = JSON.parse(line); if (row.ready) done(row.port); } catch { /* not the ready line */ }
    });
    exited.then(({ code }) => fail(Object.assign(new Error(`waboxd ended with ${code}: ${log}`), { code, log })));
  });
  const base = `http://127.0.0.1:${port}`;
  return {
    base, port, dir, child, exited, log: () => log,
    async stop(signal = "SIGTERM") {
      child.kill(signal);
      const end = await exited;
      if (!env.DATA_DIR) await rm(dir, { recursive: true, force: true });
      return end;
    },
  };
}

// One call. Answers {status, body, headers}; a body that is no non-empty JSON object fails the test at once.
export async function call(server, method, path, { token, key, body, headers = {}, raw } = {}) {
  const response = await fetch(server.base + (path === "/api" || path.startsWith("/api/") || path === "/health" || path === "/metrics" ? path : `/api/v1${path}`), {
    method,
    headers: {
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(key ? { "x-api-key": key } : {}),
      "content-type": "application/json",
      ...headers,
    },
    body: raw ?? (body === undefined ? undefined : JSON.stringify(body)),
  });
  const text = await response.text();
  let parsed;
  try { parsed = JSON.parse(text); } catch { throw new Error(`${method} ${path} -> ${response.status}: not JSON: ${text.slice(0, 200)}`); }
  if (parsed === null || typeof parsed !== "object" || Object.keys(parsed).length === 0) throw new Error(`${method} ${path}: empty body`);
  return { status: response.status, body: parsed, headers: response.headers };
}

export async function login(server, who = ADMIN) {
  const { status, body } = await call(server, "POST", "/auth/login", { body: { username: who.username, password: who.password } });
  if (status !== 200) throw new Error(`login of ${who.username}: ${status} ${body.message}`);
  return body.token;
}

let serial = 0;
export async function makeUser(server, token, role = "USER") {
  const name = `agent${process.pid}x${++serial}`;
  const who = { name, username: name, email: `${name}@example.com`, password: `pw-${name}`, role };
  const { status, body } = await call(server, "POST", "/users", { token, body: who });
  if (status !== 201) throw new Error(`user: ${status} ${body.message}`);
  return { ...who, id: body.user.id, token: await login(server, who) };
}
