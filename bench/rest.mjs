#!/usr/bin/env node
/**
 * The chat list over REST (50 rows, token check) beside Fastify and Express with better-sqlite3, in one run.
 *
 *   REST=<folder with fastify.js, express.js, common.js and their npm packages> node bench/rest.mjs [repeats=3]
 *
 * Server on core 0, wrk (64 connections, 4 s after 1 s of warm-up) on core 1, servers in turn. Prints a table in Markdown.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { commit, login, machine, median, root, spread, startWaboxd, wrk } from "./lib.mjs";

const folder = resolve(process.env.REST ?? (() => { throw new Error("set REST to the folder of fastify.js"); })());
const repeats = Number(process.argv[2]?.replace("repeats=", "") ?? 3);
const peers = createRequire(join(folder, "/"));
const token = peers("jsonwebtoken").sign({ id: 7 }, "0123456789abcdef0123456789abcdef", { expiresIn: "1d" });
const data = mkdtempSync(join(tmpdir(), "wabox-rest-"));
spawnSync(join(root, "build/src/cmd/waboxctl"), [`--data-dir=${data}`, "seed", "1", "200", "5000"], { stdio: "ignore" });

async function startPeer(app) {
  const port = 20000 + Math.floor(Math.random() * 40000);
  const child = spawn("taskset", ["-c", "0", process.execPath, `${app.replace("-keyobject", "")}.js`, String(port)], { cwd: folder, stdio: "ignore", env: { PATH: process.env.PATH, NODE_ENV: "production", ...(app.endsWith("keyobject") && { KEY: "object" }) } });
  const exited = new Promise((done) => child.once("exit", done));
  const base = `http://127.0.0.1:${port}`;
  for (let n = 0; n < 200 && !(await fetch(base).then(() => true, () => false)); n++) await new Promise((done) => setTimeout(done, 25));
  return { base, token, path: "/api/chats", stop: () => { child.kill("SIGTERM"); return exited; } };
}
async function startOurs() {
  const server = await startWaboxd(data);
  return { ...server, token: await login(server.base), path: "/api/v1/chats/1?limit=50" };
}
/** Addresses that were never asked before: every list comes from the store. */
async function startOursUnkept() {
  const ours = await startOurs();
  return { ...ours, paths: Array.from({ length: 20000 }, (_, n) => `${ours.path}&n=${n}`) };
}
/** One of the 200 chats changes a hundred times a second. */
async function startOursChanging() {
  const ours = await startOurs();
  const { data } = await (await fetch(ours.base + ours.path, { headers: { authorization: `Bearer ${ours.token}` } })).json();
  const timer = setInterval(() => fetch(`${ours.base}/api/v1/chats/${data[Math.floor(Math.random() * 50)].id}/read`, { method: "PATCH", headers: { authorization: `Bearer ${ours.token}` } }).catch(() => {}), 10);
  return { ...ours, stop: () => { clearInterval(timer); return ours.stop(); } };
}

const servers = { express: () => startPeer("express"), "express-keyobject": () => startPeer("express-keyobject"), fastify: () => startPeer("fastify"), waboxd: startOurs,
  "waboxd, a chat changes 100 times a second": startOursChanging, "waboxd, each list from the store": startOursUnkept };
const runs = Object.fromEntries(Object.keys(servers).map((name) => [name, []]));
for (let n = 0; n < repeats; n++) {
  for (const [name, start] of Object.entries(servers)) {
    const server = await start();
    const answer = await fetch(server.base + server.path, { headers: { authorization: `Bearer ${server.token}` } });
    const body = await answer.json();
    if ((body.data ?? body).length !== 50) throw new Error(`${name}: not 50 rows`);
    const load = (seconds) => wrk(server.base, server.token, server.paths ?? [server.path], { connections: 64, seconds });
    load(1);
    runs[name].push({ ...load(4), rows: JSON.stringify(body.data ?? body).length });
    await server.stop();
  }
}
rmSync(data, { recursive: true });
const rate = (name) => median(runs[name].map((run) => run.rps));
console.log(`commit ${commit()}, ${machine()}, ${repeats} repeats\n\n| server | requests/s (min-max) | p50 ms | p99 ms | bytes of the rows | to Fastify, run by run |\n|---|---|---|---|---|---|`);
for (const [name, list] of Object.entries(runs)) {
  const of = (key, scale) => (median(list.map((run) => run[key])) / scale).toFixed(1);
  console.log(`| ${name} | ${Math.round(rate(name))} (${Math.min(...list.map((r) => r.rps))}-${Math.max(...list.map((r) => r.rps))}) | ${of("p50_us", 1000)} | ${of("p99_us", 1000)} | ${list[0].rows} | ${spread(list.map((run, i) => run.rps / runs.fastify[i].rps))} |`);
}
