#!/usr/bin/env node
/**
 * The page's speed in Chromium, on waboxd with wabox-sim: first load, scrolling 10,000 chats, opening a chat of 100,000
 * messages beside one of about fifty, 200 live events a second.
 *
 *   node bench/web.mjs [--parts load,list,open,history,live] [--profile] [--rate 200] [--seconds 10] [--write]
 *
 * Needs the build and tests/e2e's npm packages. The store is made by `waboxctl seed` in build/bench-web the first time (a minute or
 * two). Live events come from phones of the simulator: every message of theirs is encrypted, decrypted, stored and announced
 * as in life; each makes two events. Beside every figure stands the same one of an empty page in the same browser, with the
 * same input and, for `live`, the same load on the machine: Chromium, the servers and the phones share its cores.
 *
 * --profile prints where the page's time went; --write puts the result into bench/results/web.md.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { Server } from "../tests/interop/wa/lib/server.mjs";
import { Sim } from "../tests/interop/wa/lib/sim.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const fromTests = createRequire(here("../tests/e2e/"));
const { chromium } = fromTests("playwright-core");
const jsQR = fromTests("jsqr");
const { PNG } = fromTests("pngjs");
const option = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : process.argv[at + 1];
};
const parts = option("parts", "load,list,open,history,live").split(",");
const isProfiled = process.argv.includes("--profile");
const rate = Number(option("rate", 200));
const seconds = Number(option("seconds", 10));
const password = "bench-Passw0rd";
const phone = "628110000000"; // what `waboxctl seed` calls its first number
const customer = (i) => `62812${String(i).padStart(8, "0")}`;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// ---- the servers

const dataDir = here("../build/bench-web");
if (!existsSync(`${dataDir}/wabox.db`)) {
  mkdirSync(dataDir, { recursive: true });
  execFileSync(here("../build/src/cmd/waboxctl"), ["seed", "1", "10000", "600000", "100000", `--data-dir=${dataDir}`], { stdio: ["ignore", "inherit", "ignore"] });
}
const sim = await Sim.start({ dataDir: `${dataDir}/sim` });
const waboxd = new Server("waboxd");
await waboxd.start([here("../build/src/cmd/waboxd")], { PORT: "0", HOST: "127.0.0.1", DATA_DIR: dataDir, ADMIN_PASSWORD: password, WABOX_WHATSAPP: sim.url, LOG_LEVEL: "warn" });
const url = `http://127.0.0.1:${waboxd.port}`;

let token;
async function api(method, path, body) {
  const answer = await fetch(`${url}/api/v1${path}`, { method, headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) }, body: body && JSON.stringify(body) });
  const json = await answer.json();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${json.message}`);
  return json;
}
token = (await api("POST", "/auth/login", { username: "admin", password })).token;
const numberId = (await api("GET", "/whatsapp")).whatsappNumbers[0].id;

/** Links the number, and lets the customers exist: the seeded contacts get phones. */
async function linkNumber(customers) {
  const { data } = await api("POST", `/sessions/${numberId}`);
  if (data.qrCode) {
    const png = PNG.sync.read(Buffer.from(data.qrCode.slice(data.qrCode.indexOf(",") + 1), "base64"));
    await sim.scanQr(jsQR(new Uint8ClampedArray(png.data), png.width, png.height).data, { phone });
  }
  while ((await api("GET", `/sessions/${numberId}`)).data.status !== "CONNECTED") await sleep(100);
  const known = new Set((await sim.phones()).map((one) => one.phone));
  for (let i = 0; i < customers; i++) if (!known.has(customer(i))) await sim.addPhone({ phone: customer(i), pushName: `Contact ${i + 1}` });
}

async function survey() {
  const { data, pagination } = await api("GET", `/chats/${numberId}?limit=100`);
  const sized = [];
  for (const chat of data) sized.push({ chat, messages: (await api("GET", `/chats/${chat.id}/messages?limit=1`)).pagination.total });
  sized.sort((a, b) => b.messages - a.messages);
  const short = sized.slice(1).reduce((best, one) => (Math.abs(one.messages - 50) < Math.abs(best.messages - 50) ? one : best));
  return { chats: pagination.total, long: sized[0], short };
}

