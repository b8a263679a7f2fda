#!/usr/bin/env node
/**
 * The page's speed in Chromium: first load, scrolling 10,000 chats, opening a long chat, 200 live events a second.
 *
 *   node bench/web.mjs --url http://127.0.0.1:5000 --user admin --password … [--number ID]
 *       measures a running server whose number has many chats, one of them long (waboxctl seed makes such a store)
 *   node bench/web.mjs --mock
 *       starts the front end's stand-in (web/dev/mock.mjs) with such data: for work on the page; says nothing about waboxd
 *
 * Writes bench/results/web-<date>[-mock].json. Needs tests/e2e's npm packages and Chromium.
 * Live events are made by sending messages through REST; how many there were is read from the number's event log.
 */
import { spawn } from "node:child_process";
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { chromium } = createRequire(here("../tests/e2e/"))("playwright-core");
const option = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : process.argv[at + 1];
};
const isMock = process.argv.includes("--mock");
const password = option("password", isMock ? "bench-Passw0rd" : undefined);
const user = option("user", "admin");
const rate = Number(option("rate", 200));
const seconds = Number(option("seconds", 10));

async function startMock() {
  const child = spawn(process.execPath, [here("../web/dev/mock.mjs"), "--chats", "10000", "--messages", "100000", "--quiet"], { env: { ...process.env, PORT: "0", HOST: "127.0.0.1", ADMIN_PASSWORD: password }, stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface({ input: child.stdout })) return { child, url: `http://127.0.0.1:${JSON.parse(line).port}` };
}

const server = isMock ? await startMock() : { url: option("url") };
if (!server.url || !password) throw new Error("give --url and --password, or --mock");

let token;
async function api(method, path, body) {
  const answer = await fetch(`${server.url}/api/v1${path}`, { method, headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) }, body: body && JSON.stringify(body) });
  const json = await answer.json();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${json.message}`);
  return json;
}

/** The number, one of its chats with very many messages, and one with about fifty. */
async function survey() {
  token = (await api("POST", "/auth/login", { username: user, password })).token;
  const numberId = Number(option("number", (await api("GET", "/wapermission/me?limit=1000")).data[0].whatsappNumberId));
  const sessionId = (await api("GET", "/sessions")).data.find((one) => one.whatsappNumberId === numberId)?.id;
  const { data, pagination } = await api("GET", `/chats/${numberId}?limit=100`);
  const sized = [];
  for (const chat of data) sized.push({ chat, messages: (await api("GET", `/chats/${chat.id}/messages?limit=1`)).pagination.total });
  sized.sort((a, b) => b.messages - a.messages);
  const long = sized[0];
  const short = sized.slice(1).reduce((best, one) => (Math.abs(one.messages - 50) < Math.abs(best.messages - 50) ? one : best));
  return { numberId, sessionId, chats: pagination.total, long, short };
}

const place = await survey();
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const page = await (await browser.newContext({ viewport: { width: 1360, height: 850 }, locale: "en-GB" })).newPage();
const complaints = [];
page.on("console", (message) => { if (message.type() === "error") complaints.push(message.text()); });
page.on("pageerror", (error) => complaints.push(error.message));

const scripts = new Map();
page.on("response", async (response) => {
  if (response.request().resourceType() === "script") scripts.set(response.url(), gzipSync(await response.body(), { level: 9 }).length);
});
await page.addInitScript(() => {
  window.bench = { tasks: [], frames: [] };
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.bench.tasks.push(Math.round(entry.duration)); }).observe({ entryTypes: ["longtask"] });
  let last = 0;
  const frame = (now) => {
    if (last) window.bench.frames.push(now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
});
const reset = () => page.evaluate(() => { window.bench.tasks = []; window.bench.frames = []; });
const percentile = (list, share) => {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted.length ? Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] * 10) / 10 : null;
};
const observed = async () => {
  const { tasks, frames } = await page.evaluate(() => window.bench);
  return { longTasksOver50ms: tasks.length, longestTaskMs: Math.max(0, ...tasks), framesPerSecond: Math.round(frames.length / (frames.reduce((a, b) => a + b, 0) / 1000)), frameP95Ms: percentile(frames, 0.95), frameMaxMs: percentile(frames, 1) };
};

// first load
const start = Date.now();
await page.goto(server.url);
await page.getByLabel("Username or email").waitFor();
const loginMs = Date.now() - start;
await page.getByLabel("Username or email").fill(user);
await page.getByLabel("Password", { exact: true }).fill(password);
const pressed = Date.now();
await page.keyboard.press("Enter");
await page.locator(".chat-link").first().waitFor();
const firstLoad = { loginPageMs: loginMs, inboxAfterLoginMs: Date.now() - pressed, scripts: scripts.size, gzippedJavaScriptBytes: [...scripts.values()].reduce((a, b) => a + b, 0) };

// the list, to its end and back
await page.waitForTimeout(1_000);
await reset();
const list = page.getByTestId("chat-list");
await list.hover();
let steps = 0;
for (let still = 0, before = -1; still < 40; steps++) {
  await page.mouse.wheel(0, 2_400);
  await page.waitForTimeout(16);
  const { top, end } = await list.evaluate((element) => ({ top: element.scrollTop, end: element.scrollHeight - element.clientHeight }));
  still = top === before && top >= end - 2 ? still + 1 : 0;
  before = top;
}
const rows = Math.round((await list.evaluate((element) => element.scrollHeight)) / 72);
for (let i = 0; i < 120; i++) {
  await page.mouse.wheel(0, -9_000);
  await page.waitForTimeout(16);
}
const scrolling = { rows, wheelSteps: steps, ...(await observed()) };

// opening chats: from the press to the newest message on screen
async function open(chat) {
  await page.evaluate((id) => {
    location.hash = "/inbox";
    window.openChat = () => new Promise((resolve) => {
      const at = performance.now();
      location.hash = `/inbox/${id}`;
      const look = () => (document.querySelector(".chat-pane .bubble") ? requestAnimationFrame(() => resolve(performance.now() - at)) : requestAnimationFrame(look));
      look();
    });
  }, chat.id);
  await page.waitForTimeout(300);
  return page.evaluate(() => window.openChat());
}
/** Each time as if for the first time: the page forgets by being loaded again. */
async function openings(chat, times = 7) {
  const out = [];
  for (let i = 0; i < times; i++) {
    await page.goto(`${server.url}/#/inbox`);
    await page.reload();
    await page.locator(".chat-link").first().waitFor();
    await page.waitForTimeout(400);
    out.push(await open(chat));
  }
  return { medianMs: percentile(out, 0.5), minMs: percentile(out, 0), maxMs: percentile(out, 1) };
}
const opening = { short: { messages: place.short.messages, ...(await openings(place.short.chat)) }, long: { messages: place.long.messages, ...(await openings(place.long.chat)) } };

