#!/usr/bin/env node
/**
 * A stand-in for waboxd, for work on the front end only: it follows the contract (REST, Socket.IO, event log with resume)
 * in memory, with lively data. It is no part of WaBox and no test that speaks of WaBox may rest on it.
 *
 *   npm run mock                          demo data, on PORT (default 5000), users admin / agent1 / agent2, password "wabox-demo"
 *   node dev/mock.mjs --empty             only the user admin with ADMIN_PASSWORD, nothing else; phones come from WABOX_WHATSAPP (mock-sim.mjs)
 *   node dev/mock.mjs --chats N --messages M   one number with N chats, the first of them with M messages
 *   node dev/mock.mjs --quiet             no traffic of its own
 */
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import QRCode from "qrcode";
import { Server } from "socket.io";
import { io as dial } from "socket.io-client";

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const args = process.argv.slice(2);
const flag = (name) => args.includes(`--${name}`);
const option = (name, fallback) => (flag(name) ? Number(args[args.indexOf(`--${name}`) + 1]) : fallback);
const now = () => new Date().toISOString();
const digits = (text) => { const d = String(text).replace(/@.*$/, "").replace(/\D/g, ""); return d.startsWith("0") ? `62${d.slice(1)}` : d; };
const pretty = (d) => (d.startsWith("62") ? `+62 ${[d.slice(2, 5), d.slice(5, 9), d.slice(9)].filter(Boolean).join("-")}` : `+${d}`);

// ---- state

let lastId = 0;
const nextId = () => ++lastId;
const db = { users: [], numbers: [], sessions: [], perms: [], templates: [], keys: [], audit: [], chats: new Map(), logs: new Map(), sent: new Map() };
const tokens = new Map();
const byNumber = new Map();

const hash = (password) => createHash("sha256").update(password).digest("hex");
function addUser({ name, username, email, password, role = "USER" }) {
  const user = { id: nextId(), name, username, email: email ?? `${username}@wabox.example`, role, createdAt: now(), updatedAt: now(), hash: hash(password) };
  db.users.push(user);
  return user;
}
const publicUser = ({ hash: _, ...user }) => user;
function addNumber(name, phoneNumber, isActive = true) {
  const number = { id: nextId(), name, phoneNumber: digits(phoneNumber), isActive, createdAt: now(), policies: { sendReadReceipts: true, sendTyping: true, minSendIntervalMs: 0 } };
  db.numbers.push(number);
  byNumber.set(number.id, []);
  db.logs.set(number.id, []);
  return number;
}
const showNumber = (n) => n && { ...n, phoneNumberFormatted: pretty(n.phoneNumber) };
const grant = (user, number) => db.perms.push({ id: nextId(), userId: user.id, whatsappNumberId: number.id, createdAt: now(), updatedAt: now() });
const numberOf = (id) => db.numbers.find((n) => n.id === Number(id));
const may = (user, numberId) => Boolean(user && numberOf(numberId)) && (user.role === "ADMIN" || db.perms.some((p) => p.userId === user.id && p.whatsappNumberId === Number(numberId)));
const permitted = (user) => db.numbers.filter((n) => n.isActive && may(user, n.id));
function session(number, status = "PENDING") {
  let row = db.sessions.find((s) => s.whatsappNumberId === number.id);
  if (!row) db.sessions.push((row = { id: randomUUID(), whatsappNumberId: number.id, status, lastConnected: status === "CONNECTED" ? now() : null, isActive: true, errorMessage: null, createdAt: now(), updatedAt: now(), qr: null, pairingCode: null }));
  return row;
}
const showSession = ({ qr, timer: _, ...row }) => ({ ...row, whatsappNumber: showNumber(numberOf(row.whatsappNumberId)), qrCode: qr?.image ?? null });
function note(user, action, target, details) {
  db.audit.unshift({ id: nextId(), createdAt: now(), actor: user ? { id: user.id, name: user.name } : null, action, target, ip: "127.0.0.1", details: details ?? null });
}

function addChat(number, { name, phone, group = null, pinned = false, archived = false }) {
  const chat = { id: randomUUID(), contactName: group ?? name, contactNumber: group ? `${phone}` : phone, contactJid: group ? `${phone}@g.us` : `${phone}@s.whatsapp.net`, lastMessage: null, lastMessageTime: now(),
    unreadCount: 0, isGroup: Boolean(group), groupName: group, isPinned: pinned, isArchived: archived, mutedUntil: null, lastMessageIsFromMe: false };
  const entry = { chat, number, messages: [] };
  db.chats.set(chat.id, entry);
  byNumber.get(number.id).push(entry);
  return entry;
}
const chatFor = (number, phone, name) => byNumber.get(number.id).find((e) => e.chat.contactNumber === phone) ?? addChat(number, { name: name ?? `+${phone}`, phone });

// ---- the event log and the sockets

