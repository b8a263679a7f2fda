import { useVirtualizer } from "@tanstack/react-virtual";
import { Archive, BellOff, Bell, MessageSquarePlus, Pin, Search, Users, X } from "lucide-react";
import { lazy, memo, Suspense, useEffect, useMemo, useRef, useState, type KeyboardEvent, type RefObject } from "react";
import { Link } from "wouter";
import { listState, loadMoreChats, retryList } from "../../data/lists";
import { prefs, setPrefs, useDraft } from "../../data/prefs";
import { isAdmin, session } from "../../data/session";
import { isMuted, isUnread, nameOf, store, useStore } from "../../data/store";
import type { ChatRow } from "../../data/types";
import { useI18n } from "../../i18n";
import { listTime } from "../../lib/format";
import { plain } from "../../lib/rich";
import { Avatar, Button, cx, Empty, IconButton, Skeleton } from "../../ui/kit";
import { toast } from "../../ui/toast";
import { Tick } from "../../ui/Tick";
import { askNotifications, canAskNotifications } from "../notifications";
import { NumberPicker } from "./NumberPicker";
import { SearchResults } from "./SearchResults";
import { focusSoon } from "./focus";
import { countUnread, openLists, setView, view, viewNumbers, visibleChats, type Tab } from "./view";

const NewChat = lazy(() => import("./NewChat"));
const rowHeight = 72;
const tabs: Tab[] = ["all", "unread", "groups", "archived"];
/** Lists loaded at the same time when several numbers are shown together. */
const parallel = 4;

interface Props { chatId: string | null; searchRef: RefObject<HTMLInputElement | null> }

export function ChatList({ chatId, searchRef }: Props) {
  const { t } = useI18n();
  const shown = view.use();
  const searching = shown.query.trim() !== "" || shown.scope !== null;
  const [starting, setStarting] = useState(false);
  return (
    <>
      <header className="list-head">
        <div className="list-title"><h1>{t("nav.inbox")}</h1><NumberPicker /><IconButton label={t("list.new")} icon={MessageSquarePlus} onClick={() => setStarting(true)} /></div>
        {starting && <Suspense><NewChat onClose={() => setStarting(false)} /></Suspense>}
        <div className="search">
          <Search size={17} aria-hidden />
          {shown.scope && (
            <span className="search-scope">{shown.scope.name}
              <button type="button" aria-label={t("search.everywhere")} onClick={() => setView({ scope: null })}><X size={13} aria-hidden /></button>
            </span>
          )}
          <input ref={searchRef} type="search" value={shown.query} placeholder={t(shown.scope ? "search.inChat" : "search.placeholder")} aria-label={t(shown.scope ? "search.inChat" : "search.placeholder")}
            onChange={(event) => setView({ query: event.target.value })}
            onKeyDown={(event) => {
              if (event.key !== "Escape") return;
              event.stopPropagation();
              setView({ query: "", scope: null });
            }} />
          {searching && <IconButton label={t("search.clear")} icon={X} size={16} onClick={() => setView({ query: "", scope: null })} />}
        </div>
        {!searching && (
          <div className="chips" role="group" aria-label={t("list.filters")}>
            {tabs.map((tab) => (
              <button key={tab} type="button" className="chip" aria-pressed={shown.tab === tab} onClick={() => setView({ tab })}>{t(`list.tab.${tab}`)}{tab === "unread" && <UnreadCount />}</button>
            ))}
          </div>
        )}
        {!searching && <NotifyOffer />}
      </header>
      {searching ? <SearchResults chatId={chatId} /> : <Rows chatId={chatId} />}
    </>
  );
}

/** How many chats of what is shown wait, as far as the list is loaded. */
function UnreadCount() {
  const shown = view.use();
  const version = useStore((state) => state.orderVersion);
  const count = useMemo(() => countUnread(store.state, shown), [version, shown]);
  return count > 0 && <b>{count > 99 ? "99+" : count}</b>;
}

