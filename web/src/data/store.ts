/**
 * The browser's copy of the inbox: chats, messages, link states, presence and unsent messages, normalised.
 *
 * Containers are mutable, what they hold is not: a changed chat or message is a new object, so a component that
 * selects one entity renders only when that entity changed. Live events are queued and applied once per animation
 * frame, so 200 events a second cost at most one notification per frame.
 */
import type { ServerEvents } from "@wabox/client";
import { useSyncExternalStore } from "react";
import type { Chat, ChatRow, Link, LinkStatus, Message, MessageStatus, OutboxRow, PhoneNumber } from "./types";

/** A contiguous piece of a chat's messages, oldest first. */
export interface History {
  ids: string[];
  hasOlder: boolean;
  /** True after a jump into the past: newer messages exist that are not loaded, so live ones are not appended. */
  hasNewer: boolean;
  loading: "first" | "older" | "newer" | null;
  error: string | null;
  /** The server asked to load again (`resync`). */
  stale: boolean;
  /** Which stretch of the chat this is: a page that was asked for in another one does not belong here. */
  epoch: number;
}

/** How far the chat list of a number is loaded. */
export interface ListState {
  loaded: number;
  total: number | null;
  loading: boolean;
  error: string | null;
}

export interface AgentPresence {
  id: number;
  name: string;
  typing: boolean;
  viewing: boolean;
  until: number;
}

export interface Presence {
  /** The customer is typing until this moment (epoch ms). */
  contactUntil: number;
  agents: AgentPresence[];
}

export interface State {
  numbers: Map<number, PhoneNumber>;
  numbersReady: boolean;
  numbersVersion: number;
  links: Map<number, Link>;
  chats: Map<string, ChatRow>;
  /** Every known chat: pinned first, then newest. */
  order: string[];
  /** Moves whenever any chat or the order changed. */
  orderVersion: number;
  /** Events applied so far, and by chat the last one that told how it stands. */
  eventCount: number;
  chatEvents: Map<string, number>;
  lists: Map<string, ListState>;
  messages: Map<string, Message>;
  idByWaId: Map<string, string>;
  histories: Map<string, History>;
  presence: Map<string, Presence>;
  outbox: Map<string, OutboxRow>;
  outboxVersion: number;
  /** Stored message id -> clientId it was shown under, so that its row keeps its identity on screen. */
  rowKeys: Map<string, string>;
  qr: Map<number, { qrCode: string; expiresAt: string }>;
  /** Arrivals for notifications; taken by whoever announces them. `isTold`: what the message did to its chat is known. */
  arrivals: (ServerEvents["message:new"] & { isTold: boolean })[];
}

export const emptyState = (): State => ({
  numbers: new Map(), numbersReady: false, numbersVersion: 0, links: new Map(), chats: new Map(), order: [], orderVersion: 0, eventCount: 0, chatEvents: new Map(),
  lists: new Map(), messages: new Map(), idByWaId: new Map(), histories: new Map(), presence: new Map(), outbox: new Map(),
  outboxVersion: 0, rowKeys: new Map(), qr: new Map(), arrivals: [],
});

export type LiveEvent = { [E in keyof ServerEvents]: { event: E; data: ServerEvents[E] } }[keyof ServerEvents];

export const emptyHistory: History = { ids: [], hasOlder: false, hasNewer: false, loading: null, error: null, stale: false, epoch: 0 };
/** Messages of one chat held at a time: what a page costs to put before them grows with their number. */
export const keptMessages = 1_200;
const typingShownMs = 12_000;
const viewingShownMs = 90_000;

export const listKey = (numberId: number, archived: boolean) => `${numberId}${archived ? ":archived" : ""}`;

// ---- chats