let io;
const room = (id) => `number:${id}`;
function log(numberId, event, data) {
  const rows = db.logs.get(numberId);
  const row = { seq: rows.length + 1, event, data: { ...data, whatsappNumberId: numberId }, createdAt: now() };
  rows.push(row);
  io?.to(room(numberId)).emit(event, { ...row.data, seq: row.seq });
  return row;
}
const changed = (entry) => log(entry.number.id, "chat:updated", { chat: entry.chat });
function store(entry, message, { unread = false, quiet = false } = {}) {
  const row = { id: randomUUID(), messageId: randomBytes(8).toString("hex").toUpperCase(), fromJid: entry.chat.contactJid, fromNumber: entry.chat.contactNumber, fromName: entry.chat.contactName, content: "", type: "TEXT",
    mediaUrl: null, mediaCaption: null, quotedMessageId: null, quotedContent: null, isFromMe: false, status: "DELIVERED", timestamp: now(), sentBy: null, editedAt: null, revokedAt: null, reactions: [], mentions: [], timeline: [], ...message };
  entry.messages.push(row);
  entry.chat = { ...entry.chat, lastMessage: row.content.slice(0, 200), lastMessageTime: row.timestamp, lastMessageIsFromMe: row.isFromMe, unreadCount: entry.chat.unreadCount + (unread ? 1 : 0) };
  if (quiet) {
    db.logs.get(entry.number.id).push({ seq: db.logs.get(entry.number.id).length + 1, event: "message:new", data: { whatsappNumberId: entry.number.id, chatId: entry.chat.id, message: row }, createdAt: row.timestamp });
    return row;
  }
  log(entry.number.id, "message:new", { chatId: entry.chat.id, message: show(row) });
  changed(entry);
  return row;
}
const show = ({ timeline, ...row }) => row;
function update(entry, row, change) {
  Object.assign(row, change);
  log(entry.number.id, "message:updated", { chatId: entry.chat.id, message: show(row) });
}
const rank = { PENDING: 0, FAILED: 1, SENT: 2, DELIVERED: 3, READ: 4 };
function status(entry, row, next) {
  if (rank[next] <= rank[row.status]) return;
  row.status = next;
  row.timeline.push({ status: next, at: now() });
  log(entry.number.id, "message:status", { chatId: entry.chat.id, messageId: row.messageId, status: next });
}
function link(number, next, extra = {}) {
  const row = session(number);
  Object.assign(row, { status: next, updatedAt: now(), errorMessage: extra.reason ?? null }, next === "CONNECTED" ? { lastConnected: now(), qr: null, pairingCode: null } : {});
  log(number.id, "whatsapp:status", { status: next, lastConnected: row.lastConnected, phoneNumber: `+${number.phoneNumber}`, ...extra });
}
const sorted = (numberId) => [...(byNumber.get(numberId) ?? [])].sort((a, b) => (a.chat.isPinned === b.chat.isPinned ? (a.chat.lastMessageTime < b.chat.lastMessageTime ? 1 : -1) : a.chat.isPinned ? -1 : 1));

// ---- the other side: a simulated network in another process, or a little theatre of our own

const net = { socket: null };
function join_network(url) {
  net.socket = dial(url.replace(/^ws/, "http").replace(/\/ws\/chat$/, ""), { path: "/mock-net/", transports: ["websocket"] });
  net.socket.on("linked", ({ number: phone, ref }) => {
    const number = db.numbers.find((n) => session(n).qr?.ref === ref || session(n).pairingCode === ref || n.phoneNumber === phone);
    if (number) { clearTimeout(session(number).timer); link(number, "CONNECTED"); }
  });
  net.socket.on("message", ({ to, from, name, text, quoted, group, id, mentions, chat }) => {
    const number = db.numbers.find((n) => n.phoneNumber === to);
    if (!number || session(number).status !== "CONNECTED") return;
    const entry = group ? byNumber.get(number.id).find((e) => e.chat.contactJid === chat) ?? addChat(number, { phone: chat.replace(/@.*/, ""), group }) : chatFor(number, from, name);
    store(entry, { messageId: id, content: text, fromJid: `${from}@s.whatsapp.net`, fromNumber: `+${from}`, fromName: name, quotedMessageId: quoted?.id ?? null, quotedContent: quoted?.text ?? null, mentions: (mentions ?? []).map((m) => ({ jid: `${m}@s.whatsapp.net`, name: null })) }, { unread: true });
  });
  const find = (to, id) => { for (const e of db.chats.values()) if (e.number.phoneNumber === to) { const row = e.messages.find((m) => m.messageId === id); if (row) return [e, row]; } return []; };
  net.socket.on("receipt", ({ to, ids, type }) => { for (const id of ids) { const [e, row] = find(to, id); if (row) status(e, row, type === "read" ? "READ" : "DELIVERED"); } });
  net.socket.on("change", ({ to, from, name, reaction, edit, revoke }) => {
    const [e, row] = find(to, (reaction ?? edit ?? revoke).id);
    if (!row) return;
    if (reaction) update(e, row, { reactions: [...row.reactions.filter((r) => r.fromJid !== `${from}@s.whatsapp.net`), ...(reaction.emoji ? [{ emoji: reaction.emoji, fromJid: `${from}@s.whatsapp.net`, fromName: name, isFromMe: false }] : [])] });
    if (edit) update(e, row, { content: edit.text, editedAt: now() });
    if (revoke) update(e, row, { content: "This message was deleted", revokedAt: now() });
  });
  net.socket.on("presence", ({ to, from, state }) => { const n = db.numbers.find((x) => x.phoneNumber === to); const e = n && byNumber.get(n.id).find((x) => x.chat.contactNumber === from); if (e) io.to(room(n.id)).emit("chat:presence", { chatId: e.chat.id, whatsappNumberId: n.id, agent: null, contact: state === "composing" ? "composing" : "paused" }); });
}
function deliver(entry, row) {
  if (net.socket) return net.socket.emit("send", { from: entry.number.phoneNumber, to: entry.chat.isGroup ? entry.chat.contactJid : entry.chat.contactNumber, id: row.messageId, text: row.content, quoted: row.quotedMessageId }, () => status(entry, row, "SENT"));
  setTimeout(() => status(entry, row, "SENT"), 250);
  setTimeout(() => status(entry, row, "DELIVERED"), 900);
  setTimeout(() => status(entry, row, "READ"), 2600);
  if (flag("quiet") || entry.chat.isGroup) return;
  setTimeout(() => io.to(room(entry.number.id)).emit("chat:presence", { chatId: entry.chat.id, whatsappNumberId: entry.number.id, agent: null, contact: "composing" }), 3000);
  setTimeout(() => store(entry, { content: pick(replies) }, { unread: true }), 5200);
}

// ---- REST

