/**
 * The live connection: opened when somebody signs in, closed when they sign out, its events fed into the store.
 *
 * Coming back from a cut needs nothing here: @wabox/client asks the server to replay what was missed (`resume`).
 * Only when the server says `resync` are lists and the open chat loaded again.
 */
import { connect, type ConnectionState, type WaBoxClient } from "@wabox/client";
import { loadNumbers } from "./lists";
import { loadHistory } from "./history";
import { Local } from "./local";
import { flushOutbox, restoreOutbox } from "./outbox";
import { expire, session } from "./session";
import { expirePresence, store, type LiveEvent } from "./store";

export const connection = new Local<ConnectionState>("", "connecting");
let client: WaBoxClient | null = null;
let openFor: string | null = null;

export const live = (): WaBoxClient | null => client;

type OpenChat = () => string | null;
let openChat: OpenChat = () => null;
/** The inbox says which chat is open, so that it can be loaded again after a resync. */
export function setOpenChat(get: OpenChat): void {
  openChat = get;
}

function onEvent(event: LiveEvent): void {
  store.push(event);
  switch (event.event) {
    case "resync":
      store.flush();
      void loadNumbers();
      reloadOpenChat();
      break;
    case "permission:changed":
      void loadNumbers();
      break;
    case "error":
      // One text for "does not exist" and "not yours": rights may have changed, so look again.
      if (event.data.code !== "RATE_LIMITED") void loadNumbers();
      break;
  }
}

function reloadOpenChat(): void {
  const chatId = openChat();
  if (chatId && store.state.histories.get(chatId)?.stale) void loadHistory(chatId);
}

function open(token: string): void {
  openFor = token;
  client = connect({ token: () => session.get()?.token ?? null, socket: { transports: ["websocket", "polling"], tryAllTransports: true } });
  connection.set("connecting");
  client.onAny((event, data) => onEvent({ event, data } as LiveEvent));
  client.onState((state) => {
    connection.set(state);
    if (state === "refused") expire();
    if (state === "connected") void loadNumbers().then(restoreOutbox);
  });
}

function close(): void {
  client?.close();
  client = null;
  openFor = null;
  store.reset();
}

/** Follows the session. Returns the function that stops following. */
export function startLive(): () => void {
  const follow = () => {
    const token = session.get()?.token ?? null;
    if (token === openFor) return;
    close();
    if (token) open(token);
  };
  follow();
  const stop = session.subscribe(follow);
  const presence = setInterval(() => {
    if (expirePresence(store.state, Date.now())) store.update(() => undefined);
  }, 2_000);
  // Rights can change without an event reaching us (the server may not announce them): look again now and then.
  const refresh = setInterval(() => { if (session.get() && !document.hidden) void loadNumbers(); }, 30_000);
  const online = () => client?.socket.connect();
  const focus = () => { if (!document.hidden && session.get()) void loadNumbers(); };
  window.addEventListener("pagehide", flushOutbox);
  window.addEventListener("online", online);
  document.addEventListener("visibilitychange", focus);
  return () => {
    stop();
    clearInterval(presence);
    clearInterval(refresh);
    window.removeEventListener("pagehide", flushOutbox);
    window.removeEventListener("online", online);
    document.removeEventListener("visibilitychange", focus);
    close();
  };
}
