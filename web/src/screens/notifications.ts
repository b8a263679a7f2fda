/** Desktop notifications and the unread count in the tab's title. */
import { useEffect } from "react";
import { navigate } from "wouter/use-hash-location";
import { prefs } from "../data/prefs";
import { store, useStore, type State } from "../data/store";
import type { User } from "../data/types";
import { tn, useI18n } from "../i18n";

/** Unread chats over all numbers, computed once per change of the list. */
let unreadAt = -1;
let unread = 0;
export function unreadChats(state: State): number {
  if (unreadAt !== state.orderVersion) {
    unreadAt = state.orderVersion;
    unread = 0;
    for (const chat of state.chats.values()) if (chat.unreadCount > 0 && !chat.isArchived) unread++;
  }
  return unread;
}

const openChatId = () => /^#\/inbox\/([^/?]+)/.exec(location.hash)?.[1] ?? null;
const isWatching = (chatId: string) => document.visibilityState === "visible" && document.hasFocus() && openChatId() === chatId;

function announce(): void {
  const arrivals = store.state.arrivals.splice(0);
  if (arrivals.length === 0 || !prefs.get().notifications || globalThis.Notification?.permission !== "granted") return;
  // After a gap many arrive at once: one per chat, and one in all when there are many chats.
  const byChat = new Map(arrivals.filter((one) => !isWatching(one.chatId)).map((one) => [one.chatId, one]));
  if (byChat.size > 3) {
    show(tn("notify.many", byChat.size), "", "wabox-many", "/inbox");
    return;
  }
  for (const { chatId, message } of byChat.values()) {
    const name = store.state.chats.get(chatId)?.contactName ?? message.fromName ?? message.fromNumber;
    show(name, message.content.slice(0, 140), `wabox-${chatId}`, `/inbox/${chatId}`);
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

export function useNotifications(_user: User): void {
  const { t } = useI18n();
  const count = useStore(unreadChats);
  useEffect(() => store.subscribe(announce), []);
  useEffect(() => {
    const apply = () => {
      const plain = document.title.replace(/^\(\d+\+?\) /, "");
      const wanted = count > 0 ? `(${count > 99 ? "99+" : count}) ${plain}` : plain;
      if (document.title !== wanted) document.title = wanted;
    };
    apply();
    // Screens set their own title; the count is put before whatever they set.
    const watch = new MutationObserver(apply);
    watch.observe(document.querySelector("title")!, { childList: true });
    return () => watch.disconnect();
  }, [count, t]);
}