class Fail extends Error { constructor(code, message, details) { super(message); this.code = code; this.details = details; } }
const phrases = { 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 409: "Conflict", 422: "Unprocessable Entity", 429: "Too Many Requests", 500: "Internal Server Error" };
const clamp = (text, min, max, fallback) => { const n = Math.trunc(Number(text)); return Number.isFinite(n) && n >= min && text !== null && text !== "" ? Math.min(n, max) : fallback; };
const has = (text, part) => String(text ?? "").toLowerCase().includes(part.toLowerCase());
function paging(q, rows) {
  const limit = clamp(q.get("limit"), 1, 1000, 20), page = clamp(q.get("page"), 1, 1e6, 1), totalPages = Math.max(1, Math.ceil(rows.length / limit));
  return { rows: rows.slice((page - 1) * limit, page * limit), p: { currentPage: page, totalPages, limit, itemsPerPage: limit, totalItems: rows.length, hasNextPage: page < totalPages, hasPrevPage: page > 1 } };
}
const need = (ok, code, message, details) => { if (!ok) throw new Fail(code, message, details); };
const admin = (c) => need(c.user.role === "ADMIN", 403, "Administrators only.");
const chatOf = (c, id) => { const e = db.chats.get(id); need(e && may(c.user, e.number.id), 404, "Chat not found or unauthorized"); return e; };
const sessionOf = (c, id) => { const s = db.sessions.find((x) => x.id === id); need(s && may(c.user, s.whatsappNumberId), 404, "Session not found"); return s; };
function unique(list, row, field, message, except) { need(!list.some((x) => x.id !== except && String(x[field]).toLowerCase() === String(row[field]).toLowerCase()), 409, message, { field }); }
function refreshQr(number, times = 6) {
  const row = session(number);
  if (row.status === "CONNECTED" || times === 0) return Promise.resolve();
  const ref = `2@${randomBytes(24).toString("base64url")}`;
  return QRCode.toDataURL(`${ref},${number.phoneNumber}`, { width: 264, margin: 1 }).then((image) => {
    row.qr = { ref, image, expiresAt: new Date(Date.now() + 20_000).toISOString() };
    net.socket?.emit("offer", { ref, number: number.phoneNumber });
    for (const socket of io.sockets.sockets.values()) if (socket.data.user.role === "ADMIN") socket.emit("whatsapp:qr", { whatsappNumberId: number.id, qrCode: image, expiresAt: row.qr.expiresAt });
    row.timer = setTimeout(() => refreshQr(number, times - 1), 20_000);
    row.timer.unref();
  });
}
async function startLink(c, numberId, method) {
  const number = numberOf(numberId);
  need(number, 404, "WhatsApp number not found");
  const row = session(number);
  if (row.status !== "CONNECTED") {
    clearTimeout(row.timer);
    link(number, "PAIRING");
    if (method === "code") {
      row.pairingCode = [...randomBytes(8)].map((b) => "ABCDEFGHJKLMNPQRSTVWXYZ123456789"[b % 32]).join("").replace(/^(.{4})/, "$1-");
      net.socket?.emit("offer", { ref: row.pairingCode.replace("-", ""), number: number.phoneNumber, code: true });
    } else await refreshQr(number);
    if (!net.socket) setTimeout(() => row.status === "PAIRING" && link(number, "CONNECTED"), 12_000).unref();
  }
  note(c.user, "session.link", `number:${number.id}`);
  return row;
}