/** Messages at a steady pace until stopped. Returns how many there were. */
function speak(messagesPerSecond) {
  let said = 0, on = true;
  const began = Date.now();
  const run = (async () => {
    while (on) {
      const due = Math.floor(((Date.now() - began) / 1000) * messagesPerSecond);
      const batch = [];
      while (said < due) batch.push(sim.phoneSend(customer(said % customers), { to: phone, text: `live ${said++}` }));
      await Promise.all(batch);
      await sleep(10);
    }
    return said;
  })();
  return () => { on = false; return run; };
}

// ---- the browser

const customers = 100;
if (parts.includes("live")) await linkNumber(customers);
const place = await survey();
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const context = await browser.newContext({ viewport: { width: 1360, height: 850 }, locale: "en-GB" });
const page = await context.newPage();
const complaints = [];
page.on("console", (message) => { if (message.type() === "error") complaints.push(message.text()); });
page.on("pageerror", (error) => complaints.push(error.message));
const cdp = await context.newCDPSession(page);

/** Long tasks, frames, and how long keys waited: by the browser's own clocks. */
await page.addInitScript(() => {
  window.bench = { tasks: [], frames: [], keys: [], slow: [] };
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.bench.tasks.push(Math.round(entry.duration)); }).observe({ type: "longtask" });
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) if (entry.name === "keydown") window.bench.keys.push([entry.processingStart - entry.startTime, entry.duration]); }).observe({ type: "event", durationThreshold: 16 });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.bench.slow.push({ at: Math.round(entry.startTime), ms: Math.round(entry.duration), layoutMs: Math.round(entry.startTime + entry.duration - entry.styleAndLayoutStart), scripts: entry.scripts.map((one) => `${one.invoker} ${one.sourceFunctionName} ${Math.round(one.duration)} (forced layout ${Math.round(one.forcedStyleAndLayoutDuration)})`) });
  }).observe({ type: "long-animation-frame" });
  let last = 0;
  const frame = (now) => {
    if (last) window.bench.frames.push(now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
});
const round = (value) => Math.round(value * 10) / 10;
const percentile = (list, share) => {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted.length ? round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]) : 0;
};
const reset = () => page.evaluate(() => Object.assign(window.bench, { tasks: [], frames: [], keys: [], slow: [] }));
async function observed() {
  const { tasks, frames, keys } = await page.evaluate(() => window.bench);
  return {
    longTasks: tasks.length, longestTaskMs: Math.max(0, ...tasks), framesPerSecond: Math.round(frames.length / (frames.reduce((a, b) => a + b, 0) / 1000)),
    frameP95Ms: percentile(frames, 0.95), frameMaxMs: percentile(frames, 1), inputDelayMaxMs: percentile(keys.map(([delay]) => delay), 1), keyToPaintMaxMs: percentile(keys.map(([, all]) => all), 1),
  };
}

/** Where the page's time went while `work` ran (with --profile). */
async function profiled(name, work) {
  if (!isProfiled) return work();
  await cdp.send("Performance.enable");
  const metrics = async () => Object.fromEntries((await cdp.send("Performance.getMetrics")).metrics.map(({ name: key, value }) => [key, value]));
  const before = await metrics();
  await cdp.send("Profiler.enable");
  await cdp.send("Profiler.setSamplingInterval", { interval: 200 });
  await cdp.send("Profiler.start");
  const result = await work();
  const { profile } = await cdp.send("Profiler.stop");
  const self = new Map();
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  profile.samples.forEach((id, i) => {
    const { functionName, url: file, lineNumber, columnNumber } = byId.get(id).callFrame;
    const key = `${functionName || "(anonymous)"} ${file.split("/").at(-1)}:${lineNumber + 1}:${columnNumber}`;
    self.set(key, (self.get(key) ?? 0) + profile.timeDeltas[i] / 1000);
  });
  const after = await metrics();
  console.error(`\n${name}: slow frames`, JSON.stringify(await page.evaluate(() => [performance.now(), window.bench.slow]), null, 1));
  console.error(`${name}: ${["Task", "Script", "Layout", "RecalcStyle"].map((key) => `${key} ${Math.round((after[`${key}Duration`] - before[`${key}Duration`]) * 1000)} ms`).join(", ")}, ${after.LayoutCount - before.LayoutCount} layouts; ms by function itself`);
  for (const [key, ms] of [...self].sort((a, b) => b[1] - a[1]).slice(0, 25)) console.error(`  ${ms.toFixed(0).padStart(6)}  ${key}`);
  return result;
}