export function compareChats(a: ChatRow, b: ChatRow): number {
  if (a.isPinned !== b.isPinned) return a.isPinned ? -1 : 1;
  if (a.lastMessageTime !== b.lastMessageTime) return a.lastMessageTime < b.lastMessageTime ? 1 : -1;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** Puts the changed ids in their places: O(n + k log k), since all others are in order already. */
export function reorder(order: readonly string[], chats: ReadonlyMap<string, ChatRow>, changed: ReadonlySet<string>): string[] {
  const moved = [...changed].map((id) => chats.get(id)).filter((chat) => chat !== undefined).sort(compareChats);
  const out: string[] = [];
  let next = 0;
  for (const id of order) {
    if (changed.has(id)) continue;
    const chat = chats.get(id);
    if (!chat) continue;
    while (next < moved.length && compareChats(moved[next]!, chat) < 0) out.push(moved[next++]!.id);
    out.push(id);
  }
  while (next < moved.length) out.push(moved[next++]!.id);
  return out;
}

/** Muted on the phone, and still so. */
export const isMuted = (chat: Chat, now: number): boolean => chat.mutedUntil != null && Date.parse(chat.mutedUntil) > now;

/** Waits for somebody: unread messages, or marked as unread by hand. */
export const isUnread = (chat: Chat): boolean => chat.unreadCount > 0 || chat.isMarkedUnread === true;

export const nameOf = (chat: Chat): string => (chat.isGroup && chat.groupName) || chat.contactName;

const toRow = (numberId: number, chat: Chat): ChatRow => ({ ...chat, whatsappNumberId: numberId });

/**
 * Chats of an answer that was asked for when `asOf` events had come. What an event said since then is newer than the answer
 * may be, and stays.
 */
export function putChats(state: State, numberId: number, chats: readonly Chat[], asOf = Infinity): void {
  const changed = new Set<string>();
  for (const chat of chats) {
    if ((state.chatEvents.get(chat.id) ?? 0) > asOf) continue;
    state.chats.set(chat.id, toRow(numberId, chat));
    changed.add(chat.id);
  }
  touchChats(state, changed);
}

function touchChats(state: State, changed: ReadonlySet<string>): void {
  if (changed.size === 0) return;
  state.order = reorder(state.order, state.chats, changed);
  state.orderVersion++;
}

export function putNumbers(state: State, numbers: readonly PhoneNumber[]): void {
  const keep = new Set(numbers.map((number) => number.id));
  for (const id of [...state.numbers.keys()]) if (!keep.has(id)) dropNumber(state, id);
  state.numbers = new Map(numbers.map((number) => [number.id, number]));
  state.numbersReady = true;
  state.numbersVersion++;
}

/** Access is gone: nothing of the number may stay on screen or in memory. */
export function dropNumber(state: State, numberId: number): void {
  state.numbers.delete(numberId);
  state.links.delete(numberId);
  state.qr.delete(numberId);
  state.lists.delete(listKey(numberId, false));
  state.lists.delete(listKey(numberId, true));
  for (const chat of [...state.chats.values()]) {
    if (chat.whatsappNumberId !== numberId) continue;
    state.chats.delete(chat.id);
    state.chatEvents.delete(chat.id);
    state.presence.delete(chat.id);
    dropHistory(state, chat.id);
  }
  state.arrivals = state.arrivals.filter((one) => one.whatsappNumberId !== numberId);
  state.order = state.order.filter((id) => state.chats.has(id));
  state.orderVersion++;
  state.numbersVersion++;
}

// ---- messages

/** Status only moves forward; FAILED is final unless the server reports a success later. */
const statusRank: Record<MessageStatus, number> = { PENDING: 0, FAILED: 1, SENT: 2, DELIVERED: 3, READ: 4 };
export const laterStatus = (a: MessageStatus, b: MessageStatus): MessageStatus => (statusRank[b] > statusRank[a] ? b : a);

export function putMessage(state: State, message: Message): Message {
  const known = state.messages.get(message.id);
  const status = known ? laterStatus(known.status, message.status) : message.status;
  const merged: Message = known ? { ...known, ...message, status } : message;
  state.messages.set(merged.id, merged);
  if (merged.messageId) state.idByWaId.set(merged.messageId, merged.id);
  return merged;
}

/** Applies a reaction message to the message it reacts to. An empty reaction takes the sender's own one back. */
function react(state: State, reaction: Message): void {
  const target = state.messages.get(state.idByWaId.get(reaction.quotedMessageId ?? "") ?? reaction.quotedMessageId ?? "");
  if (!target) return;
  const others = (target.reactions ?? []).filter((one) => one.fromJid !== reaction.fromJid);
  const emoji = reaction.content.trim();
  const mine = { emoji, fromJid: reaction.fromJid, fromName: reaction.fromName, isFromMe: reaction.isFromMe };
  state.messages.set(target.id, { ...target, reactions: emoji ? [...others, mine] : others });
}

function insertByTime(state: State, ids: readonly string[], message: Message): string[] {
  let at = ids.length;
  while (at > 0 && (state.messages.get(ids[at - 1]!)?.timestamp ?? "") > message.timestamp) at--;
  return ids.toSpliced(at, 0, message.id);
}

export function addLiveMessage(state: State, chatId: string, message: Message): void {
  if (message.type === "REACTION") return react(state, message);
  claimOutbox(state, chatId, message);
  const merged = putMessage(state, message);
  const history = state.histories.get(chatId);
  if (!history || history.hasNewer || history.ids.includes(merged.id)) return;
  state.histories.set(chatId, { ...history, ids: insertByTime(state, history.ids, merged) });
}

/** Messages that came by event while the newest page was on its way, so that page cannot have them. */
function arrivedMeanwhile(state: State, ids: readonly string[], page: readonly Message[]): string[] {
  const last = page.at(-1)?.timestamp ?? "";
  const inPage = new Set(page.map((message) => message.id));
  return ids.filter((id) => !inPage.has(id) && (state.messages.get(id)?.timestamp ?? "") >= last);
}

export type Piece = "replace" | "older" | "newer";

/** Adds a loaded page, oldest first. */
export function putPage(state: State, chatId: string, piece: Piece, page: readonly Message[], more: { older?: boolean; newer?: boolean }): void {
  const shown = page.filter((message) => message.type !== "REACTION");
  for (const message of shown) putMessage(state, message);
  for (const message of page) if (message.type === "REACTION") react(state, message);
  const old = state.histories.get(chatId) ?? emptyHistory;
  const known = new Set(piece === "replace" ? [] : old.ids);
  const fresh = shown.map((message) => message.id).filter((id) => !known.has(id));
  const ids = piece === "replace" ? [...fresh, ...(more.newer ? [] : arrivedMeanwhile(state, old.ids, shown))] : piece === "older" ? [...fresh, ...old.ids] : [...old.ids, ...fresh];
  // What scrolled far out of sight is let go, so that no chat is too long; it is loaded again on the way back.
  const extra = Math.max(0, ids.length - keptMessages);
  const dropped = extra === 0 ? [] : piece === "older" ? ids.splice(keptMessages, extra) : ids.splice(0, extra);
  forget(state, dropped);
  state.histories.set(chatId, {
    ids, loading: null, error: null, stale: false, epoch: old.epoch,
    hasOlder: (more.older ?? old.hasOlder) || (dropped.length > 0 && piece !== "older"),
    hasNewer: (more.newer ?? (piece === "replace" ? false : old.hasNewer)) || (dropped.length > 0 && piece === "older"),
  });
}

function forget(state: State, ids: readonly string[]): void {
  for (const id of ids) {
    const message = state.messages.get(id);
    if (message) state.idByWaId.delete(message.messageId);
    state.messages.delete(id);
    state.rowKeys.delete(id);
  }
}

export function dropHistory(state: State, chatId: string): void {
  forget(state, state.histories.get(chatId)?.ids ?? []);
  state.histories.delete(chatId);
}

export function setHistory(state: State, chatId: string, change: Partial<History>): void {
  state.histories.set(chatId, { ...(state.histories.get(chatId) ?? emptyHistory), ...change });
}

// ---- outbox

export function putOutbox(state: State, row: OutboxRow): void {
  state.outbox.set(row.clientId, row);
  state.outboxVersion++;
}

export function dropOutbox(state: State, clientId: string): void {
  if (state.outbox.delete(clientId)) state.outboxVersion++;
}

/** The stored message of one of our sends arrived, perhaps before the send was answered: its optimistic row goes. */
function claimOutbox(state: State, chatId: string, message: Message): void {
  if (!message.isFromMe || state.messages.has(message.id)) return;
  const named = (message as Message & { clientId?: string }).clientId;
  for (const row of state.outbox.values()) {
    if (row.chatId !== chatId || row.state !== "sending") continue;
    if (named ? row.clientId !== named : row.text !== message.content) continue;
    state.rowKeys.set(message.id, row.clientId);
    dropOutbox(state, row.clientId);
    return;
  }
}

// ---- presence

function notePresence(state: State, data: ServerEvents["chat:presence"], now: number): void {
  const old = state.presence.get(data.chatId) ?? { contactUntil: 0, agents: [] };
  if (!data.agent) {
    state.presence.set(data.chatId, { ...old, contactUntil: data.contact === "composing" ? now + typingShownMs : 0 });
    return;
  }
  const { id, name } = data.agent;
  const before = old.agents.find((one) => one.id === id);
  const typing = data.typing ?? (data.contact ? data.contact === "composing" : before?.typing ?? false);
  const viewing = data.viewing ?? before?.viewing ?? typing;
  const rest = old.agents.filter((one) => one.id !== id);
  const agents = typing || viewing ? [...rest, { id, name, typing, viewing, until: now + (viewing ? viewingShownMs : typingShownMs) }] : rest;
  state.presence.set(data.chatId, { ...old, agents });
}

/** Forgets who stopped without saying so. True when something changed. */
export function expirePresence(state: State, now: number): boolean {
  let changed = false;
  for (const [chatId, presence] of state.presence) {
    const agents = presence.agents.filter((one) => one.until > now);
    const contactUntil = presence.contactUntil > now ? presence.contactUntil : 0;
    if (agents.length === presence.agents.length && contactUntil === presence.contactUntil) continue;
    changed = true;
    if (agents.length === 0 && contactUntil === 0) state.presence.delete(chatId);
    else state.presence.set(chatId, { contactUntil, agents });
  }
  return changed;
}

// ---- events

/** Nobody has linked the number, or nobody scanned in time: PENDING, but nothing is starting. */
const idleReasons = new Set(["not_linked", "qr_expired"]);
export const shownLink = (status: LinkStatus, reason: string | null | undefined): LinkStatus => (status === "PENDING" && idleReasons.has(reason ?? "") ? "NONE" : status);

function noteLink(state: State, data: ServerEvents["whatsapp:status"]): void {
  if (data.isTest) return;
  const old = state.links.get(data.whatsappNumberId);
  state.links.set(data.whatsappNumberId, {
    sessionId: old?.sessionId ?? null, status: shownLink(data.status, data.reason), lastConnected: data.lastConnected ?? old?.lastConnected ?? null,
    reason: data.reason ?? null, retryAt: data.retryAt ?? null, scannedPhone: data.scannedPhone ?? null,
  });
  if (data.status === "CONNECTED") state.qr.delete(data.whatsappNumberId);
  state.numbersVersion++;
}

function moveStatus(state: State, data: ServerEvents["message:status"], changed: Set<string>): void {
  const chat = state.chats.get(data.chatId);
  if (chat?.lastMessageStatus && chat.lastMessageId === data.messageId) {
    state.chats.set(chat.id, { ...chat, lastMessageStatus: data.status === "FAILED" ? "FAILED" : laterStatus(chat.lastMessageStatus, data.status) });
    changed.add(chat.id);
  }
  const message = state.messages.get(state.idByWaId.get(data.messageId) ?? data.messageId);
  if (!message) return;
  const status = data.status === "FAILED" && message.status === "PENDING" ? "FAILED" : laterStatus(message.status, data.status);
  if (status !== message.status) state.messages.set(message.id, { ...message, status, ...(status === "FAILED" ? { error: data.error ?? null, errorCode: data.errorCode ?? null } : {}) });
}

/** Puts one event into the state. Chats whose place may have changed are added to `changed`. */
function applyOne(state: State, { event, data }: LiveEvent, changed: Set<string>, now: number): void {
  switch (event) {
    case "chat:list":
      for (const chat of data.chats) {
        state.chats.set(chat.id, toRow(data.whatsappNumberId, chat));
        changed.add(chat.id);
      }
      return;
    case "chat:updated": {
      // A partial chat (old servers send only what changed) keeps the rest of what is known.
      const known = state.chats.get(data.chat.id);
      state.chats.set(data.chat.id, { ...known, ...toRow(data.whatsappNumberId, data.chat) });
      for (const one of state.arrivals) if (one.chatId === data.chat.id && one.seq < data.seq) one.isTold = true;
      changed.add(data.chat.id);
      return;
    }
    case "chat:read": {
      const chat = state.chats.get(data.chatId);
      if (!chat || !isUnread(chat)) return;
      state.chats.set(chat.id, { ...chat, unreadCount: 0, isMarkedUnread: false });
      changed.add(chat.id);
      return;
    }
    case "chat:presence":
      return notePresence(state, data, now);
    case "message:new":
      addLiveMessage(state, data.chatId, data.message);
      if (!data.message.isFromMe) {
        if (data.message.type !== "REACTION") state.arrivals.push({ ...data, isTold: false });
        const presence = state.presence.get(data.chatId);
        if (presence?.contactUntil) state.presence.set(data.chatId, { ...presence, contactUntil: 0 });
      }
      return;
    case "message:updated":
      if (state.messages.has(data.message.id)) putMessage(state, data.message);
      return;
    case "message:status":
      return moveStatus(state, data, changed);
    case "whatsapp:status":
      return noteLink(state, data);
    case "whatsapp:qr":
      state.qr.set(data.whatsappNumberId, { qrCode: data.qrCode, expiresAt: data.expiresAt });
      state.numbersVersion++;
      return;
    case "permission:changed":
      if (!data.granted) dropNumber(state, data.whatsappNumberId);
      return;
    case "resync":
      for (const [chatId, history] of state.histories) {
        if (state.chats.get(chatId)?.whatsappNumberId === data.whatsappNumberId) state.histories.set(chatId, { ...history, stale: true });
      }
      state.lists.delete(listKey(data.whatsappNumberId, false));
      state.lists.delete(listKey(data.whatsappNumberId, true));
      return;
    case "chat:history":
    case "error":
      return;
  }
}

export function applyEvents(state: State, events: readonly LiveEvent[], now: number = Date.now()): void {
  const changed = new Set<string>();
  state.eventCount += events.length;
  for (const event of events) applyOne(state, event, changed, now);
  for (const id of changed) state.chatEvents.set(id, state.eventCount);
  touchChats(state, changed);
}

// ---- the store

export class Store {
  state: State = emptyState();
  private listeners = new Set<() => void>();
  private queue: LiveEvent[] = [];
  private scheduled = false;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  /** Applies a change now and tells everybody. */
  update(change: (state: State) => void): void {
    this.flush(false);
    change(this.state);
    this.notify();
  }

  /** Queues a live event for the next frame (a timer when the page is hidden, since frames stop there). */
  push(event: LiveEvent): void {
    this.queue.push(event);
    if (this.scheduled) return;
    this.scheduled = true;
    if (document.hidden) setTimeout(() => this.flush(), 100);
    else requestAnimationFrame(() => this.flush());
  }

  flush(notify = true): void {
    this.scheduled = false;
    if (this.queue.length === 0) return;
    const events = this.queue;
    this.queue = [];
    applyEvents(this.state, events);
    if (notify) this.notify();
  }

  reset(): void {
    this.queue = [];
    this.state = emptyState();
    this.notify();
  }

  private notify(): void {
    for (const listener of [...this.listeners]) listener();
  }
}

export const store = new Store();

/** Selects from the store. The selector must give the same object while nothing changed. */
export function useStore<T>(select: (state: State) => T): T {
  return useSyncExternalStore(store.subscribe, () => select(store.state));
}