// up through a long chat
await reset();
await page.getByTestId("messages").hover();
for (let i = 0; i < 300; i++) {
  await page.mouse.wheel(0, -1_500);
  await page.waitForTimeout(16);
}
const history = { wheelSteps: 300, domMessages: await page.locator(".msg").count(), ...(await observed()) };

// live events while somebody types
const seq = async () => { let after = 0; for (;;) { const { data } = await api("GET", `/numbers/${place.numberId}/events?after=${after}&limit=1000`); if (!data.length) return after; after = data.at(-1).seq; } };
const before = await seq();
await page.goto(`${server.url}/#/inbox/${place.short.chat.id}`);
await page.locator(".composer textarea").waitFor();
await reset();
const { data: targets } = await api("GET", `/chats/${place.numberId}?limit=100`);
/** Events that one send makes: its message, its chat, and its status up to read. */
const eventsPerSend = Number(option("events-per-send", 5));
let sent = 0;
const began = Date.now();
const sender = (async () => {
  while (Date.now() - began < seconds * 1000) {
    const due = Math.floor(((Date.now() - began) / 1000) * (rate / eventsPerSend));
    const batch = [];
    while (sent < due) batch.push(api("POST", `/sessions/${place.sessionId}/send-message`, { to: targets[sent % targets.length].contactNumber, message: `live ${sent++}`, clientId: `bench-${began}-${sent}` }));
    await Promise.all(batch);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
})();
const latencies = [];
while (Date.now() - began < seconds * 1000) {
  latencies.push(await page.evaluate(() => new Promise((resolve) => {
    const area = document.querySelector(".composer textarea");
    const at = performance.now();
    area.focus();
    document.execCommand("insertText", false, "a");
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - at)));
  })));
  await page.waitForTimeout(80);
}
await sender;
await page.waitForTimeout(4_000);
const liveObserved = await observed();
const events = (await seq()) - before;
const live = { seconds, events, eventsPerSecond: Math.round(events / seconds), keyToPaintP50Ms: percentile(latencies, 0.5), keyToPaintP95Ms: percentile(latencies, 0.95), keyToPaintMaxMs: percentile(latencies, 1), ...liveObserved };

await browser.close();
server.child?.kill("SIGTERM");
const result = {
  what: "web page in Chromium", server: isMock ? "web/dev/mock.mjs (stand-in, not waboxd)" : "waboxd", date: new Date().toISOString(),
  commit: execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: here(".") }).toString().trim(), command: `node bench/web.mjs ${process.argv.slice(2).map((word) => (word === password ? "…" : word)).join(" ")}`.trim(),
  machine: { cpu: os.cpus()[0].model, cores: os.cpus().length, load: os.loadavg().map((one) => Math.round(one * 10) / 10), node: process.version }, browser: browser.version(),
  chats: place.chats, firstLoad, scrolling, opening, history, live, consoleErrors: [...new Set(complaints)],
};
mkdirSync(here("results"), { recursive: true });
const file = here(`results/web-${result.date.slice(0, 10)}${isMock ? "-mock" : ""}.json`);
writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
console.log(JSON.stringify(result, null, 2));