/** An empty page with a scroller and a field, under the same input. */
const blank = `<!doctype html><title>empty</title><div data-testid="chat-list" style="height:600px;overflow:auto"><div style="height:720000px"></div></div><textarea></textarea>`;
async function onBlank(work) {
  await page.route("**/empty.html", (route) => route.fulfill({ contentType: "text/html", body: blank }));
  await page.goto(`${url}/empty.html`);
  await sleep(500);
  await reset();
  await work();
  return observed();
}

async function signedIn() {
  await page.goto(url);
  await page.evaluate(([key, value]) => localStorage.setItem(key, value), ["wabox.session", JSON.stringify({ token, user: (await api("GET", "/auth/me")).user })]);
  await page.goto(`${url}/#/inbox`);
  await page.reload();
  await page.locator(".chat-link").first().waitFor();
}

async function wheel(steps, delta) {
  for (let i = 0; i < steps; i++) {
    await page.mouse.wheel(0, delta);
    await sleep(16);
  }
}

async function type(ms) {
  const until = Date.now() + ms;
  for (let i = 0; Date.now() < until; i++) {
    await page.keyboard.press(i % 40 === 39 ? "Backspace" : "abcdefgh"[i % 8]);
    await sleep(90);
  }
}

// ---- the parts

const measure = {
  async load() {
    const scripts = new Map();
    const note = async (response) => {
      if (response.request().resourceType() === "script") scripts.set(response.url(), gzipSync(await response.body(), { level: 9 }).length);
    };
    page.on("response", note);
    const start = Date.now();
    await page.goto(url);
    await page.getByLabel("Username or email").waitFor();
    const loginPageMs = Date.now() - start;
    await page.getByLabel("Username or email").fill("admin");
    await page.getByLabel("Password", { exact: true }).fill(password);
    const pressed = Date.now();
    await page.keyboard.press("Enter");
    await page.locator(".chat-link").first().waitFor();
    const inboxAfterLoginMs = Date.now() - pressed;
    await sleep(500);
    page.off("response", note);
    return { loginPageMs, inboxAfterLoginMs, scripts: scripts.size, gzippedJavaScriptKiB: round([...scripts.values()].reduce((a, b) => a + b, 0) / 1024) };
  },

  /** To the end of the list, which loads it page by page, then back to its top. */
  async list() {
    const empty = await onBlank(async () => {
      await page.getByTestId("chat-list").hover();
      await wheel(120, 2_400);
    });
    await signedIn();
    await sleep(1_000);
    await reset();
    const list = page.getByTestId("chat-list");
    await list.hover();
    let steps = 0;
    await profiled("list", async () => {
      for (let still = 0, before = -1; still < 30 && steps < 2_000; steps++) {
        await wheel(1, 2_400);
        const { top, end } = await list.evaluate((element) => ({ top: element.scrollTop, end: element.scrollHeight - element.clientHeight }));
        still = top === before && top >= end - 2 ? still + 1 : 0;
        before = top;
      }
      await wheel(100, -9_000);
    });
    return { rows: Math.round((await list.evaluate((element) => element.scrollHeight)) / 72), steps, ...(await observed()), empty };
  },

  /** From the press to the newest message on screen. Each time for the first time: the page forgets by being loaded again. */
  async open() {
    const open = async (chat) => {
      await page.goto(`${url}/#/inbox`);
      await page.reload();
      await page.locator(".chat-link").first().waitFor();
      await sleep(400);
      return page.evaluate((id) => new Promise((resolve) => {
        const at = performance.now();
        location.hash = `/inbox/${id}`;
        const look = () => (document.querySelector(".chat-pane .bubble") ? requestAnimationFrame(() => resolve(performance.now() - at)) : requestAnimationFrame(look));
        look();
      }), chat.id);
    };
    const took = { short: [], long: [] };
    await open(place.short.chat);
    for (let i = 0; i < 9; i++) for (const kind of i % 2 ? ["short", "long"] : ["long", "short"]) took[kind].push(await open(place[kind].chat));
    const of = (kind) => ({ messages: place[kind].messages, medianMs: percentile(took[kind], 0.5), minMs: percentile(took[kind], 0), maxMs: percentile(took[kind], 1) });
    return { short: of("short"), long: of("long") };
  },

  async history() {
    await signedIn();
    await page.goto(`${url}/#/inbox/${place.long.chat.id}`);
    await page.locator(".bubble").first().waitFor();
    await sleep(500);
    await reset();
    const pane = page.getByTestId("messages");
    await pane.hover();
    await profiled("history", () => wheel(300, -1_500));
    return { steps: 300, ...(await observed()) };
  },

  /** Somebody types into an open chat while the list moves under them. */
  async live() {
    const half = rate / 2; // a message is two events: message:new and chat:updated
    let stop = speak(half); // sessions are made, statements prepared
    await sleep(3_000);
    const empty = await onBlank(async () => {
      await page.locator("textarea").focus();
      await type(4_000);
    });
    await signedIn();
    await page.goto(`${url}/#/inbox/${place.short.chat.id}`);
    await page.locator(".composer textarea").waitFor();
    await sleep(2_000);
    await reset();
    let events = 0;
    const socket = await counter(() => events++);
    const began = Date.now();
    await page.locator(".composer textarea").focus();
    await profiled("live", () => type(seconds * 1_000));
    const took = (Date.now() - began) / 1000;
    const counted = events;
    const result = await observed();
    if (process.argv.includes("--slow")) console.error(JSON.stringify(await page.evaluate(() => [performance.now(), window.bench.slow]), null, 1));
    await stop();
    await sleep(1_500);
    socket.close();
    const newest = await page.locator(".chat-link .chat-last").first().innerText();
    return { seconds: round(took), eventsPerSecond: Math.round(counted / took), newestShown: newest, ...result, empty };
  },
};

