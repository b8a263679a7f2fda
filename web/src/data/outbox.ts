/**
 * Messages on their way. A send is shown at once and held for the undo window; then it goes out under its clientId,
 * which the server never sends twice, so trying again after a failure or a reload is safe.
 */
import * as api from "./api";
import { ApiError } from "./api";
import { errorText } from "./lists";
import { prefs } from "./prefs";
import { session } from "./session";
import { addLiveMessage, dropOutbox, putOutbox, store } from "./store";
import type { ChatRow, Message, OutboxRow } from "./types";

const storageKey = "wabox.outbox";
const timers = new Map<string, ReturnType<typeof setTimeout>>();
const retryDelays = [1_000, 3_000, 8_000];
/** Sends of one chat go out one after the other, in the order they were written. */
const lanes = new Map<string, Promise<void>>();

export const newClientId = (): string =>
  globalThis.crypto.randomUUID?.() ?? [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

function save(): void {
  try {
    sessionStorage.setItem(storageKey, JSON.stringify({ user: session.get()?.user.id, rows: [...store.state.outbox.values()] }));
  } catch {
    // Without storage the rows live as long as the page.
  }
}

function put(row: OutboxRow): void {
  store.update((state) => putOutbox(state, row));
  save();
}

export function enqueue(chat: ChatRow, text: string, quoted: Message | null): string {
  const now = Date.now();
  const hold = prefs.get().undoSeconds * 1000;
  const row: OutboxRow = {
    clientId: newClientId(), chatId: chat.id, whatsappNumberId: chat.whatsappNumberId, to: chat.isGroup ? chat.contactJid : chat.contactNumber,
    text, quotedMessageId: quoted?.messageId ?? null, quotedContent: quoted?.content ?? null, createdAt: new Date(now).toISOString(),
    state: hold > 0 ? "held" : "sending", holdUntil: now + hold, error: null,
  };
  put(row);
  if (hold > 0) timers.set(row.clientId, setTimeout(() => release(row.clientId), hold));
  else dispatch(row.clientId);
  return row.clientId;
}

/** Ends the undo window. */
export function release(clientId: string): void {
  clearTimeout(timers.get(clientId));
  timers.delete(clientId);
  const row = store.state.outbox.get(clientId);
  if (row?.state !== "held") return;
  put({ ...row, state: "sending" });
  dispatch(clientId);
}

/** Takes a message back that has not left. Returns its text, for the composer. */
export function undo(clientId: string): string | null {
  const row = store.state.outbox.get(clientId);
  if (!row || row.state === "sending") return null;
  clearTimeout(timers.get(clientId));
  timers.delete(clientId);
  store.update((state) => dropOutbox(state, clientId));
  save();
  return row.text;
}

export function retry(clientId: string): void {
  const row = store.state.outbox.get(clientId);
  if (row?.state !== "failed") return;
  put({ ...row, state: "sending", error: null });
  dispatch(clientId);
}

function dispatch(clientId: string): void {
  const chatId = store.state.outbox.get(clientId)?.chatId;
  if (!chatId) return;
  const lane = (lanes.get(chatId) ?? Promise.resolve()).then(() => deliver(clientId));
  lanes.set(chatId, lane);
}

async function deliver(clientId: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const row = store.state.outbox.get(clientId);
    if (row?.state !== "sending") return;
    try {
      return arrived(row, await api.send(sessionOf(row), body(row)));
    } catch (error) {
      const delay = retryDelays[attempt];
      if (!(error instanceof ApiError) || !error.isTemporary || delay === undefined) return put({ ...row, state: "failed", error: errorText(error) });
      await new Promise((resolve) => setTimeout(resolve, delay));
    }
  }
}

const body = (row: OutboxRow) => ({
  to: row.to, message: row.text, clientId: row.clientId, ...(row.quotedMessageId ? { quotedMessageId: row.quotedMessageId } : {}),
});

function sessionOf(row: OutboxRow): string {
  const id = store.state.links.get(row.whatsappNumberId)?.sessionId;
  if (!id) throw new ApiError(409, "not-linked");
  return id;
}

/** The server stored it. The event with the whole message may have come first; then the row is gone already. */
function arrived(row: OutboxRow, sent: api.Sent): void {
  const me = session.get()?.user;
  store.update((state) => {
    dropOutbox(state, row.clientId);
    state.rowKeys.set(sent.id, row.clientId);
    if (state.messages.has(sent.id)) return;
    addLiveMessage(state, row.chatId, {
      id: sent.id, messageId: sent.messageId, fromJid: "", fromNumber: "", fromName: null, content: row.text, type: "TEXT", mediaUrl: null,
      mediaCaption: null, quotedMessageId: row.quotedMessageId, quotedContent: row.quotedContent, isFromMe: true, status: sent.status,
      timestamp: sent.timestamp, sentBy: me ? { id: me.id, name: me.name } : null,
    });
  });
  save();
}

/** Brings back what a reload interrupted. What was held or on its way goes out now; the server knows its clientId. */
export function restoreOutbox(): void {
  try {
    const saved = JSON.parse(sessionStorage.getItem(storageKey) ?? "null") as { user: number; rows: OutboxRow[] } | null;
    if (!saved || saved.user !== session.get()?.user.id) return;
    for (const row of saved.rows) {
      if (store.state.outbox.has(row.clientId)) continue;
      put(row.state === "failed" ? row : { ...row, state: "sending" });
      if (row.state !== "failed") dispatch(row.clientId);
    }
  } catch {
    sessionStorage.removeItem(storageKey);
  }
}

/** The page goes away: held messages leave now instead of being lost with the tab. */
export function flushOutbox(): void {
  for (const row of store.state.outbox.values()) {
    if (row.state !== "held") continue;
    const sessionId = store.state.links.get(row.whatsappNumberId)?.sessionId;
    if (sessionId) void api.send(sessionId, body(row), true).catch(() => undefined);
  }
}

/** Failed messages that were sent again: they keep their reason but are not offered a second time. */
const resent = new Set<string>();
export const wasResent = (id: string): boolean => resent.has(id);

/** Sends the text of a message that WhatsApp did not take once more, as a new message. */
export function resend(chat: ChatRow, message: Message): void {
  if (resent.has(message.id)) return;
  resent.add(message.id);
  const quoted = store.state.messages.get(store.state.idByWaId.get(message.quotedMessageId ?? "") ?? "") ?? null;
  enqueue(chat, message.content, quoted);
}
