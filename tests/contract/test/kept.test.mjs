// A chat list that is answered from memory says what the store says, to the callers who may see it, at every moment.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { addNumber, startScripted } from "../lib/scripted.mjs";
import { openSocket } from "../lib/socket.mjs";
import { call, login, makeUser } from "../lib/server.mjs";

let server, token, shop, other, agent, permission, serial = 0;
before(async () => {
  server = await startScripted();
  token = await login(server);
  [shop, other] = [await addNumber(server, token, "628120000001"), await addNumber(server, token, "628120000002")];
  agent = await makeUser(server, token);
  permission = (await call(server, "POST", "/wapermission", { token, body: { userId: agent.id, whatsappNumberId: shop.id } })).body.data.id;
});
after(() => server.stop());

const list = async (who = token, number = shop, more = "") => (await call(server, "GET", `/chats/${number.id}?limit=50${more}`, { token: who })).body;
const fresh = () => list(token, shop, `&n=${++serial}`); // an address that nobody asked before
const kept = async () => Number((await (await fetch(`${server.base}/metrics`)).text()).match(/^wabox_kept_answers_total (\d+)/m)[1]);
const inbound = (number, from) => server.order({ op: "inbound", number: number.id, from, id: `K${++serial}`, text: `message ${serial}`, pushName: "Ani" });
const unread = (body) => body.data.reduce((sum, chat) => sum + chat.unreadCount, 0);

test("whoever has heard of a change sees it in the list he asks for next", async () => {
  const agents = [];
  for (let i = 0; i < 3; i++) { const s = openSocket(server, { token }); await s.ready; await s.wait("whatsapp:status", (d) => d.whatsappNumberId === shop.id); agents.push(s); }
  const total = 120;
  let isOver = false, asked = 0, answered = 0;
  const watch = async (s) => {
    for (; !isOver || asked < total; asked++) {
      const heard = s.of("message:new").length;
      const body = await list();
      assert.ok(unread(body) >= heard, `heard of ${heard}, the list has ${unread(body)}`);
      answered++;
    }
  };
  const watching = agents.map(watch);
  for (let i = 0; i < total; i++) { inbound(shop, `62855111100${i % 7}`); if (i % 4 === 0) await new Promise((done) => setTimeout(done, 3)); }
  for (const s of agents) await s.wait("message:new", (d) => d.message.content === `message ${serial}`);
  isOver = true;
  await Promise.all(watching);
  assert.ok(answered >= total);
  assert.equal(unread(await list()), total);
  assert.deepEqual(await list(), await fresh());
  for (const s of agents) s.close();
});

test("it is kept until a chat of the number changes, and other numbers do not matter", async () => {
  await list();
  const before = await kept();
  await list();
  assert.equal(await kept(), before + 1);
  const socket = openSocket(server, { token });
  await socket.ready;
  inbound(other, "6285599990001");
  await socket.wait("message:new", (d) => d.whatsappNumberId === other.id);
  socket.close();
  await list();
  assert.equal(await kept(), before + 2);
  const { id } = (await list()).data[0];
  await call(server, "PATCH", `/chats/${id}/read`, { token });
  const body = await list();
  assert.equal(body.data.find((chat) => chat.id === id).unreadCount, 0);
  assert.deepEqual(body, await fresh());
});

test("a name that a preview speaks of changes in it", async () => {
  const from = "6285511110000", id = `K${++serial}`;
  server.order({ op: "contact", number: shop.id, from: "6285533330000", name: "Budi" });
  server.order({ op: "inbound", number: shop.id, from, id, text: "ask @6285533330000", pushName: "Ani", mentions: ["6285533330000@s.whatsapp.net"] });
  const preview = async (text) => { // an event of the contact's change does not exist: the list is asked until it says so
    for (let n = 0; n < 100; n++) {
      const found = (await list()).data.find((chat) => chat.contactNumber === from);
      if (found?.lastMessage === text) return assert.deepEqual(await list(), await fresh());
      await new Promise((done) => setTimeout(done, 20));
    }
    assert.equal((await fresh()).data.find((chat) => chat.contactNumber === from)?.lastMessage, text);
    assert.fail("the kept list has not changed");
  };
  await preview("ask @Budi");
  server.order({ op: "contact", number: shop.id, from: "6285533330000", name: "Budi Santoso" });
  await preview("ask @Budi Santoso");
});

test("permission, login and existence are asked each time", async () => {
  assert.deepEqual(await list(agent.token), await list());
  await call(server, "DELETE", `/wapermission/${permission}`, { token });
  assert.equal((await call(server, "GET", `/chats/${shop.id}?limit=50`, { token: agent.token })).status, 403);
  assert.equal((await call(server, "GET", `/chats/${shop.id}?limit=50`, {})).status, 401);
  await call(server, "DELETE", `/whatsapp/${shop.id}`, { token });
  assert.equal((await call(server, "GET", `/chats/${shop.id}?limit=50`, { token })).status, 404);
});
