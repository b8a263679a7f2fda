/**
 * `useWaBoxSocket(token, whatsappNumberId)`: one number's live chat list and the open chat, as the documentation
 * shows it. Works with React 18 and 19 (and their strict mode, which mounts twice).
 */
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { connect, type WaBoxClient, type WaBoxSocket } from "./connect.js";
import type { Chat, Message } from "./events.js";

export interface UseWaBoxSocketOptions {
  /** Address of the server. Default: where the page came from. */
  url?: string;
}

export interface UseWaBoxSocket {
  socket: WaBoxSocket | null;
  isConnected: boolean;
  /** Message of the last refusal or failed event, or null. */
  error: string | null;
  /** Pinned first, then newest. */
  chatList: Chat[];
  currentChat: Chat | null;
  /** Messages of the current chat, oldest first. */
  messages: Message[];
  whatsappStatus: string;
  /** `data:` address of the QR now valid; null when none is needed. */
  qrCode: string | null;
  selectChat: (chat: Chat) => void;
  /** Sends to the current chat. Resolves with the stored message; rejects with WaBoxError. */
  sendMessage: (message: string, options?: { clientId?: string; quotedMessageId?: string }) => Promise<Message>;
}

const rank = { PENDING: 0, FAILED: 0, SENT: 1, DELIVERED: 2, READ: 3 } as const;

function byPinnedThenNewest(a: Chat, b: Chat): number {
  if (a.isPinned !== b.isPinned) return a.isPinned ? -1 : 1;
  return b.lastMessageTime.localeCompare(a.lastMessageTime);
}

const withChat = (list: Chat[], chat: Chat) => [...list.filter((one) => one.id !== chat.id), chat].sort(byPinnedThenNewest);

function withMessage(list: Message[], message: Message): Message[] {
  const at = list.findIndex((one) => one.id === message.id);
  return at < 0 ? [...list, message] : list.map((one, i) => (i === at ? message : one));
}

const newClientId = () => globalThis.crypto?.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}`;

export function useWaBoxSocket(token: string | null | undefined, whatsappNumberId: number, options: UseWaBoxSocketOptions = {}): UseWaBoxSocket {
  const { url } = options;
  const [client, setClient] = useState<WaBoxClient | null>(null);
  const [isConnected, setConnected] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const [chatList, setChatList] = useState<Chat[]>([]);
  const [currentId, setCurrentId] = useState<string | null>(null);
  const [messages, setMessages] = useState<Message[]>([]);
  const [whatsappStatus, setStatus] = useState("DISCONNECTED");
  const [qrCode, setQrCode] = useState<string | null>(null);
  const current = useRef<string | null>(null);

  useEffect(() => {
    if (!token) return;
    const opened = connect(url === undefined ? { token } : { url, token });
    const mine = (payload: { whatsappNumberId: number }) => payload.whatsappNumberId === whatsappNumberId;
    const reload = () => {
      opened.tell("chat:get-list", { whatsappNumberId });
      if (current.current) opened.tell("chat:get-history", { chatId: current.current });
    };
    opened.onState((state) => {
      setConnected(state === "connected");
      if (state === "refused") setError(opened.refusal?.message ?? "refused");
      if (state !== "connected") return;
      setError(null);
      reload();
      opened.tell("whatsapp:get-status", { whatsappNumberId });
    });
    opened.on("chat:list", (data) => { if (mine(data)) setChatList([...data.chats].sort(byPinnedThenNewest)); });
    opened.on("chat:updated", (data) => { if (mine(data)) setChatList((list) => withChat(list, data.chat)); });
    opened.on("chat:read", (data) => {
      setChatList((list) => list.map((chat) => (chat.id === data.chatId ? { ...chat, unreadCount: 0 } : chat)));
    });
    opened.on("chat:history", (data) => { if (data.chatId === current.current) setMessages(data.order === "asc" ? data.messages : [...data.messages].reverse()); });
    opened.on("message:new", (data) => { if (data.chatId === current.current) setMessages((list) => withMessage(list, data.message)); });
    opened.on("message:updated", (data) => { if (data.chatId === current.current) setMessages((list) => withMessage(list, data.message)); });
    opened.on("message:status", (data) => {
      setMessages((list) => list.map((one) =>
        one.messageId === data.messageId && (data.status === "FAILED" || rank[data.status] > rank[one.status]) ? { ...one, status: data.status } : one));
    });
    opened.on("whatsapp:status", (data) => {
      if (!mine(data) || data.isTest) return;
      setStatus(data.status);
      if (data.status === "CONNECTED") setQrCode(null);
    });
    opened.on("whatsapp:qr", (data) => { if (mine(data)) setQrCode(data.qrCode); });
    opened.on("resync", (data) => { if (mine(data)) reload(); });
    opened.on("error", (data) => setError(data.message));
    setClient(opened);
    return () => {
      opened.close();
      setClient(null);
      setConnected(false);
      setChatList([]);
      setMessages([]);
      setCurrentId(null);
      setQrCode(null);
      setStatus("DISCONNECTED");
      current.current = null;
    };
  }, [token, whatsappNumberId, url]);

  const selectChat = useCallback((chat: Chat) => {
    current.current = chat.id;
    setCurrentId(chat.id);
    setMessages([]);
    client?.tell("chat:get-history", { chatId: chat.id });
    client?.tell("chat:mark-read", { chatId: chat.id });
  }, [client]);

  const sendMessage = useCallback<UseWaBoxSocket["sendMessage"]>((message, { clientId = newClientId(), quotedMessageId } = {}) => {
    if (!client || !current.current) return Promise.reject(new Error("Choose a chat first"));
    return client.request("message:send", { chatId: current.current, message, clientId, ...(quotedMessageId ? { quotedMessageId } : {}) });
  }, [client]);

  const currentChat = useMemo(() => chatList.find((chat) => chat.id === currentId) ?? null, [chatList, currentId]);
  return { socket: client?.socket ?? null, isConnected, error, chatList, currentChat, messages, whatsappStatus, qrCode, selectChat, sendMessage };
}
