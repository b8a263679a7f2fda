// Chat list, history page and search over REST, small store against large, one connection, wrk on the other core.
// Usage: node bench/scale.mjs SMALL_DATA_DIR LARGE_DATA_DIR [ROUNDS=3] [SECONDS=2] [ONLY=regex]
// The stores come from: waboxctl --data-dir=DIR seed NUMBERS CHATS MESSAGES, the small one with 20 numbers at least (20 1000 10000 against
// 1000 1000000 10000000: ten messages a chat in both). Prints a Markdown table.
import { call, commit, login, machine, median, spread, startWaboxd, wrk } from "./lib.mjs";

const [smallDir, largeDir] = process.argv.slice(2);
const ROUNDS = Number(process.env.ROUNDS ?? 3), SECONDS = Number(process.env.SECONDS ?? 2), ONLY = new RegExp(process.env.ONLY ?? "");
const NUMBERS = 100, CHATS_EACH = 10; // paths are spread over so many numbers, and chats of each

const pick = (list, count) => { const from = [...list], out = []; while (out.length < count && from.length) out.push(...from.splice(Math.floor(Math.random() * from.length), 1)); return out; };

// A user who may see some of the numbers: searches in what is permitted.
async function agentOf(server, admin, numbers) {
  const username = "agent" + Math.random().toString(36).slice(2, 10);
  const { user } = await call(server.base, "POST", "/users", admin, { name: "Agent", username, email: `${username}@example.com`, password: "Agent-Passw0rd1", role: "USER" });
  for (const n of numbers) await call(server.base, "POST", "/wapermission", admin, { userId: user.id, whatsappNumberId: n });
  return login(server.base, username, "Agent-Passw0rd1");
}

async function survey(name, dir) {
  const server = await startWaboxd(dir);
  const token = await login(server.base);
  const numbers = [];
  for (let page = 1; ; page++) {
    const answer = await call(server.base, "GET", `/whatsapp?limit=100&page=${page}`, token);
    numbers.push(...answer.whatsappNumbers.map((n) => n.id));
    if (!answer.pagination.hasNextPage) break;
  }
  const some = pick(numbers, NUMBERS), chats = [], rare = [];
  for (const n of some) {
    const list = (await call(server.base, "GET", `/chats/${n}?limit=50`, token)).data;
    for (const c of pick(list, Math.ceil(NUMBERS * CHATS_EACH / some.length))) {
      const history = await call(server.base, "GET", `/chats/${c.id}/messages?limit=50`, token);
      if (history.data.length === 50) chats.push({ id: c.id, number: n });
      rare.push(history.data.at(-1).content.split(" ").at(-1));
    }
  }
  const tokens = { 10: await agentOf(server, token, pick(numbers, 10)), 20: await agentOf(server, token, pick(numbers, 20)) };
  const common = ["invoice", "delivery", "tomorrow", "refund", "contract", "driver", "urgent", "photo"];
  return { name, server, tokenOf: (query) => tokens[/in (\d+) permitted/.exec(query)?.[1]] ?? token, paths: {
    "chat list, 50 rows, from the store": Array.from({ length: 20000 }, (_, i) => `/api/v1/chats/${some[i % some.length]}?limit=50&n=${i}`), // never the same address: none is kept
    "chat list, 50 rows": some.map((n) => `/api/v1/chats/${n}?limit=50`),
    "history, newest 50": chats.map((c) => `/api/v1/chats/${c.id}/messages?limit=50`),
    "search in a number, frequent word": some.flatMap((n) => common.map((w) => `/api/v1/messages/search?q=${w}&whatsappNumberId=${n}&limit=20`)),
    "search in a number, rare word, newest hit": some.flatMap((n) => pick(rare, 10).map((w) => `/api/v1/messages/search?q=${w}&whatsappNumberId=${n}&limit=1`)), // typed to its end, it is a start too
    "search in a number, rare whole word, newest hit": some.flatMap((n) => pick(rare, 10).map((w) => `/api/v1/messages/search?q=%22${w}%22&whatsappNumberId=${n}&limit=1`)),
    "search in a number, two words": some.flatMap((n) => pick(common, 4).map((w, i, four) => `/api/v1/messages/search?q=${w}+${four[(i + 1) % 4]}&whatsappNumberId=${n}&limit=20`)),
    "a word's start (4 letters), in a number": some.flatMap((n) => common.map((w) => `/api/v1/messages/search?q=${w.slice(0, 4)}&whatsappNumberId=${n}&limit=20`)),
    "search in a chat, frequent word": chats.flatMap((c) => pick(common, 2).map((w) => `/api/v1/messages/search?q=${w}&chatId=${c.id}&limit=20`)),
    "search everywhere, frequent word": common.map((w) => `/api/v1/messages/search?q=${w}&limit=20`),
    "search everywhere, two words": common.flatMap((w) => common.filter((v) => v !== w).map((v) => `/api/v1/messages/search?q=${w}+${v}&limit=20`)),
    "search everywhere, rare word, newest hit": rare.map((w) => `/api/v1/messages/search?q=${w}&limit=1`),
    "search everywhere, rare whole word, newest hit": rare.map((w) => `/api/v1/messages/search?q=%22${w}%22&limit=1`),
    ...Object.fromEntries([10, 20].flatMap((n) => [
      [`search in ${n} permitted numbers, frequent word`, common.map((w) => `/api/v1/messages/search?q=${w}&limit=20`)],
      [`search in ${n} permitted numbers, two words`, common.flatMap((w) => common.filter((v) => v !== w).map((v) => `/api/v1/messages/search?q=${w}+${v}&limit=20`))],
    ])),
    "a word's start (4 letters), everywhere": common.map((w) => `/api/v1/messages/search?q=${w.slice(0, 4)}&limit=20`),
  } };
}

const stores = [await survey("small", smallDir), await survey("large", largeDir)];
const [small, large] = stores;
console.log(`commit ${commit()}, ${machine()}; start-up to the first answer: small ${small.server.readyMs.toFixed(0)} ms, large ${large.server.readyMs.toFixed(0)} ms; ${ROUNDS} rounds of ${SECONDS} s each\n`);
console.log("| query | requests | small p50 us | p99 | large p50 us | p99 | p50 ratio | p99 ratio |\n|---|---|---|---|---|---|---|---|");
for (const query of Object.keys(small.paths).filter((q) => ONLY.test(q))) {
  const runs = { small: [], large: [] };
  for (const s of stores) wrk(s.server.base, s.tokenOf(query), s.paths[query], { seconds: 1 }); // warm
  for (let round = 0; round < ROUNDS; round++)
    for (const s of stores) runs[s.name].push(wrk(s.server.base, s.tokenOf(query), s.paths[query], { seconds: SECONDS }));
  const of = (name, key) => runs[name].map((r) => r[key]);
  const ratios = (key) => runs.large.map((r, i) => r[key] / runs.small[i][key]);
  console.log(`| ${query} | ${Math.min(...of("small", "requests"), ...of("large", "requests"))} | ${median(of("small", "p50_us"))} | ${median(of("small", "p99_us"))} | ${median(of("large", "p50_us"))} | ${median(of("large", "p99_us"))} | ${spread(ratios("p50_us"))} | ${spread(ratios("p99_us"))} |`);
}
for (const s of stores) await s.server.stop();
process.exit(0);
