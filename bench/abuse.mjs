#!/usr/bin/env node
/**
 * One agent against the memory of waboxd: answers that are asked for and not read.
 *
 *   node bench/abuse.mjs [attack ...]      (WABOXD_SCRIPTED=<program>: another build; SECONDS=10)
 *
 * Attacks (none named: all): history, resume, pipeline, connections. Each runs against a fresh server with one number and one chat of
 * 90 texts of 60,000 characters. Meanwhile /health is asked every 20 ms and another agent's chat list every 50 ms. Prints a row in
 * Markdown per attack: RSS before and at its peak, p99 and worst of both. Needs the packages of tests/contract (npm ci there).
 */
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { addNumber, startScripted } from "../tests/contract/lib/scripted.mjs";
import { openSocket } from "../tests/contract/lib/socket.mjs";
import { call, login, makeUser } from "../tests/contract/lib/server.mjs";

const args = process.argv.slice(2), SECONDS = Number(process.env.SECONDS ?? 10);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const rssOf = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1024;
const deafen = (socket) => socket.socket.io.engine.transport.ws._socket.pause();

/** Asks again and again until stop(); gives p99 and the worst in ms. */
function sample(every, ask) {
  const took = [];
  let running = true, failures = 0;
  const loop = (async () => {
    while (running) {
      const began = performance.now();
      await Promise.race([ask(), pause(30000)]).catch(() => failures++);
      took.push(performance.now() - began);
      await pause(every);
    }
  })();
  return async () => {
    running = false;
    await loop;
    took.sort((a, b) => a - b);
    return { p99: took[Math.floor(took.length * 0.99)] ?? 0, worst: took.at(-1) ?? 0, failures };
  };
}

async function sockets(count, server, auth) {
  const all = [];
  for (let n = 0; n < count; n++) {
    const socket = openSocket(server, auth);
    await socket.ready;
    deafen(socket);
    all.push(socket);
  }
  return all;
}

function raw(server, path, token, requests) {
  const socket = connect(server.port, "127.0.0.1", () => {
    socket.pause();
    socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n\r\n`.repeat(requests));
  });
  socket.on("error", () => {});
  return { close: () => socket.destroy() };
}

const attacks = {
  /** 60 sockets ask for four pages each and read nothing. */
  history: async ({ server, mallory, chat }) => {
    const all = await sockets(60, server, { token: mallory.token });
    for (const s of all) for (let n = 0; n < 4; n++) s.socket.emit("chat:get-history", { chatId: chat.id, limit: 1000 });
    return all;
  },
  /** 20 sockets resume from the first event and read nothing. */
  resume: async ({ server, mallory, number }) => sockets(20, server, { token: mallory.token, resume: { [number.id]: 0 } }),
  /** 20 connections with 50 pipelined requests each, unread. */
  pipeline: async ({ server, mallory, chat }) => Array.from({ length: 20 }, () => raw(server, `/api/v1/chats/${chat.id}/messages?limit=1000`, mallory.token, 50)),
  /** 300 connections with one request each, unread. */
  connections: async ({ server, mallory, chat }) => Array.from({ length: 300 }, () => raw(server, `/api/v1/chats/${chat.id}/messages?limit=1000`, mallory.token, 1)),
};

async function furnish(server) {
  const token = await login(server), number = await addNumber(server, token, "628120000001");
  const [mallory, other] = [await makeUser(server, token, "ADMIN"), await makeUser(server, token, "ADMIN")];
  const text = "x".repeat(60000);
  for (let n = 0; n < 90; n++) server.order({ op: "inbound", number: number.id, from: "628555000111", id: `BIG${n}`, text, pushName: "Big" });
  for (let n = 0; n < 200; n++) {
    const { body } = await call(server, "GET", `/chats/${number.id}?limit=10`, { token });
    const last = body.data?.[0];
    if (last && last.unreadCount >= 90) return { server, token, number, mallory, other, chat: last };
    await pause(100);
  }
  throw new Error("the texts did not arrive");
}

async function run(name) {
  const server = await startScripted({ env: { RATE_PER_SECOND: "100000", RATE_BURST: "100000" } });
  const stage = await furnish(server), before = rssOf(server.child.pid);
  let peak = before;
  const watch = setInterval(() => { peak = Math.max(peak, rssOf(server.child.pid)); }, 20);
  const health = sample(20, () => fetch(`${server.base}/health`).then((r) => r.text()));
  const list = sample(50, () => call(server, "GET", `/chats/${stage.number.id}?limit=20`, { token: stage.other.token }));
  const held = await attacks[name](stage);
  await pause(SECONDS * 1000);
  const [h, l] = [await health(), await list()];
  clearInterval(watch);
  for (const one of held) one.close();
  server.child.kill("SIGKILL");
  await server.exited;
  const ms = (v) => v.toFixed(0);
  console.log(`| ${name} | ${before.toFixed(0)} | ${peak.toFixed(0)} | ${ms(h.p99)} | ${ms(h.worst)} | ${ms(l.p99)} | ${ms(l.worst)} | ${h.failures + l.failures} |`);
}

const names = args.filter((a) => attacks[a]);
console.log("| attack | RSS before, MB | RSS peak, MB | /health p99, ms | worst | another agent's chat list p99, ms | worst | failures |\n|---|---:|---:|---:|---:|---:|---:|---:|");
for (const name of names.length ? names : Object.keys(attacks)) await run(name);
process.exit(0);
