import { beforeEach, describe, expect, it, vi } from "vitest";
import { horizon } from "./lists";
import { addLiveMessage, applyEvents, dropNumber, keptMessages, emptyHistory, emptyState, expirePresence, laterStatus, putChats, putNumbers, putOutbox, putPage, reorder, setHistory, Store, type LiveEvent, type State } from "./store";
import type { Chat, Message, OutboxRow } from "./types";

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 10, minute)).toISOString();

function chat(id: string, minute: number, change: Partial<Chat> = {}): Chat {
  return { id, contactName: id, contactNumber: "+62812", contactJid: "62812@s.whatsapp.net", lastMessage: "x", lastMessageTime: at(minute), unreadCount: 0, isGroup: false, groupName: null, isPinned: false, isArchived: false, mutedUntil: null, lastMessageIsFromMe: false, lastMessageId: null, lastMessageStatus: null, lastMessageFromName: null, isMarkedUnread: false, ephemeralSeconds: 0, contactId: 1, ...change };
}
function message(id: string, minute: number, change: Partial<Message> = {}): Message {
  return { id, messageId: `wa-${id}`, fromJid: "62812@s.whatsapp.net", fromNumber: "+62812", fromName: "Siti", content: id, type: "TEXT", mediaUrl: null, mediaCaption: null, quotedMessageId: null, quotedContent: null, isFromMe: false, status: "DELIVERED", timestamp: at(minute), sentBy: null, ...change };
}
const outbox = (clientId: string, change: Partial<OutboxRow> = {}): OutboxRow => ({ clientId, chatId: "a", whatsappNumberId: 1, to: "+62812", text: "hello", quotedMessageId: null, quotedContent: null, createdAt: at(0), state: "sending", holdUntil: 0, error: null, ...change });
const number = (id: number) => ({ id, name: `N${id}`, phoneNumber: "62812", isActive: true });
const fresh = (m: Message, seq = 1): LiveEvent => ({ event: "message:new", data: { whatsappNumberId: 1, chatId: "a", message: m, epoch: "log", seq } });

let state: State;
beforeEach(() => {
  state = emptyState();
  putNumbers(state, [number(1), number(2)]);
});