const routes = [
  ["POST", "/auth/login", (c) => {
    const { username, email, password } = c.body;
    need((username || email) && password, 400, "Username and password are required");
    const user = db.users.find((u) => [u.username, u.email].includes(username ?? email));
    need(user && user.hash === hash(password), 401, "Invalid credentials");
    const token = randomBytes(24).toString("base64url");
    tokens.set(token, user.id);
    note(user, "login", `user:${user.id}`);
    return { success: true, message: "Login successful", user: publicUser(user), token, data: { user: publicUser(user), token } };
  }, "open"],
  ["GET", "/auth/me", (c) => ({ success: true, user: publicUser(c.user), data: { user: publicUser(c.user) } })],
  ["PUT", "/auth/me", (c) => {
    const { name, email, currentPassword, newPassword } = c.body;
    if (newPassword !== undefined) { need(c.user.hash === hash(currentPassword ?? ""), 400, "The present password is wrong.", { field: "currentPassword" }); c.user.hash = hash(newPassword); note(c.user, "password.change", `user:${c.user.id}`); }
    if (email) { unique(db.users, { email }, "email", "Email already exists", c.user.id); c.user.email = email; }
    if (name) c.user.name = name;
    return { success: true, message: "Saved", user: publicUser(c.user) };
  }],
  ["POST", "/auth/logout", (c) => { tokens.delete(c.token); for (const s of io.sockets.sockets.values()) if (s.data.token === c.token) s.disconnect(true); return { success: true, message: "Logged out" }; }],
  ["GET", "/users", (c) => { admin(c); const { rows, p } = paging(c.q, db.users.filter((u) => (!c.q.get("role") || u.role === c.q.get("role")) && [u.name, u.username, u.email].some((x) => has(x, c.q.get("search") ?? "")))); return { users: rows.map(publicUser), pagination: { ...p, totalUsers: p.totalItems } }; }],
  ["POST", "/users", (c) => { admin(c); for (const f of ["name", "username", "email", "password"]) need(c.body[f], 400, `${f} is required`, { field: f }); unique(db.users, c.body, "username", "Username already exists"); unique(db.users, c.body, "email", "Email already exists"); const u = addUser(c.body); note(c.user, "user.create", `user:${u.id}`); return [201, { message: "User created", user: publicUser(u) }]; }],
  ["PUT", "/users/:id", (c, id) => { admin(c); const u = db.users.find((x) => x.id === Number(id)); need(u, 404, "User not found"); const { password, ...rest } = c.body; if (rest.username) unique(db.users, rest, "username", "Username already exists", u.id); if (rest.email) unique(db.users, rest, "email", "Email already exists", u.id); Object.assign(u, rest); if (password) u.hash = hash(password); note(c.user, "user.update", `user:${u.id}`); return { message: "User updated", user: publicUser(u) }; }],
  ["DELETE", "/users/:id", (c, id) => { admin(c); need(c.user.id !== Number(id), 400, "You cannot delete your own account"); const at = db.users.findIndex((x) => x.id === Number(id)); need(at >= 0, 404, "User not found"); db.users.splice(at, 1); note(c.user, "user.delete", `user:${id}`); return { message: "User deleted" }; }],
  ["GET", "/whatsapp", (c) => { const { rows, p } = paging(c.q, db.numbers.filter((n) => has(n.name, c.q.get("search") ?? "") || n.phoneNumber.includes(digits(c.q.get("search") ?? "") || "x"))); return { whatsappNumbers: rows.map(showNumber), pagination: { ...p, totalNumbers: p.totalItems } }; }],
  ["POST", "/whatsapp", (c) => { admin(c); const phone = digits(c.body.phoneNumber ?? ""); need(c.body.name, 400, "name is required", { field: "name" }); need(phone.length >= 8, 400, "phoneNumber is not a phone number", { field: "phoneNumber" }); const old = db.numbers.find((n) => n.phoneNumber === phone); need(!old, 409, "This number exists already", { existingNumber: showNumber(old), normalizedInput: phone }); const n = addNumber(c.body.name, phone); note(c.user, "number.create", `number:${n.id}`); for (const s of io.sockets.sockets.values()) if (may(s.data.user, n.id)) s.join(room(n.id)); return [201, { message: "WhatsApp number created", whatsappNumber: showNumber(n) }]; }],
  ["PUT", "/whatsapp/:id", (c, id) => { admin(c); const n = numberOf(id); need(n, 404, "WhatsApp number not found"); const { phoneNumber, ...rest } = c.body; Object.assign(n, rest, phoneNumber ? { phoneNumber: digits(phoneNumber) } : {}); return { message: "Saved", whatsappNumber: showNumber(n) }; }],
  ["DELETE", "/whatsapp/:id", (c, id) => { admin(c); const n = numberOf(id); need(n, 404, "WhatsApp number not found"); db.numbers = db.numbers.filter((x) => x !== n); db.sessions = db.sessions.filter((s) => s.whatsappNumberId !== n.id); for (const e of byNumber.get(n.id)) db.chats.delete(e.chat.id); note(c.user, "number.delete", `number:${n.id}`); return { message: "Deleted" }; }],
  ["PATCH", "/whatsapp/:id/toggle-status", (c, id) => { admin(c); const n = numberOf(id); need(n, 404, "WhatsApp number not found"); n.isActive = !n.isActive; return { message: "Saved", whatsappNumber: showNumber(n) }; }],
  ["GET", "/sessions", (c) => ({ success: true, message: "ok", data: db.sessions.filter((s) => may(c.user, s.whatsappNumberId)).map(showSession), pagination: { currentPage: 1, totalPages: 1, totalItems: db.sessions.length, itemsPerPage: 1000 } })],
  ["POST", "/sessions/:id", async (c, id) => { admin(c); return { success: true, message: "Started", data: showSession(await startLink(c, id, c.q.get("method"))) }; }],
  ["GET", "/sessions/:id", (c, id) => { const row = may(c.user, id) && db.sessions.find((s) => s.whatsappNumberId === Number(id)); need(row, 404, "Active session not found for this WhatsApp number"); return { success: true, message: "ok", data: showSession(row) }; }],
  ["GET", "/sessions/:id/qr", (c, id) => { const s = sessionOf(c, id); need(s.qr, 404, "There is no QR code now", { status: s.status }); return { success: true, message: "ok", data: { sessionId: s.id, qrCode: s.qr.image, status: s.status, isLive: true, expiresAt: s.qr.expiresAt } }; }],
  ["PATCH", "/sessions/:id/status", (c, id) => { admin(c); const s = sessionOf(c, id); link(numberOf(s.whatsappNumberId), c.body.status); return { success: true, message: "ok", data: showSession(s) }; }],
  ["DELETE", "/sessions/:id", (c, id) => { admin(c); const s = sessionOf(c, id); link(numberOf(s.whatsappNumberId), "DISCONNECTED", { reason: "logged_out" }); note(c.user, "session.unlink", `number:${s.whatsappNumberId}`); return { success: true, message: "Unlinked" }; }],
  ["POST", "/sessions/:id/send-message", (c, id) => {
    const s = sessionOf(c, id), number = numberOf(s.whatsappNumberId), { message, clientId, quotedMessageId } = c.body, to = c.body.to ?? c.body.phoneNumber;
    need(message, 400, "message is required"); need(to, 400, "to is required");
    const known = clientId && db.sent.get(`${c.user.id} ${clientId}`);
    if (known) return known;
    const entry = String(to).endsWith("@g.us") ? byNumber.get(number.id).find((e) => e.chat.contactJid === to) : chatFor(number, digits(to));
    const quoted = quotedMessageId && entry.messages.find((m) => m.messageId === quotedMessageId);
    const row = store(entry, { content: message, isFromMe: true, fromJid: `${number.phoneNumber}@s.whatsapp.net`, fromNumber: `+${number.phoneNumber}`, fromName: number.name, status: "PENDING", sentBy: { id: c.user.id, name: c.user.name }, quotedMessageId: quotedMessageId ?? null, quotedContent: quoted?.content ?? null, clientId: clientId ?? null });
    if (s.status === "CONNECTED") deliver(entry, row);
    note(c.user, "message.send", `chat:${entry.chat.id}`);
    const answer = { success: true, message: "Message sent successfully", data: { sessionId: s.id, from: showNumber(number), to: pretty(digits(to)), message, messageId: row.messageId, id: row.id, chatId: entry.chat.id, status: row.status, timestamp: row.timestamp } };
    if (clientId) db.sent.set(`${c.user.id} ${clientId}`, answer);
    return answer;
  }],
  ["GET", "/chats/:id/search", (c, id) => { need(may(c.user, id), 403, "Unauthorized access to WhatsApp number"); const q = c.q.get("q") ?? ""; return { success: true, message: "ok", data: sorted(Number(id)).filter((e) => has(e.chat.contactName, q) || e.chat.contactNumber.includes(q)).slice(0, 50).map((e) => e.chat), query: q }; }],
  ["GET", "/chats/:id/messages", (c, id) => {
    const e = chatOf(c, id), limit = clamp(c.q.get("limit"), 1, 200, 50), index = (key) => { const at = e.messages.findIndex((m) => m.id === c.q.get(key)); need(at >= 0, 404, "Message not found"); return at; };
    let rows;
    if (c.q.get("after")) { const at = index("after"); rows = e.messages.slice(at + 1, at + 1 + limit); }
    else { const end = c.q.get("before") ? index("before") : e.messages.length - clamp(c.q.get("offset"), 0, 1e9, 0); rows = e.messages.slice(Math.max(0, end - limit), Math.max(0, end)); }
    return { success: true, message: "ok", data: rows.map(show), pagination: { limit, offset: 0, total: e.messages.length } };
  }],
  ["PATCH", "/chats/:id/read", (c, id) => { const e = chatOf(c, id); read(e); return { success: true, message: "Marked as read" }; }],
  ["GET", "/chats/:id", (c, id) => { need(may(c.user, id), 403, "Unauthorized access to WhatsApp number"); const archived = c.q.get("archived") === "true", all = sorted(Number(id)).filter((e) => e.chat.isArchived === archived), limit = clamp(c.q.get("limit"), 1, 200, 50), offset = clamp(c.q.get("offset"), 0, 1e9, 0); return { success: true, message: "ok", data: all.slice(offset, offset + limit).map((e) => e.chat), pagination: { limit, offset, total: all.length } }; }],
  ["GET", "/messages/search", (c) => {
    const q = (c.q.get("q") ?? "").toLowerCase(), out = [];
    for (const e of db.chats.values()) {
      if (!may(c.user, e.number.id) || (c.q.get("chatId") && e.chat.id !== c.q.get("chatId")) || (c.q.get("whatsappNumberId") && e.number.id !== Number(c.q.get("whatsappNumberId")))) continue;
      for (const m of e.messages) if (m.content.toLowerCase().includes(q)) out.push({ message: show(m), chat: { ...e.chat, whatsappNumberId: e.number.id }, snippet: m.content.replace(new RegExp(q.replace(/[^\p{L}\p{N} ]/gu, "."), "giu"), "\u0002$&\u0003") });
    }
    return { success: true, message: "ok", data: out.sort((a, b) => (a.message.timestamp < b.message.timestamp ? 1 : -1)).slice(0, clamp(c.q.get("limit"), 1, 100, 50)) };
  }],
  ["GET", "/messages/:id", (c, id) => { for (const e of db.chats.values()) if (may(c.user, e.number.id)) { const m = e.messages.find((x) => x.id === id || x.messageId === id); if (m) return { success: true, message: "ok", data: m }; } throw new Fail(404, "Message not found"); }],
  ["GET", "/wapermission/me", (c) => ({ success: true, message: "ok", data: permsOf(c.user) })],
  ["GET", "/wapermission/user/:id", (c, id) => { admin(c); return { success: true, message: "ok", data: permsOf(db.users.find((u) => u.id === Number(id)), true) }; }],
  ["POST", "/wapermission", (c) => { admin(c); const { userId, whatsappNumberId } = c.body; need(!db.perms.some((p) => p.userId === userId && p.whatsappNumberId === whatsappNumberId), 409, "Permission exists already"); const row = { id: nextId(), userId, whatsappNumberId, createdAt: now(), updatedAt: now() }; db.perms.push(row); note(c.user, "permission.grant", `user:${userId}`, { number: whatsappNumberId }); rooms(userId, whatsappNumberId, true); return [201, { success: true, message: "Granted", data: row }]; }],
  ["DELETE", "/wapermission/:id", (c, id) => { admin(c); const row = db.perms.find((p) => p.id === Number(id)); need(row, 404, "Permission not found"); db.perms = db.perms.filter((p) => p !== row); note(c.user, "permission.revoke", `user:${row.userId}`, { number: row.whatsappNumberId }); rooms(row.userId, row.whatsappNumberId, false); return { success: true, message: "Revoked", data: row }; }],
  ["GET", "/chat-templates", (c) => { const s = c.q.get("search") ?? c.q.get("q") ?? ""; const { rows, p } = paging(c.q, db.templates.filter((t) => [t.name, t.commands, t.content].some((x) => has(x, s)) && (c.q.get("isActive") !== "true" || t.isActive))); return { success: true, message: "ok", data: rows, pagination: p }; }],
  ["POST", "/chat-templates", (c) => { admin(c); unique(db.templates, c.body, "commands", "Command already exists, must be unique"); const t = { id: nextId(), ...c.body, createdAt: now(), updatedAt: now() }; db.templates.push(t); note(c.user, "template.create", `template:${t.id}`); return [201, { success: true, message: "Created", data: t }]; }],
  ["PUT", "/chat-templates/:id", (c, id) => { admin(c); const t = db.templates.find((x) => x.id === Number(id)); need(t, 404, "Template not found"); if (c.body.commands) unique(db.templates, c.body, "commands", "Command already exists, must be unique", t.id); Object.assign(t, c.body, { updatedAt: now() }); return { success: true, message: "Saved", data: t }; }],
  ["DELETE", "/chat-templates/:id", (c, id) => { admin(c); db.templates = db.templates.filter((t) => t.id !== Number(id)); return { success: true, message: "Deleted" }; }],
  ["GET", "/api-keys", (c) => { admin(c); const { rows, p } = paging(c.q, db.keys); return { success: true, message: "ok", data: rows, pagination: p }; }],
  ["POST", "/api-keys", (c) => { admin(c); const key = `wbx_${randomBytes(24).toString("base64url")}`; const row = { id: nextId(), name: c.body.name, prefix: key.slice(0, 8), scopes: c.body.scopes, whatsappNumberIds: c.body.whatsappNumberIds ?? [], createdAt: now(), lastUsedAt: null }; db.keys.push(row); note(c.user, "api-key.create", `key:${row.id}`); return [201, { success: true, message: "Created", data: { ...row, key } }]; }],
  ["DELETE", "/api-keys/:id", (c, id) => { admin(c); db.keys = db.keys.filter((k) => k.id !== Number(id)); return { success: true, message: "Deleted" }; }],
  ["GET", "/audit", (c) => { admin(c); const before = clamp(c.q.get("before"), 1, 1e12, Infinity), limit = clamp(c.q.get("limit"), 1, 1000, 50), rows = db.audit.filter((a) => a.id < before && a.action.startsWith(c.q.get("action") ?? "")); return { success: true, message: "ok", data: rows.slice(0, limit), pagination: { limit, nextBefore: rows.length > limit ? rows[limit - 1].id : null } }; }],
  ["GET", "/stats", (c) => {
    const wanted = c.q.get("whatsappNumberId"), from = clamp(c.q.get("from"), 0, 1e15, Date.now() - 86_400_000), hours = new Map();
    need(!wanted || may(c.user, wanted), 403, "Unauthorized access to WhatsApp number");
    for (const e of db.chats.values()) if (may(c.user, e.number.id) && (!wanted || e.number.id === Number(wanted))) {
      let asked = null;
      for (const m of e.messages) {
        const at = Date.parse(m.timestamp), key = Math.floor(at / 3_600_000) * 3_600_000, answer = m.isFromMe && asked !== null ? at - asked : null;
        asked = m.isFromMe ? null : asked ?? at;
        if (at < from) continue;
        const h = hours.get(key) ?? { hour: new Date(key).toISOString(), whatsappNumberId: null, received: 0, sent: 0, responses: 0, averageResponseMs: null, maxResponseMs: null };
        h[m.isFromMe ? "sent" : "received"]++;
        if (answer !== null) { h.averageResponseMs = Math.round(((h.averageResponseMs ?? 0) * h.responses + answer) / (h.responses + 1)); h.responses++; h.maxResponseMs = Math.max(h.maxResponseMs ?? 0, answer); }
        hours.set(key, h);
      }
    }
    return { success: true, message: "ok", data: [...hours.values()].sort((a, b) => (a.hour < b.hour ? -1 : 1)), from: new Date(from).toISOString(), to: now() };
  }],
  ["GET", "/numbers/:id/events", (c, id) => { need(may(c.user, id), 403, "Unauthorized access to WhatsApp number"); const after = clamp(c.q.get("after"), 0, 1e12, 0); return { success: true, message: "ok", data: db.logs.get(Number(id)).slice(after, after + clamp(c.q.get("limit"), 1, 1000, 100)) }; }],
  ["GET", "/realtime/status", () => ({ success: true, message: "Real-time service is active", data: { socketService: "active", connectedUsers: new Set([...io.sockets.sockets.values()].map((s) => s.data.user.id)).size, features: [] } })],
].map(([method, path, run, open]) => ({ method, run, open, match: new RegExp(`^${path.replace(/:\w+/g, "([^/]+)")}$`) }));

