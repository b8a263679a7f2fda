#!/usr/bin/env node
/**
 * The other side of mock.mjs: a pretended WhatsApp network with the part of wabox-sim's admin API (docs/SIMULATOR.md)
 * that front-end work needs. For work on the front end only; no test that speaks of WaBox may rest on it.
 */
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { Server } from "socket.io";

const phones = new Map();
const groups = new Map();
const offers = new Map();
const digits = (text) => String(text).replace(/@.*$/, "").replace(/\D/g, "");
const id = () => randomBytes(8).toString("hex").toUpperCase();
const phoneOf = (number, more = {}) => {
  const known = phones.get(number) ?? { phone: number, lid: `9${number.slice(1)}`, pushName: number, echo: false, receipts: "none", messages: [], receiptsSeen: [], presence: [] };
  phones.set(number, Object.assign(known, more));
  return known;
};
const network = (event, data) => io.emit(event, data);

function routes(method, path, body, query) {
  if (method === "POST" && path === "/admin/mock-phone/scan-qr") {
    const ref = String(body).split("#")[0].split(",")[0];
    const number = query.get("phone") ?? offers.get(ref);
    if (!offers.has(ref)) return [404, { ok: false, error: "unknown or used ref" }];
    offers.delete(ref);
    phoneOf(number, { pushName: query.get("pushName") ?? number });
    setTimeout(() => network("linked", { ref, number }), 100);
    return [200, { ok: true, phone: number, lid: phoneOf(number).lid, device: 1 }];
  }
  if (method === "POST" && path === "/admin/mock-phone/enter-code") {
    const ref = body.code.replace("-", "");
    if (!offers.has(ref)) return [404, { ok: false, error: "nobody waits for a code" }];
    const number = offers.get(ref);
    offers.delete(ref);
    setTimeout(() => network("linked", { ref, number }), 100);
    return [200, { ok: true, phone: number, lid: phoneOf(number).lid, device: 1 }];
  }
  if (path === "/admin/phones") return method === "GET" ? [200, { ok: true, phones: [...phones.values()] }] : [200, { ok: true, phone: phoneOf(digits(body.phone ?? `62899${Math.floor(Math.random() * 1e7)}`), body) }];
  if (path === "/admin/groups" && method === "POST") {
    const group = { jid: `1203630${Math.floor(Math.random() * 1e10)}@g.us`, subject: body.subject, addressing: "pn", owner: body.owner, members: [body.owner, ...body.members] };
    groups.set(group.jid, group);
    return [200, { ok: true, group }];
  }
  const found = /^\/admin\/phone\/(\d+)\/(\w+)$/.exec(path);
  if (!found) return [404, { ok: false, error: "no such call" }];
  const from = phoneOf(found[1]);
  const group = groups.get(body?.to ?? body?.chat);
  const targets = group ? group.members.filter((one) => one !== from.phone) : [digits(body?.to ?? body?.chat ?? "")];
  switch (found[2]) {
    case "send": {
      const message = body.reaction ?? body.edit ?? body.revoke ? null : id();
      for (const to of targets) {
        if (message) network("message", { to, from: from.phone, name: from.pushName, text: body.text, id: message, quoted: body.quoted, mentions: body.mentions, ...(group ? { group: group.subject, chat: group.jid } : {}) });
        else network("change", { to, from: from.phone, name: from.pushName, reaction: body.reaction, edit: body.edit, revoke: body.revoke });
      }
      return [200, { ok: true, id: message ?? id() }];
    }
    case "read":
      for (const to of targets) network("receipt", { to, ids: body.ids, type: "read" });
      return [200, { ok: true }];
    case "presence":
      for (const to of targets) network("presence", { to, from: from.phone, state: body.state });
      return [200, { ok: true }];
    case "messages":
      return [200, { ok: true, messages: from.messages, receipts: from.receiptsSeen, presence: from.presence }];
    default:
      return [404, { ok: false, error: "no such call" }];
  }
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url, "http://x");
  let text = "";
  for await (const chunk of request) text += chunk;
  const isJson = /^\s*\{/.test(text);
  const [code, body] = routes(request.method, url.pathname, isJson ? JSON.parse(text) : text, url.searchParams);
  response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(body));
});
const io = new Server(server, { path: "/mock-net/" });
io.on("connection", (socket) => {
  socket.on("offer", ({ ref, number }) => offers.set(ref, number));
  socket.on("send", ({ from, to, id: message, text, quoted }, sent) => {
    sent();
    const group = groups.get(to);
    for (const number of group ? group.members : [digits(to)]) {
      const phone = phones.get(number);
      if (!phone || number === from) continue;
      phone.messages.push({ id: message, chat: group ? to : from, from, fromMe: false, kind: "text", text, ...(quoted ? { quotedId: quoted } : {}), t: Math.floor(Date.now() / 1000) });
      if (phone.receipts !== "none") setTimeout(() => network("receipt", { to: from, ids: [message], type: "delivery" }), 80);
      if (phone.receipts === "read") setTimeout(() => network("receipt", { to: from, ids: [message], type: "read" }), 250);
      if (phone.echo) setTimeout(() => network("message", { to: from, from: number, name: phone.pushName, text, id: id() }), 200);
    }
  });
});
const at = process.argv.indexOf("--port");
server.listen(at > 0 ? Number(process.argv[at + 1]) : 8080, "127.0.0.1", () => console.log(JSON.stringify({ ready: true, port: server.address().port })));
process.on("SIGTERM", () => process.exit(0));
