// @vitest-environment jsdom
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { act, createElement, StrictMode } from "react";
import { createRoot, type Root } from "react-dom/client";
import { Server } from "socket.io";
import { afterEach, beforeEach, expect, it } from "vitest";
import { useWaBoxSocket, type UseWaBoxSocket } from "../src/react.js";

(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
let io: Server;
let url: string;
let root: Root;
let shown: UseWaBoxSocket;

const chat = (id: string, time: string, unreadCount = 0) => ({ id, contactName: id, contactNumber: "+62812", contactJid: "x", lastMessage: "", lastMessageTime: time, unreadCount, isGroup: false, groupName: null, isPinned: false, isArchived: false });
const message = (id: string, status = "SENT") => ({ id, messageId: `wa-${id}`, content: id, status, isFromMe: true });

beforeEach(async () => {
  const http = createServer();
  io = new Server(http);
  io.on("connection", (socket) => {
    socket.on("chat:get-list", ({ whatsappNumberId }) => socket.emit("chat:list", { whatsappNumberId, chats: [chat("old", "2026-01-01"), chat("new", "2026-01-02")], pagination: {} }));
    socket.on("whatsapp:get-status", ({ whatsappNumberId }) => socket.emit("whatsapp:status", { whatsappNumberId, status: "CONNECTED" }));
    socket.on("chat:get-history", ({ chatId }) => socket.emit("chat:history", { chatId, order: "desc", messages: [message("m2"), message("m1")] }));
    socket.on("message:send", (payload, ack) => ack({ success: true, data: message(payload.clientId) }));
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  root = createRoot(document.createElement("div"));
});
afterEach(async () => {
  await act(async () => root.unmount());
  await io.close();
});

function Page({ number }: { number: number }) {
  shown = useWaBoxSocket("token", number, { url });
  return null;
}
const until = async (what: () => boolean) => {
  for (let i = 0; i < 300 && !what(); i++) await act(async () => { await new Promise((resolve) => setTimeout(resolve, 10)); });
  expect(what()).toBe(true);
};

it("keeps the shape of the documentation: list, status, history oldest first, live changes", async () => {
  await act(async () => root.render(createElement(StrictMode, null, createElement(Page, { number: 1 }))));
  await until(() => shown.isConnected && shown.chatList.length === 2 && shown.whatsappStatus === "CONNECTED");
  // Strict mode mounted twice; one connection is left.
  await until(() => io.sockets.sockets.size === 1);
  expect(shown.chatList.map((one) => one.id)).toEqual(["new", "old"]);
  await act(async () => shown.selectChat(shown.chatList[1]!));
  await until(() => shown.messages.length === 2);
  expect(shown.messages.map((one) => one.id)).toEqual(["m1", "m2"]);
  expect(shown.currentChat?.id).toBe("old");
  io.emit("message:new", { whatsappNumberId: 1, chatId: "old", message: message("m3"), seq: 1 });
  io.emit("message:new", { whatsappNumberId: 1, chatId: "other", message: message("x"), seq: 2 });
  io.emit("chat:updated", { whatsappNumberId: 1, chat: chat("old", "2026-01-03", 1), seq: 3 });
  io.emit("message:status", { whatsappNumberId: 1, chatId: "old", messageId: "wa-m3", status: "READ", seq: 4 });
  io.emit("message:status", { whatsappNumberId: 1, chatId: "old", messageId: "wa-m3", status: "DELIVERED", seq: 5 });
  io.emit("whatsapp:qr", { whatsappNumberId: 2, qrCode: "data:other", expiresAt: "" });
  await until(() => shown.messages.at(-1)?.status === "READ" && shown.chatList[0]?.id === "old");
  expect(shown.messages.map((one) => one.id)).toEqual(["m1", "m2", "m3"]);
  expect(shown.qrCode).toBeNull();
  await expect(shown.sendMessage("hello", { clientId: "c1" })).resolves.toMatchObject({ id: "c1" });
});

it("starts afresh for another number", async () => {
  await act(async () => root.render(createElement(Page, { number: 1 })));
  await until(() => shown.chatList.length === 2);
  await act(async () => root.render(createElement(Page, { number: 2 })));
  expect(shown.chatList).toEqual([]);
  await until(() => shown.chatList.length === 2);
  await until(() => io.sockets.sockets.size === 1);
});
