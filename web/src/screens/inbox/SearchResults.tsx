import { useQuery } from "@tanstack/react-query";
import { SearchX } from "lucide-react";
import { useEffect, useMemo, useState } from "react";
import * as api from "../../data/api";
import { putChats, store, useStore } from "../../data/store";
import type { ChatRow, SearchHit } from "../../data/types";
import { useI18n } from "../../i18n";
import { fold } from "../../lib/fold";
import { ending, listTime } from "../../lib/format";
import { mentioned } from "../../lib/rich";
import { Empty, ErrorState, Live, Skeleton } from "../../ui/kit";
import { ChatLink } from "./ChatList";
import { openChat } from "./Inbox";
import { jumpTo, view, viewNumbers } from "./view";

/** Numbers asked by name at the same time; what is loaded is searched for all of them anyway. */
const askedNumbers = 8;

function useDebounced<T>(value: T, ms: number): T {
  const [late, setLate] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setLate(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return late;
}

const fits = (chat: ChatRow, q: string) => {
  const digits = q.replace(/\D/g, "");
  return fold(chat.contactName).includes(q) || fold(chat.groupName ?? "").includes(q) || (digits.length > 2 && chat.contactNumber.includes(digits));
};

function useChatHits(q: string, numberIds: number[], enabled: boolean) {
  const remote = useQuery({
    queryKey: ["search-chats", q, numberIds], enabled: enabled && q.length > 1,
    queryFn: async ({ signal }) => (await Promise.all(numberIds.slice(0, askedNumbers).map((id) => api.searchChats(id, q, signal)))).flat(),
  });
  const hits = useMemo(() => {
    if (!enabled || !q) return [];
    const byId = new Map<string, ChatRow>();
    const allowed = new Set(numberIds);
    for (const id of store.state.order) {
      const chat = store.state.chats.get(id)!;
      if (allowed.has(chat.whatsappNumberId) && fits(chat, fold(q))) byId.set(id, chat);
      if (byId.size >= 30) break;
    }
    for (const chat of remote.data ?? []) if (!byId.has(chat.id)) byId.set(chat.id, chat);
    return [...byId.values()];
  }, [q, remote.data, enabled, numberIds]);
  return { hits, loading: remote.isFetching };
}

/** The server puts U+0002 and U+0003 around what was found. */
function Snippet({ hit }: { hit: SearchHit }) {
  // oxlint-disable-next-line no-control-regex -- the marks of the protocol
  const parts = hit.snippet.split(/\u0002([^\u0003]*)\u0003/).map((part) => mentioned(part, hit.message));
  // One line is shown: what was found stands near its start.
  if (parts.length > 1) parts[0] = ending(parts[0]!);
  return <>{parts.map((part, i) => (i % 2 ? <mark key={i}>{part}</mark> : part))}</>;
}

export function SearchResults({ chatId }: { chatId: string | null }) {
  const { t, tn, language } = useI18n();
  const shown = view.use();
  const q = useDebounced(shown.query.trim(), 250);
  const numbersVersion = useStore((state) => state.numbersVersion);
  const numberIds = useMemo(() => viewNumbers(store.state, shown), [shown, numbersVersion]);
  const chats = useChatHits(q, numberIds, !shown.scope);
  const messages = useQuery({
    queryKey: ["search-messages", q, shown.numberId, shown.scope?.chatId], enabled: q.length > 1,
    queryFn: ({ signal }) => api.searchMessages({
      q, limit: 50, ...(shown.scope ? { chatId: shown.scope.chatId } : shown.numberId !== null ? { whatsappNumberId: shown.numberId } : {}),
    }, signal),
  });
  const found = messages.data ?? [];
  const loading = chats.loading || messages.isFetching || q !== shown.query.trim();
  const open = (hit: SearchHit) => {
    if (!store.state.chats.has(hit.chat.id)) store.update((state) => putChats(state, hit.chat.whatsappNumberId, [hit.chat]));
    jumpTo(hit.chat.id, hit.message);
    openChat(hit.chat.id);
  };
  const total = chats.hits.length + found.length;
  return (
    <div className="rows results">
      <Live text={loading ? "" : q ? tn("search.found", total) : ""} />
      {messages.isError && <ErrorState text={messages.error.message} onRetry={() => void messages.refetch()} />}
      {chats.hits.length > 0 && (
        <section aria-label={t("search.chats")}>
          <h2 className="results-title">{t("search.chats")}</h2>
          <ul>{chats.hits.map((chat) => (
            <li key={chat.id}>
              <ChatLink chat={chat} current={chat.id === chatId} number={numberIds.length > 1 ? store.state.numbers.get(chat.whatsappNumberId)?.name : undefined}
                onClick={() => { if (!store.state.chats.has(chat.id)) store.update((state) => putChats(state, chat.whatsappNumberId, [chat])); }} />
            </li>
          ))}</ul>
        </section>
      )}
      {found.length > 0 && (
        <section aria-label={t("search.messages")}>
          <h2 className="results-title">{t("search.messages")}</h2>
          <ul>{found.map((hit) => (
            <li key={hit.message.id}>
              <button type="button" className="hit" onClick={() => open(hit)}>
                <span className="chat-top"><span className="chat-name">{hit.chat.contactName}</span><time className="chat-time">{listTime(hit.message.timestamp, language, { yesterday: t("day.yesterday") })}</time></span>
                <span className="hit-text">{hit.message.isFromMe && <b>{t("chat.you")}: </b>}<Snippet hit={hit} /></span>
              </button>
            </li>
          ))}</ul>
        </section>
      )}
      {loading && total === 0 && <Skeleton kind="chat" rows={5} />}
      {!loading && total === 0 && !messages.isError && (q ? <Empty icon={SearchX} title={t("search.none")} text={t("search.noneText", { q })} /> : <p className="results-hint">{t("search.hint")}</p>)}
    </div>
  );
}
