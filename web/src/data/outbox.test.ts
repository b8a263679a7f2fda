import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { enqueue, release, restoreOutbox, retry, undo } from "./outbox";
import { prefs, setPrefs } from "./prefs";
import { session } from "./session";
import { putChats, putNumbers, store } from "./store";
import type { ChatRow } from "./types";

const chat: ChatRow = { id: "a", whatsappNumberId: 1, contactName: "Siti", contactNumber: "+62812", contactJid: "62812@s.whatsapp.net", lastMessage: "", lastMessageTime: "2026-01-01T00:00:00.000Z", unreadCount: 0, isGroup: false, groupName: null, isPinned: false, isArchived: false, mutedUntil: null, lastMessageIsFromMe: false, lastMessageId: null, lastMessageStatus: null, lastMessageFromName: null, isMarkedUnread: false, ephemeralSeconds: 0, contactId: 1 };
const sent = { data: { id: "m1", messageId: "WA1", chatId: "a", status: "PENDING", timestamp: "2026-01-01T00:00:01.000Z" } };
let calls: { path: string; body: { clientId: string; to: string; message: string; quotedMessageId?: string } }[] = [];
let answers: (() => Response)[] = [];
const json = (code: number, body: unknown) => () => new Response(JSON.stringify(body), { status: code });
const states = () => [...store.state.outbox.values()].map((row) => row.state);

beforeEach(() => {
  vi.useFakeTimers();
  calls = [];
  answers = [];
  sessionStorage.clear();
  store.reset();
  session.set({ token: "t", user: { id: 1, name: "Anna", username: "anna", email: "", role: "USER", createdAt: "" } });
  store.update((state) => {
    putNumbers(state, [{ id: 1, name: "N", phoneNumber: "62811", isActive: true }]);
    state.links.set(1, { status: "CONNECTED", sessionId: "s1", lastConnected: null, reason: null, retryAt: null, scannedPhone: null });
    putChats(state, 1, [chat]);
  });
  vi.stubGlobal("fetch", vi.fn(async (path: string, init: RequestInit) => {
    calls.push({ path, body: JSON.parse(String(init.body)) });
    const answer = answers.shift();
    if (!answer) throw new TypeError("offline");
    return answer();
  }));
  setPrefs({ undoSeconds: 0 });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  prefs.set({ ...prefs.get(), undoSeconds: 3 });
});

describe("sending", () => {
  it("goes out once and becomes the stored message", async () => {
    answers = [json(200, sent)];
    const clientId = enqueue(chat, "hello", null);
    expect(states()).toEqual(["sending"]);
    await vi.runAllTimersAsync();
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatchObject({ path: "/api/v1/sessions/s1/send-message", body: { to: "+62812", message: "hello", clientId } });
    expect(store.state.outbox.size).toBe(0);
    expect(store.state.messages.get("m1")).toMatchObject({ content: "hello", isFromMe: true, sentBy: { name: "Anna" } });
    expect(store.state.rowKeys.get("m1")).toBe(clientId);
  });

  it("tries again under the same clientId while the network is away", async () => {
    answers = [json(503, { message: "busy" }), json(200, sent)];
    enqueue(chat, "hello", null);
    await vi.runAllTimersAsync();
    expect(calls.map((call) => call.body.clientId)).toEqual([calls[0]!.body.clientId, calls[0]!.body.clientId]);
    expect(store.state.outbox.size).toBe(0);
  });

  it("fails at once when trying again cannot help, and can be retried by hand", async () => {
    answers = [json(409, { message: "The session is logged out." }), json(200, sent)];
    const clientId = enqueue(chat, "hello", null);
    await vi.runAllTimersAsync();
    expect(store.state.outbox.get(clientId)).toMatchObject({ state: "failed", error: "The session is logged out." });
    retry(clientId);
    await vi.runAllTimersAsync();
    expect(store.state.outbox.size).toBe(0);
    expect(calls[1]!.body.clientId).toBe(clientId);
  });

  it("keeps the order within a chat", async () => {
    answers = [json(503, {}), json(200, sent), json(200, { data: { ...sent.data, id: "m2", messageId: "WA2" } })];
    enqueue(chat, "one", null);
    enqueue(chat, "two", null);
    await vi.runAllTimersAsync();
    expect(calls.map((call) => call.body.message)).toEqual(["one", "one", "two"]);
  });
});

describe("the undo window", () => {
  it("holds a message back, and undo gives its text back", async () => {
    setPrefs({ undoSeconds: 3 });
    const clientId = enqueue(chat, "hello", null);
    await vi.advanceTimersByTimeAsync(2_900);
    expect(states()).toEqual(["held"]);
    expect(undo(clientId)).toBe("hello");
    await vi.runAllTimersAsync();
    expect(calls).toHaveLength(0);
  });

  it("ends by itself or by hand, and then it is too late", async () => {
    setPrefs({ undoSeconds: 3 });
    answers = [json(200, sent), json(200, { data: { ...sent.data, id: "m2", messageId: "WA2" } })];
    const first = enqueue(chat, "one", null);
    release(first);
    expect(undo(first)).toBeNull();
    enqueue(chat, "two", null);
    await vi.advanceTimersByTimeAsync(3_100);
    expect(calls).toHaveLength(2);
  });
});

describe("after a reload", () => {
  it("what was on its way goes out again under its clientId", async () => {
    answers = [() => { throw new TypeError("gone"); }];
    const clientId = enqueue(chat, "hello", null);
    await vi.advanceTimersByTimeAsync(10);
    const links = store.state.links, numbers = store.state.numbers;
    const kept = sessionStorage.getItem("wabox.outbox")!;
    store.reset();
    await vi.runAllTimersAsync();
    sessionStorage.setItem("wabox.outbox", kept);
    store.update((state) => { state.links = links; state.numbers = numbers; });
    answers = [json(200, sent)];
    restoreOutbox();
    await vi.runAllTimersAsync();
    expect(calls.at(-1)!.body.clientId).toBe(clientId);
    expect(store.state.outbox.size).toBe(0);
  });
});
