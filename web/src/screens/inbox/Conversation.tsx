import { ArrowLeft, Search, Users } from "lucide-react";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import * as api from "../../data/api";
import { openHistory } from "../../data/history";
import { connection, live } from "../../data/live";
import { isListComplete, listState } from "../../data/lists";
import { isUnread, nameOf, store, useStore, type AgentPresence } from "../../data/store";
import type { ChatRow, Message, User } from "../../data/types";
import { useI18n } from "../../i18n";
import { phone } from "../../lib/format";
import { StatusDot } from "../../ui/LinkStatus";
import { Avatar, Button, Denied, Empty, ErrorState, IconButton, Skeleton } from "../../ui/kit";
import { ChatMenu } from "./ChatMenu";
import { Composer } from "./Composer";
import { openChat } from "./Inbox";
import { Messages } from "./Messages";
import { jump, setView } from "./view";

const ChatPanel = lazy(() => import("./ChatPanel"));
const noAgents: AgentPresence[] = [];
const viewingEveryMs = 45_000;

/** Tells the other agents that this chat is open here. */
function useViewing(chatId: string): void {
  const state = connection.use();
  useEffect(() => {
    if (state !== "connected") return;
    const tell = (viewing: boolean) => live()?.tell("chat:viewing", { chatId, viewing });
    tell(true);
    const timer = setInterval(() => tell(true), viewingEveryMs);
    return () => {
      clearInterval(timer);
      tell(false);
    };
  }, [chatId, state]);
}

/** Marks the chat read while somebody really looks at its end. */
function useMarkRead(chat: ChatRow | undefined, ready: boolean, atEnd: boolean): void {
  const [focused, setFocused] = useState(() => document.hasFocus());
  const asked = useRef("");
  useEffect(() => {
    const look = () => setFocused(document.visibilityState === "visible" && document.hasFocus());
    window.addEventListener("focus", look);
    window.addEventListener("blur", look);
    document.addEventListener("visibilitychange", look);
    return () => {
      window.removeEventListener("focus", look);
      window.removeEventListener("blur", look);
      document.removeEventListener("visibilitychange", look);
    };
  }, []);
  useEffect(() => {
    if (!chat || !ready || !atEnd || !focused || !isUnread(chat)) return;
    const what = `${chat.id} ${chat.lastMessageTime} ${chat.unreadCount} ${chat.isMarkedUnread}`;
    if (asked.current === what) return;
    asked.current = what;
    api.markRead(chat.id).catch(() => { asked.current = ""; });
  }, [chat, ready, atEnd, focused]);
}

function Header({ chat, me, onDetails }: { chat: ChatRow; me: User; onDetails: () => void }) {
  const { t } = useI18n();
  const number = useStore((state) => state.numbers.get(chat.whatsappNumberId));
  const link = useStore((state) => state.links.get(chat.whatsappNumberId)?.status ?? "NONE");
  const composing = useStore((state) => (state.presence.get(chat.id)?.contactUntil ?? 0) > 0);
  const agents = useStore((state) => state.presence.get(chat.id)?.agents ?? noAgents).filter((one) => one.id !== me.id);
  const name = nameOf(chat);
  const typing = agents.filter((one) => one.typing);
  const viewing = agents.filter((one) => one.viewing && !one.typing);
  return (
    <header className="chat-head">
      <IconButton className="chat-back" label={t("chat.back")} icon={ArrowLeft} onClick={() => openChat(null)} />
      <Avatar name={name} group={chat.isGroup && Users} size={40} />
      <div className="chat-who">
        <h2><button type="button" className="chat-title" onClick={onDetails}>{name}</button></h2>
        <p role="status">
          {composing ? <span className="chat-typing">{t("chat.typing")}</span> : <>{chat.isGroup ? t("chat.group") : phone(chat.contactNumber)}{number && <span className="chat-line"> · <StatusDot status={link} /> {number.name}</span>}</>}
        </p>
      </div>
      {(typing.length > 0 || viewing.length > 0) && (
        <p className="chat-agents" role="status">
          {typing.length > 0 ? t("chat.agentTyping", { names: typing.map((one) => one.name).join(", ") }) : t("chat.agentViewing", { names: viewing.map((one) => one.name).join(", ") })}
        </p>
      )}
      <IconButton label={t("shortcuts.searchChat")} icon={Search} onClick={() => {
        setView({ scope: { chatId: chat.id, name }, query: "" });
        if (matchMedia("(max-width: 720px)").matches) openChat(null);
        requestAnimationFrame(() => document.querySelector<HTMLInputElement>(".search input")?.focus());
      }} />
      <ChatMenu chat={chat} onDetails={onDetails} onUnread={() => openChat(null)} />
    </header>
  );
}

export function Conversation({ chatId, user }: { chatId: string; user: User }) {
  const { t } = useI18n();
  const chat = useStore((state) => state.chats.get(chatId));
  const history = useStore((state) => state.histories.get(chatId));
  const searching = useStore((state) => !state.numbersReady || [...state.numbers.keys()].some((id) => {
    const list = listState(state, id, false);
    return !isListComplete(list) && list.error === null;
  }));
  const [reply, setReply] = useState<Message | null>(null);
  const [atEnd, setAtEnd] = useState(true);
  const [details, setDetails] = useState(false);
  const closeDetails = () => {
    setDetails(false);
    document.querySelector<HTMLElement>(".chat-title")?.focus();
  };
  const known = useRef(false);
  if (chat) known.current = true;
  const present = chat !== undefined;
  useEffect(() => {
    // A search hit loads what is around it instead.
    if (present && jump.get()?.chatId !== chatId) openHistory(chatId);
  }, [chatId, present]);
  useViewing(chatId);
  useMarkRead(chat, history !== undefined && history.loading === null && !history.hasNewer, atEnd);

  // Where the list is not beside it, this is the only way back.
  const back = <Button className="chat-leave" icon={ArrowLeft} onClick={() => openChat(null)}>{t("chat.back")}</Button>;
  if (history?.error === "denied" || (!chat && known.current)) return <Denied text={t("denied.chat")}>{back}</Denied>;
  if (!chat) return searching ? <div className="chat-wait"><Skeleton kind="bubble" rows={7} /></div> : <Empty title={t("chat.missing.title")} text={t("chat.missing.text")}>{back}</Empty>;
  return (
    <>
      <Header chat={chat} me={user} onDetails={() => setDetails(true)} />
      {history?.error && history.ids.length === 0
        ? <ErrorState text={history.error} onRetry={() => { store.update((state) => state.histories.delete(chatId)); openHistory(chatId); }} />
        : <Messages chat={chat} me={user} onReply={setReply} onAtEnd={setAtEnd} />}
      <Composer chat={chat} me={user} reply={reply} onReply={setReply} />
      {details && <Suspense><ChatPanel chat={chat} onClose={closeDetails} /></Suspense>}
    </>
  );
}