function permsOf(user, all = false) {
  need(user, 404, "User not found");
  const list = user.role === "ADMIN" ? db.numbers.map((n) => ({ id: null, userId: user.id, whatsappNumberId: n.id, createdAt: null, updatedAt: null })) : db.perms.filter((p) => p.userId === user.id);
  return list.map((p) => ({ ...p, whatsappNumber: showNumber(numberOf(p.whatsappNumberId)) })).filter((p) => p.whatsappNumber && (all || p.whatsappNumber.isActive));
}
function rooms(userId, numberId, granted) {
  for (const s of io.sockets.sockets.values()) if (s.data.user.id === userId) { granted ? s.join(room(numberId)) : s.leave(room(numberId)); s.emit("permission:changed", { whatsappNumberId: numberId, granted }); }
}
function read(entry) {
  if (entry.chat.unreadCount === 0) return;
  entry.chat = { ...entry.chat, unreadCount: 0 };
  log(entry.number.id, "chat:read", { chatId: entry.chat.id });
  changed(entry);
}

const csp = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".json": "application/json" };
function page(request, response, path) {
  let file = join(dist, normalize(path));
  if (!file.startsWith(dist) || !existsSync(file) || statSync(file).isDirectory()) file = extname(path) ? null : join(dist, "index.html");
  if (!file || !existsSync(file)) return response.writeHead(404, { "content-type": "application/json" }).end('{"success":false,"error":"Not Found","message":"No such page."}');
  response.writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream", "content-security-policy": csp, "x-content-type-options": "nosniff", "cache-control": file.includes("assets") ? "public, max-age=31536000, immutable" : "no-cache" });
  createReadStream(file).pipe(response);
}