/** Offered once, where somebody waits for messages; the profile has the switch. */
function NotifyOffer() {
  const { t } = useI18n();
  const { notifications, notifyOffered } = prefs.use();
  if (notifications || notifyOffered || !canAskNotifications()) return null;
  const turnOn = async () => {
    if (!(await askNotifications())) toast(t("notify.blocked"), "bad");
    setPrefs({ notifyOffered: true });
  };
  return (
    <div className="offer">
      <Bell size={18} aria-hidden /><p>{t("notify.offer")}</p>
      <Button tone="quiet" onClick={() => void turnOn()}>{t("notify.turnOn")}</Button>
      <IconButton label={t("close")} icon={X} size={16} onClick={() => setPrefs({ notifyOffered: true })} />
    </div>
  );
}

function Rows({ chatId }: { chatId: string | null }) {
  const { t } = useI18n();
  const shown = view.use();
  const archived = shown.tab === "archived";
  const orderVersion = useStore((state) => state.orderVersion);
  const numbersVersion = useStore((state) => state.numbersVersion);
  const ids = useMemo(() => visibleChats(store.state, shown, chatId), [orderVersion, numbersVersion, shown, chatId]);
  const several = useStore((state) => viewNumbers(state, shown).length) > 1;
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: ids.length, getScrollElement: () => scroller.current, estimateSize: () => rowHeight, overscan: 6,
    getItemKey: (index) => ids[index]!, directDomUpdates: true, directDomUpdatesMode: "position", useFlushSync: false,
    // Every row is as high as the style says: asking the browser would lay out the page at each change.
    measureElement: () => rowHeight,
  });
  const open = openLists(store.state, shown);
  const failed = open.find((id) => listState(store.state, id, archived).error !== null);
  const items = rows.getVirtualItems();
  const nearEnd = (items.at(-1)?.index ?? -1) >= ids.length - 25;
  const wanted = chatId !== null && !store.state.chats.has(chatId);

  useEffect(() => {
    if (!nearEnd && !wanted) return;
    const busy = open.filter((id) => listState(store.state, id, archived).loading).length;
    const idle = open.filter((id) => !listState(store.state, id, archived).loading && !listState(store.state, id, archived).error);
    for (const id of idle.slice(0, Math.max(0, parallel - busy))) void loadMoreChats(id, archived);
  });
  useEffect(() => {
    scroller.current?.scrollTo({ top: 0 });
  }, [shown.tab, shown.numberId]);

  const moveFocus = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined || event.altKey) return;
    event.preventDefault();
    const from = Number((event.target as HTMLElement).closest<HTMLElement>("[data-index]")?.dataset.index ?? -1);
    const to = Math.min(Math.max(from + step, 0), ids.length - 1);
    rows.scrollToIndex(to);
    focusSoon(scroller.current, `[data-index="${to}"] a`);
  };

  if (ids.length === 0 && failed === undefined) {
    if (viewNumbers(store.state, shown).length === 0) return <Empty title={t("start.agent.title")} text={t("start.agent.text")} />;
    if (open.length > 0) return <Skeleton kind="chat" rows={9} />;
    return <NoChats />;
  }
  return (
    <div className="rows" ref={scroller} onKeyDown={moveFocus} data-testid="chat-list">
      <div role="list" aria-label={t("list.label")} className="rows-inner" ref={rows.containerRef}>
        {items.map((item) => (
          <div key={item.key} role="listitem" aria-setsize={open.length ? -1 : ids.length} aria-posinset={item.index + 1} data-index={item.index} ref={rows.measureElement} className="row-slot">
            <Row id={ids[item.index]!} current={ids[item.index] === chatId} showNumber={several} />
          </div>
        ))}
      </div>
      {failed !== undefined
        ? <div className="rows-end" role="alert">{t("list.failed")} <Button onClick={() => retryList(failed, archived)}>{t("retry")}</Button></div>
        : open.length > 0 && <div className="rows-end" aria-hidden>…</div>}
    </div>
  );
}

