import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server, type Socket } from "socket.io";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connect, SeqTracker, WaBoxError, type WaBoxClient } from "../src/index.js";

let io: Server;
let url: string;
let client: WaBoxClient | null;
let handshakes: Record<string, unknown>[];
let onConnection: (socket: Socket) => void;

beforeEach(async () => {
  const http = createServer();
  io = new Server(http);
  handshakes = [];
  client = null;
  onConnection = () => undefined;
  io.use((socket, next) => {
    handshakes.push(socket.handshake.auth);
    if (socket.handshake.auth.token === "good") return next();
    next(Object.assign(new Error("Authentication error: invalid token"), { data: { code: "INVALID" } }));
  });
  io.on("connection", (socket) => onConnection(socket));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
});
afterEach(async () => {
  client?.close();
  await io.close();
});

const open = (token = "good", resume = {}) => (client = connect({ url, token, resume, socket: { transports: ["websocket"], reconnectionDelay: 20, reconnectionDelayMax: 50 } }));
const until = (what: () => boolean) => expect.poll(what, { timeout: 4_000, interval: 10 }).toBe(true);
const chatUpdated = (seq: number) => ["chat:updated", { whatsappNumberId: 1, chat: { id: `c${seq}` }, seq }] as const;

describe("SeqTracker", () => {
  it("hands every event of the log out once", () => {
    const tracker = new SeqTracker();
    expect([1, 2, 2, 1, 3].map((seq) => tracker.accept("message:new", { whatsappNumberId: 1, seq }))).toEqual([true, true, false, false, true]);
    expect(tracker.accept("message:new", { whatsappNumberId: 2, seq: 1 })).toBe(true);
    expect(tracker.snapshot()).toEqual({ 1: 3, 2: 1 });
  });
  it("starts at the place a status tells, but never jumps ahead by it", () => {
    const tracker = new SeqTracker({ 1: 5 });
    // Sent unasked on connect with the head of the log, before the missed events come.
    expect(tracker.accept("whatsapp:status", { whatsappNumberId: 1, seq: 9 })).toBe(true);
    expect(tracker.accept("message:new", { whatsappNumberId: 1, seq: 6 })).toBe(true);
    expect(tracker.accept("whatsapp:status", { whatsappNumberId: 2, seq: 40 })).toBe(true);
    expect(tracker.snapshot()).toEqual({ 1: 6, 2: 40 });
  });
  it("follows resync, even backwards", () => {
    const tracker = new SeqTracker({ 1: 50 });
    expect(tracker.accept("resync", { whatsappNumberId: 1, seq: 3 })).toBe(true);
    expect(tracker.accept("message:new", { whatsappNumberId: 1, seq: 4 })).toBe(true);
  });
  it("counts every event of the log, also one that it does not know", () => {
    for (const event of ["message:media", "something:new"]) {
      const tracker = new SeqTracker({ 1: 5 });
      expect([6, 6].map((seq) => tracker.accept(event, { whatsappNumberId: 1, seq }))).toEqual([true, false]);
      expect(tracker.snapshot()).toEqual({ 1: 6 });
    }
  });
  it("keeps the name of the log, and starts anew in another one", () => {
    const tracker = new SeqTracker({ 1: 50 });
    const accept = (event: string, seq: number, epoch: string) => tracker.accept(event, { whatsappNumberId: 1, seq, epoch });
    expect([accept("message:new", 50, "a"), accept("message:new", 51, "a")]).toEqual([false, true]);
    expect(tracker.snapshot()).toEqual({ 1: { seq: 51, epoch: "a" } });
    expect([accept("resync", 3, "b"), accept("message:new", 4, "b"), accept("message:new", 4, "b")]).toEqual([true, true, false]);
    expect([accept("message:new", 1, "c"), accept("message:new", 1, "c")]).toEqual([true, false]);
    expect(tracker.snapshot()).toEqual({ 1: { seq: 1, epoch: "c" } });
  });
  it("lets events without seq through", () => {
    expect(new SeqTracker().accept("chat:presence", { whatsappNumberId: 1, chatId: "x" })).toBe(true);
  });
});

describe("connect", () => {
  it("resumes after a cut: everything once, in order", async () => {
    const got: number[] = [];
    const log = [1, 2, 3, 4, 5];
    let connections = 0;
    onConnection = (socket) => {
      connections++;
      if (connections === 1) {
        for (const seq of [1, 2, 3]) socket.emit(...chatUpdated(seq));
        setTimeout(() => socket.conn.close(), 30);
        return;
      }
      // A server that sends one too many: the client drops it.
      for (const seq of log.slice(Number((socket.handshake.auth.resume as Record<string, number>)["1"]) - 1)) socket.emit(...chatUpdated(seq));
    };
    open().on("chat:updated", (data) => got.push(data.seq));
    await until(() => got.length === 5);
    expect(got).toEqual(log);
    expect(handshakes.map((one) => one.resume)).toEqual([{}, { 1: 3 }]);
    expect(client!.resume).toEqual({ 1: 5 });
  });

  it("goes on where an earlier page ended", async () => {
    open("good", { 7: 12 });
    await until(() => client!.state === "connected");
    expect(handshakes[0]!.resume).toEqual({ 7: 12 });
  });

  it("says refused for a bad token, does not storm the server, and takes a new one", async () => {
    const states: string[] = [];
    open("bad").onState((state) => states.push(state));
    await until(() => client!.state === "refused");
    expect(client!.refusal).toEqual({ message: "Authentication error: invalid token", code: "INVALID" });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(handshakes).toHaveLength(1);
    client!.setToken("good");
    await until(() => client!.state === "connected");
    expect(states.at(-1)).toBe("connected");
  });

  it("comes back after the server ended the socket", async () => {
    let count = 0;
    onConnection = (socket) => { if (++count === 1) setTimeout(() => socket.disconnect(true), 20); };
    open();
    await until(() => count === 2 && client!.state === "connected");
  });

  it("answers requests with data, or with the server's refusal", async () => {
    onConnection = (socket) => {
      socket.on("chat:mark-read", (payload: { chatId: string }, ack: (answer: unknown) => void) =>
        ack(payload.chatId === "mine" ? { success: true, data: { chatId: "mine", whatsappNumberId: 1 } } : { success: false, message: "Chat not found or unauthorized", code: "NOT_FOUND" }));
    };
    open();
    await until(() => client!.state === "connected");
    await expect(client!.request("chat:mark-read", { chatId: "mine" })).resolves.toMatchObject({ whatsappNumberId: 1 });
    const failure = await client!.request("chat:mark-read", { chatId: "other" }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(WaBoxError);
    expect(failure).toMatchObject({ code: "NOT_FOUND", message: "Chat not found or unauthorized" });
    await expect(client!.request("whatsapp:get-status", { whatsappNumberId: 1 }, 50)).rejects.toMatchObject({ code: "TIMEOUT" });
  });

  it("stops for good when closed", async () => {
    open();
    await until(() => client!.state === "connected");
    client!.close();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(io.sockets.sockets.size).toBe(0);
    expect(client!.state).toBe("closed");
  });
});