async function answer(request, response) {
  const url = new URL(request.url, "http://x");
  const reply = (code, body) => response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(body));
  response.setHeader("access-control-allow-origin", request.headers.origin ?? "*");
  response.setHeader("access-control-allow-headers", "authorization, content-type");
  response.setHeader("access-control-allow-methods", "GET, POST, PUT, PATCH, DELETE");
  if (request.method === "OPTIONS") return response.writeHead(200).end("{}");
  try {
    let text = "";
    for await (const chunk of request) text += chunk;
    const body = text ? JSON.parse(text) : {};
    if (url.pathname === "/health") return reply(200, { status: "OK", message: "mock", timestamp: now(), version: "mock", uptime: process.uptime() });
    if (!url.pathname.startsWith("/api/v1")) return page(request, response, url.pathname);
    const path = url.pathname.slice(7).replace(/^\/(login|me|logout)$/, "/auth/$1");
    const token = (request.headers.authorization ?? "").replace(/^Bearer /, "");
    for (const { method, match, run, open } of routes) {
      const found = method === request.method && match.exec(path);
      if (!found) continue;
      const user = db.users.find((u) => u.id === tokens.get(token));
      if (!open) need(user, 401, token ? "The token is expired or revoked." : "The token is missing.");
      const result = await run({ body, q: url.searchParams, user, token }, ...found.slice(1).map(decodeURIComponent));
      return Array.isArray(result) ? reply(...result) : reply(200, result);
    }
    throw new Fail(404, "There is no such call.");
  } catch (error) {
    const code = error instanceof Fail ? error.code : error instanceof SyntaxError ? 400 : 500;
    if (code === 500) console.error(error);
    reply(code, { success: false, error: phrases[code], message: error.message, ...(error.details ? { details: error.details } : {}) });
  }
}