/** Nothing in this view; when it cannot be otherwise yet, what to do about it. */
function NoChats() {
  const { t } = useI18n();
  const shown = view.use();
  const admin = isAdmin(session.use()?.user);
  const unlinked = useStore((state) => viewNumbers(state, shown).every((id) => (state.links.get(id)?.status ?? "NONE") !== "CONNECTED" && !state.links.get(id)?.lastConnected));
  const mustLink = shown.tab === "all" && unlinked;
  return (
    <Empty icon={shown.tab === "archived" ? Archive : undefined} title={t(`list.empty.${shown.tab}`)}
      text={mustLink ? t(admin ? "list.empty.link" : "list.empty.waitLink") : shown.tab === "all" ? t("list.empty.text") : undefined}>
      {mustLink && admin && <Link href="/numbers" className="btn btn-primary">{t("list.empty.linkButton")}</Link>}
    </Empty>
  );
}

const Row = memo(function Row({ id, current, showNumber }: { id: string; current: boolean; showNumber: boolean }) {
  const chat = useStore((state) => state.chats.get(id));
  const typing = useStore((state) => (state.presence.get(id)?.contactUntil ?? 0) > 0);
  const number = useStore((state) => (showNumber && chat ? state.numbers.get(chat.whatsappNumberId)?.name : undefined));
  return chat ? <ChatLink chat={chat} current={current} typing={typing} number={number} /> : null;
});

export function ChatLink({ chat, current, typing = false, number, onClick }: { chat: ChatRow; current: boolean; typing?: boolean; number?: string | undefined; onClick?: () => void }) {
  const { t, tn, language } = useI18n();
  const draft = useDraft(chat.id);
  const name = nameOf(chat);
  return (
    <Link href={`/inbox/${chat.id}`} className={cx("chat-link", isUnread(chat) && "chat-unread")} aria-current={current ? "true" : undefined} draggable={false} {...(onClick ? { onClick } : {})}>
      <Avatar name={name} group={chat.isGroup && Users} size={46} />
      <span className="chat-body">
        <span className="chat-top">
          <span className="chat-name">{name}</span>
          <time className="chat-time" dateTime={chat.lastMessageTime}>{listTime(chat.lastMessageTime, language, { yesterday: t("day.yesterday") })}</time>
        </span>
        <span className="chat-bottom">
          {typing ? <span className="chat-typing">{t("chat.typing")}</span>
            : draft && !current ? <span className="chat-last"><i className="draft">{t("chat.draft")}</i> {draft}</span>
              : <>
                {chat.lastMessageIsFromMe && chat.lastMessageStatus && <Tick status={chat.lastMessageStatus} />}
                {chat.lastMessageIsFromMe && <span className="sr-only">{t("chat.answered")}</span>}
                <span className="chat-last">{chat.isGroup && chat.lastMessageFromName && <b className="chat-from">{t("list.group.from", { name: chat.lastMessageFromName })} </b>}{plain(chat.lastMessage ?? "", {})}</span>
              </>}
          {number && <span className="chat-number">{number}</span>}
          {isMuted(chat, Date.now()) && <><BellOff size={15} className="chat-muted" aria-hidden /><span className="sr-only">{t("chat.muted")}</span></>}
          {chat.isPinned && <><Pin size={14} className="chat-pin" aria-hidden /><span className="sr-only">{t("chat.pinned")}</span></>}
          {chat.unreadCount > 0 && <span className="unread"><span aria-hidden>{chat.unreadCount > 999 ? "999+" : chat.unreadCount}</span><span className="sr-only">{tn("chat.unread", chat.unreadCount)}</span></span>}
          {chat.unreadCount === 0 && chat.isMarkedUnread && <span className="unread unread-dot"><span className="sr-only">{t("chat.markedUnread")}</span></span>}
        </span>
      </span>
    </Link>
  );
}
