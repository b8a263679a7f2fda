import { MessageSquareText } from "lucide-react";
import { useEffect, useRef } from "react";
import { navigate } from "wouter/use-hash-location";
import { setOpenChat } from "../../data/live";
import { isAdmin } from "../../data/session";
import { isUnread, store, useStore } from "../../data/store";
import type { User } from "../../data/types";
import { useI18n } from "../../i18n";
import { cx, Empty, Skeleton } from "../../ui/kit";
import { useShortcuts } from "../shortcuts";
import { ChatList } from "./ChatList";
import { Conversation } from "./Conversation";
import { GettingStarted } from "./GettingStarted";
import { setView, view, visibleChats } from "./view";

export const openChat = (id: string | null, replace = false) => navigate(id ? `/inbox/${id}` : "/inbox", { replace });

/** Opens the neighbour of the open chat, or the next one that fits. */
function step(chatId: string | null, direction: 1 | -1, fits: (id: string) => boolean = () => true): void {
  const ids = visibleChats(store.state, view.get(), chatId);
  const at = chatId ? ids.indexOf(chatId) : direction > 0 ? -1 : ids.length;
  for (let i = at + direction; i >= 0 && i < ids.length; i += direction) if (fits(ids[i]!)) return openChat(ids[i]!);
}

const waits = (id: string) => { const chat = store.state.chats.get(id); return chat !== undefined && isUnread(chat); };

export function Inbox({ user, chatId }: { user: User; chatId: string | null }) {
  const { t } = useI18n();
  const search = useRef<HTMLInputElement>(null);
  const openNow = useRef(chatId);
  openNow.current = chatId;
  const numberCount = useStore((state) => (state.numbersReady ? state.numbers.size : -1));
  useEffect(() => {
    setOpenChat(() => openNow.current);
    return () => setOpenChat(() => null);
  }, []);
  useShortcuts({
    "list.search": () => search.current?.focus(),
    "list.next": () => step(chatId, 1),
    "list.previous": () => step(chatId, -1),
    "list.unread": () => step(null, 1, waits),
    "chat.search": () => {
      const chat = chatId && store.state.chats.get(chatId);
      if (!chat) return false;
      setView({ scope: { chatId, name: chat.contactName } });
      search.current?.focus();
    },
    "chat.close": () => {
      if (!chatId) return false;
      openChat(null);
    },
  });
  // With a chat open the conversation stays, to say that access to it has ended.
  if (numberCount === 0 && !chatId) return <div className="page"><h1 className="sr-only">{t("nav.inbox")}</h1><GettingStarted admin={isAdmin(user)} /></div>;
  return (
    <div className={cx("inbox", chatId && "inbox-open")}>
      <section className="list-pane" aria-label={t("list.label")}>
        {numberCount < 0 ? <Skeleton kind="chat" rows={8} /> : <ChatList chatId={chatId} searchRef={search} />}
      </section>
      <section className="chat-pane" aria-label={t("chat.label")}>
        {chatId ? <Conversation key={chatId} chatId={chatId} user={user} /> : <Empty icon={MessageSquareText} title={t("chat.none.title")} text={t("chat.none.text")} />}
      </section>
    </div>
  );
}