// ---- Socket.IO

function sockets(server) {
  io = new Server(server, { cors: { origin: true, credentials: true } });
  io.use((socket, next) => {
    const token = socket.handshake.auth.token;
    const user = db.users.find((u) => u.id === tokens.get(token));
    if (!user) return next(Object.assign(new Error(`Authentication error: ${token ? "invalid token" : "missing token"}`), { data: { code: "UNAUTHORIZED" } }));
    Object.assign(socket.data, { user, token });
    next();
  });
  io.on("connection", (socket) => {
    const { user } = socket.data;
    const resume = socket.handshake.auth.resume ?? {};
    for (const number of permitted(user)) {
      const rows = db.logs.get(number.id);
      const from = resume[number.id];
      if (from !== undefined) for (const row of rows.slice(from)) socket.emit(row.event, { ...row.data, seq: row.seq });
      socket.join(room(number.id));
      socket.emit("chat:list", { whatsappNumberId: number.id, chats: sorted(number.id).filter((e) => !e.chat.isArchived).slice(0, 20).map((e) => e.chat), pagination: { limit: 20, offset: 0, total: byNumber.get(number.id).length } });
      const s = db.sessions.find((x) => x.whatsappNumberId === number.id);
      socket.emit("whatsapp:status", { whatsappNumberId: number.id, status: s?.status ?? "DISCONNECTED", lastConnected: s?.lastConnected ?? null, phoneNumber: `+${number.phoneNumber}`, seq: rows.length });
    }
    const on = (event, run) => socket.on(event, (payload = {}, ack) => {
      try {
        const data = run(payload);
        ack?.({ success: true, data: data ?? null });
      } catch (error) {
        ack ? ack({ success: false, message: error.message, code: error.code ?? "ERROR" }) : socket.emit("error", { message: error.message, code: "FORBIDDEN", event });
      }
    });
    const c = { user };
    on("chat:get-list", ({ whatsappNumberId, limit = 50, offset = 0 }) => { need(may(user, whatsappNumberId), 403, "Unauthorized access to WhatsApp number"); const all = sorted(whatsappNumberId); const data = { whatsappNumberId, chats: all.slice(offset, offset + limit).map((e) => e.chat), pagination: { limit, offset, total: all.length } }; socket.emit("chat:list", data); return data; });
    on("chat:get-history", ({ chatId, limit = 50, offset = 0, order = "desc" }) => { const e = chatOf(c, chatId); const end = e.messages.length - offset; const data = { chatId, messages: e.messages.slice(Math.max(0, end - limit), end).reverse().map(show), pagination: { limit, offset, total: e.messages.length }, order }; socket.emit("chat:history", data); return data; });
    on("chat:mark-read", ({ chatId }) => read(chatOf(c, chatId)));
    on("whatsapp:get-status", ({ whatsappNumberId }) => { need(may(user, whatsappNumberId), 403, "Unauthorized access to WhatsApp number"); const s = db.sessions.find((x) => x.whatsappNumberId === whatsappNumberId); const data = { whatsappNumberId, status: s?.status ?? "DISCONNECTED", lastConnected: s?.lastConnected ?? null, phoneNumber: null }; socket.emit("whatsapp:status", data); return data; });
    const tell = (chatId, change) => { const e = chatOf(c, chatId); socket.to(room(e.number.id)).emit("chat:presence", { chatId, whatsappNumberId: e.number.id, agent: { id: user.id, name: user.name }, ...change }); };
    on("chat:typing", ({ chatId, isTyping }) => tell(chatId, { contact: isTyping ? "composing" : "paused" }));
    on("chat:viewing", ({ chatId, viewing }) => tell(chatId, { viewing }));
    on("message:send", ({ chatId, message, clientId, quotedMessageId }) => {
      const e = chatOf(c, chatId);
      const call = { ...c, body: { to: e.chat.isGroup ? e.chat.contactJid : e.chat.contactNumber, message, clientId, quotedMessageId } };
      const { id } = routes.find((one) => one.match.test("/sessions/x/send-message")).run(call, session(e.number).id).data;
      return show(e.messages.find((m) => m.id === id));
    });
    on("whatsapp:subscribe", () => null);
    socket.on("ping", (_, ack) => ack?.());
  });
}

// ---- demo

const people = "Siti Rahma|Budi Santoso|Dewi Lestari|Agus Wijaya|Rina Kusuma|Andi Pratama|Putri Ayu|Joko Susilo|Maya Sari|Hendra Gunawan|Lina Marlina|Toko Sinar Jaya|Yusuf Ibrahim|Fitri Handayani|Eko Nugroho|Nadia Zahra|Rudi Hartono|Ratna Dewi|Bayu Saputra|Wulan Oktavia".split("|");
const lines = "Selamat pagi, apakah barang ini masih ada?|Could you send me the invoice again please?|Terima kasih banyak 🙏|Kapan pesanan saya dikirim?|I'd like to change the delivery address.|Ok siap|Berapa ongkir ke Surabaya?|Can I pay with QRIS?|Sudah saya transfer ya, mohon dicek|*Urgent:* the box arrived damaged|https://example.com/order/4711?ref=wa what about this one?|Ukuran L ada?|👍|Bisa diambil di toko hari ini?|<b>Is this bold?</b> <img src=x onerror=alert(1)>|Halo kak|We are open until 17.00 today.|Baik, kami proses dulu ya kak.\nNomor resi menyusul sore ini.".split("|");
const replies = "Baik kak, terima kasih!|Ok noted 👍|Siap, saya tunggu ya|Great, thanks a lot!|Kalau besok bisa?|Sudah saya terima 🙏".split("|");
let seed = 7;
const random = () => { seed = (seed * 1103515245 + 12345) & 0x7fffffff; return seed / 0x7fffffff; };
const pick = (list) => list[Math.floor(random() * list.length)];
const ago = (ms) => new Date(Date.now() - ms).toISOString();

