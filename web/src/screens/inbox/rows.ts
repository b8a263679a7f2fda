/** The lines of a conversation: days, the unread divider, messages, and messages on their way. */
import type { State } from "../../data/store";
import type { Message, OutboxRow } from "../../data/types";
import { dayKey } from "../../lib/format";

export type Line =
  | { kind: "day"; key: string; at: string }
  | { kind: "unread"; key: string }
  | { kind: "message"; key: string; id: string; first: boolean }
  | { kind: "outbox"; key: string; clientId: string; first: boolean };

const closeMs = 10 * 60_000;

interface When { day: string; ms: number }
/** Reading dates is what costs here, and a message's time never changes. */
const whens = new Map<string, When>();
let whensKept = 0;

function whenOf(iso: string): When {
  let when = whens.get(iso);
  if (!when) {
    if (++whensKept > 200_000) {
      whens.clear();
      whensKept = 0;
    }
    whens.set(iso, (when = { day: dayKey(iso), ms: Date.parse(iso) }));
  }
  return when;
}

const sameSender = (a: Message, b: Message) => a.isFromMe === b.isFromMe && (a.isFromMe ? a.sentBy?.id === b.sentBy?.id : a.fromJid === b.fromJid);
const isClose = (a: string, b: string) => Math.abs(whenOf(b).ms - whenOf(a).ms) < closeMs;

/**
 * `isFromStart`: nothing older can come. Otherwise the oldest day has no line yet: it would stay the first line when an older
 * page of that day comes before its messages, and the view would keep the place of the line, not of what is read. Nor is
 * its first message drawn as the first of its sender.
 */
export function buildLines(state: State, ids: readonly string[], isFromStart: boolean, unreadId: string | null, outbox: readonly OutboxRow[]): Line[] {
  const lines: Line[] = [];
  let before: Message | null = null;
  let day = "";
  for (const id of ids) {
    const message = state.messages.get(id);
    if (!message) continue;
    const today = whenOf(message.timestamp).day;
    if (today !== day && (before || isFromStart)) lines.push({ kind: "day", key: `day ${today}`, at: message.timestamp });
    if (id === unreadId) lines.push({ kind: "unread", key: "unread" });
    const first = before ? today !== day || id === unreadId || before.type === "SYSTEM" || !sameSender(before, message) || !isClose(before.timestamp, message.timestamp) : isFromStart;
    lines.push({ kind: "message", key: state.rowKeys.get(id) ?? id, id, first });
    before = message;
    day = today;
  }
  for (const row of outbox) {
    const today = whenOf(row.createdAt).day;
    if (today !== day) lines.push({ kind: "day", key: `day ${today}`, at: row.createdAt });
    lines.push({ kind: "outbox", key: row.clientId, clientId: row.clientId, first: !before?.isFromMe || today !== day });
    day = today;
  }
  return lines;
}

/** The first of the last `unread` messages of the customer. */
export function firstUnread(state: State, ids: readonly string[], unread: number): string | null {
  let left = unread;
  let found: string | null = null;
  for (let i = ids.length - 1; i >= 0 && left > 0; i--) {
    const message = state.messages.get(ids[i]!);
    if (!message || message.isFromMe) continue;
    found = message.id;
    left--;
  }
  return found;
}

export const outboxOf = (state: State, chatId: string): OutboxRow[] => [...state.outbox.values()].filter((row) => row.chatId === chatId);
