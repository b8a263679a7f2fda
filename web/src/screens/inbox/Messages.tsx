/**
 * The message pane. Only the visible lines are in the document; the list is anchored at its end, so older pages can be
 * put before it and new messages after it without moving what somebody reads.
 */
import { useVirtualizer } from "@tanstack/react-virtual";
import { ChevronDown } from "lucide-react";
import { lazy, Suspense, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent } from "react";
import * as api from "../../data/api";
import { loadAround, loadHistory, loadNewer, loadOlder } from "../../data/history";
import { store, useStore, type History } from "../../data/store";
import type { ChatRow, Message, User } from "../../data/types";
import { useI18n } from "../../i18n";
import { dayLabel } from "../../lib/format";
import { plain } from "../../lib/rich";
import { Button, Empty, Live, Skeleton } from "../../ui/kit";
import { toast } from "../../ui/toast";
import { useShortcuts } from "../shortcuts";
import { focusSoon } from "./focus";
import { MessageRow, OutboxBubble } from "./MessageRow";
import { buildLines, firstUnread, outboxOf, type Line } from "./rows";
import { jump, jumpTo } from "./view";

const MessageInfo = lazy(() => import("./MessageInfo"));
const endSlack = 80;
const noHistory: History = { ids: [], hasOlder: false, hasNewer: false, loading: "first", error: null, stale: false, epoch: 0 };
const estimates: Record<Line["kind"], number> = { day: 48, unread: 44, message: 62, outbox: 62 };

interface Props { chat: ChatRow; me: User; onReply: (message: Message) => void; onAtEnd: (atEnd: boolean) => void }

/** Where the unread messages began when the chat was opened. */
function useUnreadMark(chat: ChatRow, history: History): string | null {
  const [mark, setMark] = useState<string | null>(null);
  const taken = useRef<number | null>(null);
  taken.current ??= chat.unreadCount;
  const ready = history.loading !== "first" && history.ids.length > 0;
  useLayoutEffect(() => {
    if (!ready || !taken.current || history.hasNewer) return;
    setMark(firstUnread(store.state, history.ids, taken.current));
    taken.current = 0;
  }, [ready]);
  return mark;
}

/** The day of the line at the top, shown while somebody reads above; a line that tells its day needs no second one. */
function dayAt(line: Line | undefined): string | null {
  if (line?.kind === "message") return store.state.messages.get(line.id)?.timestamp ?? null;
  return line?.kind === "outbox" ? store.state.outbox.get(line.clientId)?.createdAt ?? null : null;
}

/** Says aloud what the customer writes into the open chat. */
function Announcer({ last }: { last: string | undefined }) {
  const { t } = useI18n();
  const [text, setText] = useState("");
  const seen = useRef<string | undefined>(undefined);
  useEffect(() => {
    const message = last ? store.state.messages.get(last) : undefined;
    const isFirst = seen.current === undefined;
    seen.current = last;
    if (!isFirst && message && !message.isFromMe) setText(t("chat.arrived", { name: message.fromName ?? message.fromNumber, text: plain(message.content, message).slice(0, 200) }));
  }, [last, t]);
  return <Live text={text} />;
}