function talk(entry, n, spanMs, agents) {
  const number = entry.number, members = entry.chat.isGroup ? people.slice(0, 6) : null;
  for (let i = 0; i < n; i++) {
    const mine = random() < 0.4, who = members && pick(members), phone = members ? `62813000${String(people.indexOf(who)).padStart(5, "0")}` : entry.chat.contactNumber;
    const before = entry.messages.at(-1);
    const quoted = before && random() < 0.08 ? before : null;
    const row = store(entry, { content: pick(lines), timestamp: ago(Math.round(spanMs * (1 - i / n) ** 1.5) + 60_000), isFromMe: mine, status: mine ? "READ" : "DELIVERED", sentBy: mine && random() < 0.85 ? pick(agents) : null,
      fromJid: mine ? `${number.phoneNumber}@s.whatsapp.net` : `${phone}@s.whatsapp.net`, fromNumber: mine ? `+${number.phoneNumber}` : `+${phone}`, fromName: mine ? number.name : who ?? entry.chat.contactName,
      quotedMessageId: quoted?.messageId ?? null, quotedContent: quoted?.content ?? null }, { quiet: true });
    if (random() < 0.06) row.reactions = [{ emoji: pick(["👍", "❤️", "🙏", "😂"]), fromJid: entry.chat.contactJid, fromName: entry.chat.contactName, isFromMe: false }];
    if (random() < 0.03) row.editedAt = row.timestamp;
    if (random() < 0.02) Object.assign(row, { revokedAt: row.timestamp, content: "This message was deleted" });
  }
}

function demo() {
  const password = process.env.ADMIN_PASSWORD ?? "wabox-demo";
  const boss = addUser({ name: "Admin", username: "admin", password, role: "ADMIN" });
  const [anna, bagus] = [addUser({ name: "Anna Wijaya", username: "agent1", password }), addUser({ name: "Bagus Pratama", username: "agent2", password })];
  const agents = [boss, anna, bagus].map(({ id, name }) => ({ id, name }));
  const numbers = [addNumber("Support", "6281200000001"), addNumber("Sales Jakarta", "6281200000002"), addNumber("Gudang", "6281200000003")];
  for (const n of numbers.slice(0, 2)) { session(n, "CONNECTED"); grant(anna, n); }
  Object.assign(session(numbers[2], "DISCONNECTED"), { errorMessage: "The phone has logged this device out.", lastConnected: ago(86_400_000 * 2) });
  grant(bagus, numbers[0]);
  numbers.forEach((number, k) => {
    people.forEach((name, i) => {
      const entry = addChat(number, { name, phone: `62813${k}00${String(1000 + i)}`, pinned: i === 3, archived: i > 17 });
      talk(entry, i === 0 ? 400 : 6 + Math.floor(random() * 40), 86_400_000 * (i < 10 ? 1 : 12), agents);
      if (random() < 0.4) entry.chat.unreadCount = 1 + Math.floor(random() * 5);
    });
    const group = addChat(number, { phone: `12036300000000${k}`, group: k ? "Reseller Bandung" : "Tim Operasional" });
    talk(group, 60, 86_400_000 * 2, agents);
    group.messages.at(-1).content = "@6281300000001 tolong dibantu ya";
    group.messages.at(-1).mentions = [{ jid: "6281300000001@s.whatsapp.net", name: "Budi Santoso" }];
  });
  [["Greeting", "/halo", "Halo {{name}}, dengan {{agent}} dari {{line}}. Ada yang bisa kami bantu?"], ["Payment details", "/bayar", "Silakan transfer ke BCA 123-456-7890 a.n. PT WaBox, lalu kirim bukti di sini ya kak {{firstName}}."], ["Opening hours", "/jam", "Kami buka Senin–Jumat 08.00–17.00 WIB."], ["Tracking", "/resi", "Nomor resi pesanan Anda: {{tracking}}"]]
    .forEach(([name, commands, content]) => db.templates.push({ id: nextId(), name, commands, content, isActive: true, createdAt: now(), updatedAt: now() }));
  for (let i = 0; i < 45; i++) note(pick(db.users), pick(["login", "message.send", "permission.grant", "number.update"]), `chat:${i}`);
  if (!flag("quiet")) setInterval(() => {
    const entry = pick(byNumber.get(pick(numbers.slice(0, 2)).id));
    io.to(room(entry.number.id)).emit("chat:presence", { chatId: entry.chat.id, whatsappNumberId: entry.number.id, agent: null, contact: "composing" });
    setTimeout(() => store(entry, { content: pick(lines) }, { unread: true }), 2000);
  }, 7000).unref();
}

function big(chats, messages) {
  const boss = addUser({ name: "Admin", username: "admin", password: process.env.ADMIN_PASSWORD ?? "wabox-demo", role: "ADMIN" });
  const number = addNumber("Load", "6281200000001");
  session(number, "CONNECTED");
  for (let i = 0; i < chats; i++) {
    const entry = addChat(number, { name: `${pick(people)} ${i}`, phone: `62813${String(1000000 + i)}` });
    const n = i === 0 ? messages : i === 1 ? 50 : 2;
    for (let k = 0; k < n; k++) store(entry, { content: `${pick(lines)} #${k}`, timestamp: ago((n - k) * 60_000 + i * 1000), isFromMe: k % 3 === 0, status: "READ", sentBy: k % 3 === 0 ? { id: boss.id, name: boss.name } : null }, { quiet: true });
  }
}

if (flag("chats")) big(option("chats", 10_000), option("messages", 100));
else if (flag("empty")) addUser({ name: "Admin", username: "admin", password: process.env.ADMIN_PASSWORD ?? "wabox-demo", role: "ADMIN" });
else demo();

const server = createServer(answer);
sockets(server);
if (/^(ws|http)/.test(process.env.WABOX_WHATSAPP ?? "")) join_network(process.env.WABOX_WHATSAPP);
server.listen(Number(process.env.PORT ?? 5000), process.env.HOST ?? "127.0.0.1", () => console.log(JSON.stringify({ ready: true, port: server.address().port })));
process.on("SIGTERM", () => process.exit(0));
