/** Desktop notifications and the unread count in the tab's title. */
import { useEffect } from "react";
import { navigate } from "wouter/use-hash-location";
import { prefs, setPrefs } from "../data/prefs";
import { isMuted, isUnread, nameOf, store, useStore, type State } from "../data/store";
import { plain } from "../lib/rich";
import { tn, useI18n } from "../i18n";

/** Unread chats over all numbers, computed once per change of the list. */
let unreadAt = -1;
let unread = 0;
export function unreadChats(state: State): number {
  if (unreadAt !== state.orderVersion) {
    unreadAt = state.orderVersion;
    unread = 0;
    for (const chat of state.chats.values()) if (isUnread(chat) && !chat.isArchived) unread++;
  }
  return unread;
}

type Arrival = State["arrivals"][number];
/** Arrivals that wait for their chat, at most. */
const keptArrivals = 100;

const openChatId = () => /^#\/inbox\/([^/?]+)/.exec(location.hash)?.[1] ?? null;
const isWatching = (chatId: string) => document.visibilityState === "visible" && document.hasFocus() && openChatId() === chatId;

/**
 * What there is to say, oldest first. The server tells the chat after its message; until then nobody knows whether it is
 * muted, or was read by a colleague while this page was cut off.
 */
function takeArrivals({ arrivals, chats }: State): Arrival[] {
  const taken = arrivals.splice(0);
  arrivals.push(...taken.filter((one) => !one.isTold).slice(-keptArrivals));
  return taken.filter((one) => {
    const chat = chats.get(one.chatId);
    return chat && one.isTold && !isMuted(chat, Date.now()) && !isWatching(chat.id) && (chat.unreadCount > 0 || one.message.type === "SYSTEM");
  });
}

function announce(): void {
  const isWanted = prefs.get().notifications && globalThis.Notification?.permission === "granted";
  if (!isWanted) store.state.arrivals.length = 0;
  if (store.state.arrivals.length === 0) return;
  // After a gap many arrive at once: one per chat, and one in all when there are many chats.
  const byChat = new Map(takeArrivals(store.state).map((one) => [one.chatId, one]));
  if (byChat.size > 3) {
    show(tn("notify.many", byChat.size), "", "wabox-many", "/inbox");
    return;
  }
  for (const { chatId, message } of byChat.values()) {
    const chat = store.state.chats.get(chatId)!;
    const text = plain(message.content, message).slice(0, 140);
    show(nameOf(chat), chat.isGroup ? `${message.fromName ?? message.fromNumber}: ${text}` : text, `wabox-${chatId}`, `/inbox/${chatId}`);
  }
}

function show(title: string, body: string, tag: string, path: string): void {
  try {
    const shown = new Notification(title, { body, tag, icon: "/favicon.svg" });
    shown.onclick = () => {
      window.focus();
      navigate(path);
      shown.close();
    };
  } catch {
    // Phones allow notifications only from a service worker.
  }
}

export const canAskNotifications = (): boolean => (globalThis.Notification?.permission ?? "denied") !== "denied";

/** Asks the browser, switches them on when it agrees. False: it does not. */
export async function askNotifications(): Promise<boolean> {
  const granted = globalThis.Notification !== undefined && (await Notification.requestPermission()) === "granted";
  setPrefs({ notifications: granted });
  return granted;
}

export function useNotifications(): void {
  const { t } = useI18n();
  const count = useStore(unreadChats);
  useEffect(() => store.subscribe(announce), []);
  useEffect(() => {
    const apply = () => {
      const bare = document.title.replace(/^\(\d+\+?\) /, "");
      const wanted = count > 0 ? `(${count > 99 ? "99+" : count}) ${bare}` : bare;
      if (document.title !== wanted) document.title = wanted;
    };
    apply();
    // Screens set their own title; the count is put before whatever they set.
    const watch = new MutationObserver(apply);
    watch.observe(document.querySelector("title")!, { childList: true });
    return () => watch.disconnect();
  }, [count, t]);
}