export function Messages({ chat, me, onReply, onAtEnd }: Props) {
  const { t, tn, language } = useI18n();
  const history = useStore((state) => state.histories.get(chat.id)) ?? noHistory;
  const outboxVersion = useStore((state) => state.outboxVersion);
  const mark = useUnreadMark(chat, history);
  const lines = useMemo(() => buildLines(store.state, history.ids, !history.hasOlder, mark, history.hasNewer ? [] : outboxOf(store.state, chat.id)), [history.ids, history.hasOlder, history.hasNewer, mark, outboxVersion, chat.id]);
  const scroller = useRef<HTMLDivElement>(null);
  const [atEnd, setAtEnd] = useState(true);
  const [info, setInfo] = useState<string | null>(null);
  const [active, setActive] = useState<string | null>(null);
  const [flash, setFlash] = useState<string | null>(null);
  const [unseen, setUnseen] = useState(0);
  const target = jump.use();
  const [jumping, setJumping] = useState(target?.chatId === chat.id);

  const list = useVirtualizer({
    count: lines.length, getScrollElement: () => scroller.current, estimateSize: (index) => estimates[lines[index]!.kind], overscan: 8,
    getItemKey: (index) => lines[index]!.key, anchorTo: "end", followOnAppend: !history.hasNewer, scrollEndThreshold: endSlack,
    paddingStart: 12, paddingEnd: 12, directDomUpdates: true, directDomUpdatesMode: "position", useFlushSync: false,
  });
  const items = list.getVirtualItems();
  const lineOf = useCallback((id: string) => lines.findIndex((line) => line.kind === "message" && line.id === id), [lines]);
  const ready = history.loading !== "first" || history.ids.length > 0;

  const placed = useRef(false);
  // At the end the view follows what arrives. Only the reader's own hand ends that: lines that grow or are measured anew do not.
  const sticks = useRef(true);
  const lastInput = useRef(0);
  const noteInput = () => { lastInput.current = performance.now(); };
  // Turning the wheel up means reading above, however late a busy page reports the scrolling.
  const onWheel = ({ deltaY }: { deltaY: number }) => {
    noteInput();
    if (deltaY < 0) sticks.current = false;
  };
  const onScroll = () => {
    const element = scroller.current!;
    const now = !history.hasNewer && element.scrollHeight - element.scrollTop - element.clientHeight < endSlack;
    if (now) sticks.current = true;
    else if (performance.now() - lastInput.current < 1_000) sticks.current = false;
    if (now === atEnd) return;
    setAtEnd(now);
    if (now) setUnseen(0);
  };
  useLayoutEffect(() => {
    if (placed.current && sticks.current && !history.hasNewer) list.scrollToEnd();
  }, [lines, history.hasNewer]);
  // A composer that grows, or the keyboard of a phone, makes the pane lower: its end stays in view.
  const shown = ready && lines.length > 0;
  useEffect(() => {
    if (!shown || history.hasNewer) return;
    const watch = new ResizeObserver(() => {
      if (placed.current && sticks.current) list.scrollToEnd();
    });
    watch.observe(scroller.current!);
    return () => watch.disconnect();
  }, [shown, history.hasNewer]);
  // First sight: the end, or the unread divider when it lies higher.
  useLayoutEffect(() => {
    if (placed.current || jumping || lines.length === 0 || history.loading === "first") return;
    placed.current = true;
    const divider = lines.findIndex((line) => line.kind === "unread");
    if (divider >= 0 && lines.length - divider > 8) {
      sticks.current = false;
      list.scrollToIndex(divider, { align: "start" });
    }
    else list.scrollToEnd();
  }, [lines.length, history.loading, jumping]);

  // A message to jump to: load its surroundings if needed, then show it. Nothing else is loaded until it is in view.
  useEffect(() => {
    if (target?.chatId !== chat.id) return;
    let dropped = false;
    sticks.current = false;
    setJumping(true);
    void loadAround(chat.id, target.message).then((found) => {
      if (dropped) return;
      if (found) setFlash(target.message.id);
      else setJumping(false);
    });
    return () => { dropped = true; };
  }, [target, chat.id]);
  const flashIndex = flash ? lineOf(flash) : -1;
  const flashAt = useRef(flashIndex);
  flashAt.current = flashIndex;
  useEffect(() => {
    if (flashIndex < 0) return;
    placed.current = true;
    sticks.current = false;
    jump.set(null);
    // Lines are as high as guessed until they are drawn: centre it again while they are measured.
    let frame = 0;
    let left = 12;
    const centre = () => {
      if (flashAt.current >= 0) list.scrollToIndex(flashAt.current, { align: "center" });
      if (--left > 0) frame = requestAnimationFrame(centre);
      else setJumping(false);
    };
    centre();
    const timer = setTimeout(() => setFlash(null), 2_500);
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
      setJumping(false);
    };
  }, [flash, flashIndex >= 0]);

  // Nearing an end of what is loaded loads more.
  const firstIndex = items[0]?.index ?? 0;
  const lastIndex = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (!placed.current || jumping || history.loading || history.error) return;
    if (history.hasOlder && firstIndex < 25) void loadOlder(chat.id);
    else if (history.hasNewer && lastIndex > lines.length - 25) void loadNewer(chat.id);
  }, [firstIndex, lastIndex, history, lines.length, jumping]);

  useEffect(() => onAtEnd(atEnd && !history.hasNewer), [atEnd, history.hasNewer]);

  // Counting what arrives below while somebody reads above; own messages are shown at once.
  const lastId = history.ids.at(-1);
  const seenLast = useRef(lastId);
  useEffect(() => {
    const before = seenLast.current;
    seenLast.current = lastId;
    if (!before || before === lastId || history.hasNewer || atEnd) return;
    const fresh = history.ids.slice(history.ids.indexOf(before) + 1).filter((id) => !store.state.messages.get(id)?.isFromMe);
    setUnseen((n) => n + fresh.length);
  }, [lastId]);
  const lastLine = lines.at(-1);
  useEffect(() => {
    if (lastLine?.kind !== "outbox") return;
    sticks.current = true;
    list.scrollToEnd();
  }, [lastLine?.key]);

  const toEnd = () => {
    setUnseen(0);
    // Whoever leaves while a hit is still being shown goes to the end, not back to the hit.
    jump.set(null);
    setFlash(null);
    setJumping(false);
    sticks.current = true;
    if (history.hasNewer) {
      placed.current = false;
      void loadHistory(chat.id);
    } else list.scrollToEnd();
  };

  const focusLine = (index: number) => {
    const line = lines[index];
    if (line?.kind !== "message") return;
    setActive(line.id);
    sticks.current = index === lines.length - 1;
    list.scrollToIndex(index);
    focusSoon(scroller.current, `[data-index="${index}"] .msg`);
  };
  const nextMessage = (from: number, step: number) => {
    for (let i = from + step; i >= 0 && i < lines.length; i += step) if (lines[i]!.kind === "message") return i;
    return from;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const row = (event.target as HTMLElement).closest<HTMLElement>(".msg");
    if (!row || event.altKey || event.ctrlKey || event.metaKey) return;
    const index = Number(row.closest<HTMLElement>("[data-index]")?.dataset.index ?? -1);
    const line = lines[index];
    const message = line?.kind === "message" ? store.state.messages.get(line.id) : undefined;
    if (!message) return;
    if (event.key === "ArrowUp") focusLine(nextMessage(index, -1));
    else if (event.key === "ArrowDown") focusLine(nextMessage(index, 1));
    else if (event.key === "r" && !message.revokedAt) onReply(message);
    else if (event.key === "i" || (event.key === "Enter" && event.target === row)) setInfo(message.id);
    else return;
    event.preventDefault();
  };
  useShortcuts({
    "chat.messages": () => focusLine(active ? Math.max(0, lineOf(active)) : nextMessage(lines.length, -1)),
  });

  const jumpToQuoted = useCallback(async (waId: string) => {
    const known = store.state.messages.get(store.state.idByWaId.get(waId) ?? "");
    if (known) return jumpTo(chat.id, known);
    try {
      jumpTo(chat.id, await api.message(waId));
    } catch {
      toast(t("chat.quotedGone"), "bad");
    }
  }, [chat.id, t]);

  const day = atEnd && !history.hasNewer ? null : dayAt(lines[list.range?.startIndex ?? 0]);

  if (!ready) return <div className="messages-wrap"><Skeleton kind="bubble" rows={8} /></div>;
  if (lines.length === 0) return <div className="messages-wrap"><Empty title={t("chat.empty.title")} text={t("chat.empty.text")} /></div>;
  const activeIndex = active ? lineOf(active) : -1;
  return (
    <div className="messages-wrap">
      <div className="messages" ref={scroller} onScroll={onScroll} onWheel={onWheel} onTouchMove={noteInput} onPointerDown={noteInput} onKeyDownCapture={noteInput} onKeyDown={onKeyDown} role="region" aria-label={t("chat.messages")} tabIndex={0} data-testid="messages">
        {history.loading === "older" && <div className="messages-top" role="status">{t("chat.loadingOlder")}</div>}
        {history.error && <div className="messages-top" role="alert">{t("list.failed")} <Button onClick={() => void (history.hasNewer ? loadNewer(chat.id) : loadOlder(chat.id))}>{t("retry")}</Button></div>}
        {!history.hasOlder && firstIndex === 0 && <span className="sr-only">{t("chat.start")}</span>}
        <div role="list" aria-label={t("chat.messages")} className="messages-inner" ref={list.containerRef}>
          {items.map((item) => {
            const line = lines[item.index]!;
            return (
              <div key={item.key} role="listitem" data-index={item.index} ref={list.measureElement} className="line">
                {line.kind === "day" ? <div className="day"><span>{dayLabel(line.at, language, { today: t("day.today"), yesterday: t("day.yesterday") })}</span></div>
                  : line.kind === "unread" ? <div className="unread-line"><span>{t("chat.unreadFrom")}</span></div>
                    : line.kind === "outbox" ? <OutboxBubble clientId={line.clientId} first={line.first} />
                      : <MessageRow id={line.id} first={line.first} chat={chat} me={me} tabbable={activeIndex < 0 ? item.index === nextMessage(lines.length, -1) : item.index === activeIndex}
                        flash={line.id === flash} onFocus={setActive} onReply={onReply} onInfo={setInfo} onQuoted={jumpToQuoted} />}
              </div>
            );
          })}
        </div>
      </div>
      {day && history.loading !== "older" && <div className="day day-float" aria-hidden><span>{dayLabel(day, language, { today: t("day.today"), yesterday: t("day.yesterday") })}</span></div>}
      {(!atEnd || history.hasNewer) && (
        <button type="button" className="to-end" aria-label={unseen ? tn("chat.newBelow", unseen) : t("chat.toEnd")} onClick={toEnd}>
          <ChevronDown size={22} aria-hidden />{unseen > 0 && <span className="unread" aria-hidden>{unseen}</span>}
        </button>
      )}
      <Announcer last={history.hasNewer ? undefined : lastId} />
      {info && <Suspense><MessageInfo id={info} onClose={() => setInfo(null)} /></Suspense>}
    </div>
  );
}