describe("chat list", () => {
  it("stands pinned first, then newest", () => {
    putChats(state, 1, [chat("a", 1), chat("b", 3), chat("p", 0, { isPinned: true })]);
    expect(state.order).toEqual(["p", "b", "a"]);
  });

  it("moves a chat up when it changes, without sorting the others", () => {
    putChats(state, 1, [chat("a", 1), chat("b", 3), chat("c", 2)]);
    applyEvents(state, [{ event: "chat:updated", data: { whatsappNumberId: 1, chat: chat("a", 9), epoch: "log", seq: 1 } }]);
    expect(state.order).toEqual(["a", "b", "c"]);
  });

  it("keeps what an event told while a page of the list was on its way", () => {
    const asOf = state.eventCount;
    applyEvents(state, [{ event: "chat:updated", data: { whatsappNumberId: 1, chat: chat("a", 9, { lastMessage: "new" }), epoch: "log", seq: 1 } }]);
    putChats(state, 1, [chat("a", 1, { lastMessage: "old" }), chat("b", 3)], asOf);
    expect(state.chats.get("a")!.lastMessage).toBe("new");
    expect(state.order).toEqual(["a", "b"]);
    putChats(state, 1, [chat("a", 9, { lastMessage: "asked later" })], state.eventCount);
    expect(state.chats.get("a")!.lastMessage).toBe("asked later");
  });

  it("gives the same order as a full sort for random changes", () => {
    const rows = Array.from({ length: 300 }, (_, i) => chat(`c${i}`, (i * 7919) % 997));
    putChats(state, 1, rows);
    const changed = new Set<string>();
    for (let i = 0; i < 60; i++) {
      const id = `c${(i * 31) % 300}`;
      state.chats.set(id, { ...state.chats.get(id)!, lastMessageTime: at((i * 104729) % 1500), isPinned: i % 9 === 0 });
      changed.add(id);
    }
    const sorted = [...state.chats.values()].sort((x, y) => Number(y.isPinned) - Number(x.isPinned) || y.lastMessageTime.localeCompare(x.lastMessageTime) || x.id.localeCompare(y.id)).map((one) => one.id);
    expect(reorder(state.order, state.chats, changed)).toEqual(sorted);
  });

  it("takes the unread count from the event and clears it on chat:read", () => {
    putChats(state, 1, [chat("a", 1, { unreadCount: 4 })]);
    applyEvents(state, [{ event: "chat:read", data: { whatsappNumberId: 1, chatId: "a" } }]);
    expect(state.chats.get("a")!.unreadCount).toBe(0);
  });

  it("shows of several unfinished lists only what is certain", () => {
    putChats(state, 1, [chat("a1", 50), chat("a2", 40)]);
    putChats(state, 2, [chat("b1", 45), chat("b2", 10)]);
    state.lists.set("1", { loaded: 2, total: 9, loading: false, error: null });
    state.lists.set("2", { loaded: 2, total: 9, loading: false, error: null });
    expect(horizon(state, [1, 2], false)?.id).toBe("a2");
    state.lists.set("1", { loaded: 2, total: 2, loading: false, error: null });
    expect(horizon(state, [1, 2], false)?.id).toBe("b2");
    state.lists.set("2", { loaded: 2, total: 2, loading: false, error: null });
    expect(horizon(state, [1, 2], false)).toBeNull();
  });

  it("forgets everything of a number whose permission is gone", () => {
    putChats(state, 1, [chat("a", 1)]);
    putChats(state, 2, [chat("b", 2)]);
    putPage(state, "a", "replace", [message("m", 1)], { older: false });
    applyEvents(state, [{ event: "permission:changed", data: { whatsappNumberId: 1, granted: false } }]);
    expect([...state.chats.keys()]).toEqual(["b"]);
    expect(state.messages.size).toBe(0);
    expect(state.order).toEqual(["b"]);
    dropNumber(state, 2);
    expect(state.chats.size).toBe(0);
  });
});

