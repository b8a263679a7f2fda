// Inbound messages per second, stored, logged and announced: the scripted engine gives messages, one subscribed socket counts message:new.
// Usage: [COUNT=100000] [NUMBERS=10] [CHATS=1000] [PIN=0: not on one core] node bench/inbound.mjs   (needs npm ci in tests/contract). Writes bench/results/inbound.json.
import { execSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { addNumber, login, startScripted } from "../tests/contract/lib/scripted.mjs";
import { openSocket } from "../tests/contract/lib/socket.mjs";

const COUNT = Number(process.env.COUNT ?? 100000), NUMBERS = Number(process.env.NUMBERS ?? 10), CHATS = Number(process.env.CHATS ?? 1000), WINDOW = Number(process.env.WINDOW ?? 2048);
const server = await startScripted({ env: { LOG_LEVEL: "warn" } });
if (process.env.PIN !== "0") { // the server on core 0, its listener on core 1
  execSync(`taskset -acp 0 ${server.child.pid}`);
  execSync(`taskset -acp 1 ${process.pid}`);
}
const token = await login(server);
const numbers = [];
for (let i = 0; i < NUMBERS; i++) numbers.push(await addNumber(server, token, `6281300${String(1000 + i)}`));
const client = openSocket(server, { token });
await client.ready;
let heard = 0, last = 0, isRight = true;
const seqs = new Map();
await new Promise((done) => setTimeout(done, 500));
client.socket.offAny();
client.socket.onAny((event, data) => {
  if (data.seq !== undefined) {
    const before = seqs.get(data.whatsappNumberId);
    if (before !== undefined && data.seq !== before + 1) isRight = false;
    seqs.set(data.whatsappNumberId, data.seq);
  }
  if (event === "message:new") { heard++; last = performance.now(); }
});
const cpu = () => { const f = readFileSync(`/proc/${server.child.pid}/stat`, "utf8").split(") ")[1].split(" "); return (Number(f[11]) + Number(f[12])) * 10; };
const run = async (count) => {
  heard = 0;
  const before = cpu(), start = performance.now();
  const from = server.lines.length;
  server.order({ op: "burst", numbers: numbers.map((n) => n.id), count, chats: CHATS, window: WINDOW });
  while (!server.lines.slice(from).some((l) => l.done === "burst")) await new Promise((done) => setTimeout(done, 20));
  const stored = server.lines.slice(from).find((l) => l.done === "burst").ms;
  while (heard < count) await new Promise((done) => setTimeout(done, 20));
  return { messages: count, storedMs: stored, storedPerSecond: Math.round(count / stored * 1000), announcedPerSecond: Math.round(count / (last - start) * 1000), cpuMs: cpu() - before };
};
await run(2000); // chats exist, statements are prepared
const result = await run(COUNT);
result.perCpuSecond = Math.round(COUNT / result.cpuMs * 1000);
const report = { ...result, numbers: NUMBERS, chats: CHATS, window: WINDOW, eventsInOrder: isRight, node: process.version, cpu: cpus()[0].model, cores: cpus().length,
  load: readFileSync("/proc/loadavg", "utf8").split(" ")[0], commit: execSync("git rev-parse --short HEAD").toString().trim(), command: `COUNT=${COUNT} NUMBERS=${NUMBERS} CHATS=${CHATS} WINDOW=${WINDOW} node bench/inbound.mjs` };
mkdirSync(new URL("results/", import.meta.url), { recursive: true });
writeFileSync(new URL("results/inbound.json", import.meta.url), `${JSON.stringify(report, null, 2)}\n`);
console.log(report);
client.close();
await server.stop();
process.exit(0);
