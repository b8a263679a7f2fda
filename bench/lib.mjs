// What the benches of the server share: a waboxd on a given data directory and core, wrk on another, medians.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";

export const root = resolve(import.meta.dirname, "..");
export const PASSWORD = "bench-Passw0rd";
export const median = (list) => { const s = [...list].sort((a, b) => a - b); return s.length % 2 ? s[(s.length - 1) / 2] : (s[s.length / 2 - 1] + s[s.length / 2]) / 2; };
export const spread = (list) => `${median(list).toFixed(2)} (${Math.min(...list).toFixed(2)}-${Math.max(...list).toFixed(2)})`;
export const machine = () => `${cpus().length} vCPUs ${cpus()[0].model.trim()}, load ${readFileSync("/proc/loadavg", "utf8").split(" ").slice(0, 2).join(" ")}`;
export const commit = () => spawnSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, encoding: "utf8" }).stdout.trim();

// readyMs runs from the spawn to the first answer of /health.
export async function startWaboxd(dataDir, { core = 0, env = {}, program = join(root, "build/src/cmd/waboxd") } = {}) {
  const port = 20000 + Math.floor(Math.random() * 40000), began = performance.now();
  const child = spawn("taskset", ["-c", String(core), program], { stdio: ["pipe", "ignore", "pipe"], env: { PATH: process.env.PATH, HOST: "127.0.0.1", PORT: String(port), DATA_DIR: dataDir,
    WABOX_WHATSAPP: "off", LOG_LEVEL: "warn", ADMIN_PASSWORD: PASSWORD, RATE_PER_SECOND: "1000000", RATE_BURST: "1000000", LOGIN_PER_IP: "100000", ...env } });
  child.stderr.on("data", (bytes) => { if (!/ is ready/.test(bytes)) process.stderr.write(bytes); });
  const exited = new Promise((done) => child.once("exit", done));
  process.once("exit", () => child.kill("SIGKILL"));
  const base = `http://127.0.0.1:${port}`;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`waboxd ended with ${child.exitCode}`);
    if (await fetch(`${base}/health`).then((r) => r.ok, () => false)) break;
    await new Promise((done) => setTimeout(done, 2));
  }
  return { child, port, base, readyMs: performance.now() - began, stop: () => { child.kill("SIGTERM"); return exited; } };
}

export async function call(base, method, path, token, body) {
  const answer = await fetch(`${base}/api/v1${path}`, { method, headers: { ...(token && { authorization: `Bearer ${token}` }), ...(body && { "content-type": "application/json" }) }, body: body && JSON.stringify(body) });
  const json = await answer.json();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(json)}`);
  return json;
}
export const login = async (base, username = "admin", password = PASSWORD) => (await call(base, "POST", "/auth/login", null, { username, password })).token;

// One run of wrk over a list of paths, walked at random; the figures of its JSON line.
export function wrk(base, token, paths, { core = 1, connections = 1, seconds = 2 } = {}) {
  const dir = mkdtempSync(join(tmpdir(), "wabox-bench-")), list = join(dir, "paths");
  try {
    writeFileSync(list, `${paths.join("\n")}\n`);
    const run = spawnSync("taskset", ["-c", String(core), "wrk", "-t1", `-c${connections}`, `-d${seconds}s`, "-s", join(import.meta.dirname, "paths.lua"), base],
      { encoding: "utf8", env: { PATH: process.env.PATH, TOKEN: token, PATHS: list } });
    const line = run.stdout.split("\n").find((l) => l.startsWith("JSON "));
    if (!line) throw new Error(`wrk: ${run.stdout} ${run.stderr}`);
    const result = JSON.parse(line.slice(5));
    if (result.non2xx || result.errors) throw new Error(`wrk: ${line}`);
    return result;
  } finally { rmSync(dir, { recursive: true }); }
}