describe("messages", () => {
  beforeEach(() => putChats(state, 1, [chat("a", 1)]));

  it("are kept once each, oldest first, across pages and events", () => {
    putPage(state, "a", "replace", [message("m3", 3), message("m4", 4)], { older: true });
    putPage(state, "a", "older", [message("m1", 1), message("m2", 2)], { older: false });
    applyEvents(state, [fresh(message("m5", 5)), fresh(message("m5", 5)), fresh(message("m4", 4))]);
    expect(state.histories.get("a")!.ids).toEqual(["m1", "m2", "m3", "m4", "m5"]);
    expect(state.histories.get("a")!.hasOlder).toBe(false);
  });

  it("that come late take the place of their time", () => {
    putPage(state, "a", "replace", [message("m1", 1), message("m3", 3)], { older: false });
    applyEvents(state, [fresh(message("m2", 2))]);
    expect(state.histories.get("a")!.ids).toEqual(["m1", "m2", "m3"]);
  });

  it("that arrive while the newest page is on its way are not lost", () => {
    setHistory(state, "a", { ...emptyHistory, loading: "first" });
    applyEvents(state, [fresh(message("m9", 9))]);
    putPage(state, "a", "replace", [message("m1", 1)], { older: true });
    expect(state.histories.get("a")!.ids).toEqual(["m1", "m9"]);
  });

  it("are not appended after a jump into the past", () => {
    putPage(state, "a", "replace", [message("m1", 1)], { older: true, newer: true });
    applyEvents(state, [fresh(message("m9", 9))]);
    expect(state.histories.get("a")!.ids).toEqual(["m1"]);
    putPage(state, "a", "newer", [message("m5", 5), message("m9", 9)], { newer: false });
    expect(state.histories.get("a")!.ids).toEqual(["m1", "m5", "m9"]);
  });

  it("have a status that only moves forward", () => {
    expect(laterStatus("READ", "DELIVERED")).toBe("READ");
    expect(laterStatus("FAILED", "SENT")).toBe("SENT");
    putPage(state, "a", "replace", [message("m", 1, { isFromMe: true, status: "PENDING" })], {});
    const move = (status: Message["status"]): LiveEvent => ({ event: "message:status", data: { whatsappNumberId: 1, chatId: "a", messageId: "wa-m", status, epoch: "log", seq: 1 } });
    applyEvents(state, [move("READ"), move("DELIVERED"), move("FAILED")]);
    expect(state.messages.get("m")!.status).toBe("READ");
    addLiveMessage(state, "a", message("m", 1, { isFromMe: true, status: "SENT" }));
    expect(state.messages.get("m")!.status).toBe("READ");
  });

  it("take edits, revokes and reactions from message:updated", () => {
    putPage(state, "a", "replace", [message("m", 1)], {});
    applyEvents(state, [{ event: "message:updated", data: { whatsappNumberId: 1, chatId: "a", message: message("m", 1, { content: "new", editedAt: at(2) }), epoch: "log", seq: 2 } }]);
    expect(state.messages.get("m")).toMatchObject({ content: "new", editedAt: at(2) });
  });

  it("of type REACTION are put on the message they are about, one per person", () => {
    putPage(state, "a", "replace", [message("m", 1)], {});
    const reaction = (emoji: string) => message(`r${emoji}`, 2, { type: "REACTION", content: emoji, quotedMessageId: "wa-m" });
    applyEvents(state, [fresh(reaction("👍")), fresh(reaction("❤️"))]);
    expect(state.messages.get("m")!.reactions?.map((one) => one.emoji)).toEqual(["❤️"]);
    applyEvents(state, [fresh(reaction(""))]);
    expect(state.messages.get("m")!.reactions).toEqual([]);
    expect(state.histories.get("a")!.ids).toEqual(["m"]);
  });

  it("replay the same events to the same state", () => {
    putPage(state, "a", "replace", [message("m1", 1)], { older: false });
    const events: LiveEvent[] = [fresh(message("m2", 2), 1), { event: "chat:updated", data: { whatsappNumberId: 1, chat: chat("a", 2, { unreadCount: 1 }), epoch: "log", seq: 2 } }, fresh(message("m3", 3), 3)];
    applyEvents(state, events);
    const ids = [...state.histories.get("a")!.ids];
    applyEvents(state, events);
    expect(state.histories.get("a")!.ids).toEqual(ids);
    expect(state.chats.get("a")!.unreadCount).toBe(1);
  });

  it("of a very long chat are let go at the far end, and known to be missing there", () => {
    const many = (from: number, n: number) => Array.from({ length: n }, (_, i) => message(`m${from + i}`, from + i));
    putPage(state, "a", "replace", many(keptMessages, 60), { older: true });
    for (let from = keptMessages - 120; from >= 0; from -= 120) putPage(state, "a", "older", many(from, 120), { older: from > 0 });
    const history = state.histories.get("a")!;
    expect(history.ids).toHaveLength(keptMessages);
    expect(history.ids[0]).toBe("m0");
    expect(history).toMatchObject({ hasOlder: false, hasNewer: true });
    expect(state.messages.size).toBe(keptMessages);
    putPage(state, "a", "newer", many(keptMessages, 60), { newer: false });
    expect(state.histories.get("a")).toMatchObject({ hasOlder: true, hasNewer: false });
    expect(state.histories.get("a")!.ids.at(-1)).toBe(`m${keptMessages + 59}`);
    expect(state.histories.get("a")!.ids).toHaveLength(keptMessages);
  });

  it("are loaded again after resync", () => {
    putPage(state, "a", "replace", [message("m1", 1)], {});
    state.lists.set("1", { loaded: 5, total: 5, loading: false, error: null });
    applyEvents(state, [{ event: "resync", data: { whatsappNumberId: 1, seq: 99, epoch: "log" } }]);
    expect(state.histories.get("a")!.stale).toBe(true);
    expect(state.lists.has("1")).toBe(false);
  });
});