/** The events that the page gets, counted by another client of the same user. */
async function counter(onEvent) {
  const { io } = createRequire(here("../tests/interop/wa/"))("socket.io-client");
  const socket = io(url, { auth: { token }, transports: ["websocket"] });
  await new Promise((resolve, reject) => { socket.once("connect", resolve); socket.once("connect_error", reject); });
  await sleep(500);
  socket.onAny((event) => { if (/^(message|chat):/.test(event)) onEvent(); });
  return socket;
}

const result = {};
try {
  for (const part of parts) result[part] = await measure[part]();
} finally {
  await browser.close();
  await waboxd.stop();
  await sim.stop();
}
result.consoleErrors = [...new Set(complaints)];
const meta = {
  date: new Date().toISOString().slice(0, 16), commit: execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: here(".") }).toString().trim(),
  command: ["node bench/web.mjs", ...process.argv.slice(2)].join(" "), machine: `${os.cpus()[0].model}, ${os.cpus().length} cores`,
  load: round(os.loadavg()[0]), browser: browser.version(), chats: place.chats,
};
console.log(JSON.stringify({ ...meta, ...result }, null, 2));
if (process.argv.includes("--write")) {
  const file = here("results/web.md");
  const head = existsSync(file) ? readFileSync(file, "utf8").split("\n## ")[0] : "# The page in Chromium\n";
  const cells = (value, path = "") => Object.entries(value).flatMap(([key, one]) => (one !== null && typeof one === "object" && !Array.isArray(one) ? cells(one, `${path}${key}.`) : [[`${path}${key}`, Array.isArray(one) ? one.join("; ") || "none" : one]]));
  const tables = Object.entries(result).filter(([, value]) => !Array.isArray(value)).map(([part, value]) => `\n### ${part}\n\n| | |\n|---|---|\n${cells(value).map(([key, one]) => `| ${key} | ${one} |`).join("\n")}\n`);
  writeFileSync(file, `${head.trimEnd()}\n\n## ${meta.date}, commit ${meta.commit}\n\n\`${meta.command}\` · ${meta.machine}, load ${meta.load} · Chromium ${meta.browser} · ${meta.chats} chats · console errors: ${result.consoleErrors.join("; ") || "none"}\n${tables.join("")}`);
}
process.exit(0);