describe("outbox", () => {
  beforeEach(() => {
    putChats(state, 1, [chat("a", 1)]);
    putPage(state, "a", "replace", [message("m1", 1)], {});
  });

  it("gives way to the stored message, under the same row key", () => {
    putOutbox(state, outbox("c1"));
    applyEvents(state, [fresh(message("m2", 2, { isFromMe: true, content: "hello" }))]);
    expect(state.outbox.size).toBe(0);
    expect(state.rowKeys.get("m2")).toBe("c1");
  });

  it("is matched by clientId when the server tells it, even with equal texts", () => {
    putOutbox(state, outbox("c1"));
    putOutbox(state, outbox("c2"));
    applyEvents(state, [fresh({ ...message("m2", 2, { isFromMe: true, content: "hello" }), clientId: "c2" } as Message)]);
    expect([...state.outbox.keys()]).toEqual(["c1"]);
  });

  it("keeps what is held, failed or somebody else's", () => {
    putOutbox(state, outbox("held", { state: "held" }));
    putOutbox(state, outbox("failed", { state: "failed" }));
    applyEvents(state, [fresh(message("m2", 2, { isFromMe: true, content: "hello" })), fresh(message("m3", 3, { content: "hello" }))]);
    expect(state.outbox.size).toBe(2);
  });
});

describe("presence", () => {
  const typing = (agent: { id: number; name: string } | null, contact: "composing" | "paused"): LiveEvent => ({ event: "chat:presence", data: { whatsappNumberId: 1, chatId: "a", agent, contact } });

  it("shows the customer typing until they stop, write, or fall silent", () => {
    applyEvents(state, [typing(null, "composing")], 1000);
    expect(state.presence.get("a")!.contactUntil).toBeGreaterThan(1000);
    applyEvents(state, [fresh(message("m", 1))], 1500);
    expect(state.presence.get("a")!.contactUntil).toBe(0);
    applyEvents(state, [typing(null, "composing")], 2000);
    expect(expirePresence(state, 2001)).toBe(false);
    expect(expirePresence(state, 99_000)).toBe(true);
    expect(state.presence.has("a")).toBe(false);
  });

  it("shows agents who type or look", () => {
    const anna = { id: 7, name: "Anna" };
    applyEvents(state, [{ event: "chat:presence", data: { whatsappNumberId: 1, chatId: "a", agent: anna, viewing: true } }, typing(anna, "composing")], 0);
    expect(state.presence.get("a")!.agents).toMatchObject([{ id: 7, typing: true, viewing: true }]);
    applyEvents(state, [typing(anna, "paused")], 0);
    expect(state.presence.get("a")!.agents).toMatchObject([{ typing: false, viewing: true }]);
    applyEvents(state, [{ event: "chat:presence", data: { whatsappNumberId: 1, chatId: "a", agent: anna, viewing: false } }], 0);
    expect(state.presence.get("a")!.agents).toEqual([]);
  });
});

describe("link status", () => {
  it("follows events but not test broadcasts", () => {
    const status = (value: string, isTest = false): LiveEvent => ({ event: "whatsapp:status", data: { whatsappNumberId: 1, status: value, lastConnected: null, phoneNumber: null, isTest } });
    applyEvents(state, [status("CONNECTED"), status("TEST", true)]);
    expect(state.links.get(1)!.status).toBe("CONNECTED");
  });
});

describe("the store", () => {
  it("tells its listeners once per frame, however many events came", () => {
    vi.useFakeTimers();
    const store = new Store();
    putNumbers(store.state, [number(1)]);
    let told = 0;
    store.subscribe(() => told++);
    for (let i = 0; i < 200; i++) store.push({ event: "chat:updated", data: { whatsappNumberId: 1, chat: chat(`c${i}`, i % 50), epoch: "log", seq: i } });
    expect(told).toBe(0);
    vi.advanceTimersByTime(200);
    expect(told).toBe(1);
    expect(store.state.order).toHaveLength(200);
    vi.useRealTimers();
  });
});
