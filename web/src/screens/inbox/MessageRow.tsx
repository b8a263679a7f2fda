import { Ban, Copy, File, Image as ImageIcon, Info, MapPin, Mic, RotateCcw, Reply, Sticker, Trash2, Undo2, User as UserIcon, Video, BarChart3 } from "lucide-react";
import { memo, useEffect, useMemo, useState } from "react";
import { release, resend, retry, undo, wasResent } from "../../data/outbox";
import { setDraft } from "../../data/prefs";
import { store, useStore } from "../../data/store";
import type { ChatRow, Message, User } from "../../data/types";
import { serverText, useI18n } from "../../i18n";
import { copyText } from "../../lib/copy";
import { clock, hash } from "../../lib/format";
import { blocks, isJumbo, mentionNames, plain, shortened, type Piece } from "../../lib/rich";
import { cx, type Icon } from "../../ui/kit";
import { Tick } from "../../ui/Tick";
import { toast } from "../../ui/toast";

const kinds: Partial<Record<Message["type"], Icon>> = { IMAGE: ImageIcon, VIDEO: Video, AUDIO: Mic, DOCUMENT: File, STICKER: Sticker, LOCATION: MapPin, CONTACT: UserIcon, POLL: BarChart3 };

/** Pieces of a customer's words. Every piece is a text node; nothing they write is ever markup. */
function Pieces({ pieces }: { pieces: readonly Piece[] }) {
  return pieces.map((piece, i) => {
    switch (piece.kind) {
      case "link": return piece.href.startsWith("http") ? <a key={i} href={piece.href} target="_blank" rel="noopener noreferrer nofollow">{piece.text}</a> : <a key={i} href={piece.href}>{piece.text}</a>;
      case "bold": return <strong key={i}>{piece.text}</strong>;
      case "italic": return <em key={i}>{piece.text}</em>;
      case "strike": return <s key={i}>{piece.text}</s>;
      case "code": return <code key={i}>{piece.text}</code>;
      case "pre": return <code key={i} className="pre">{piece.text}</code>;
      case "mention": return <span key={i} className="mention">{piece.text}</span>;
      case "text": return piece.text;
    }
  });
}

function Blocks({ text, names }: { text: string; names: ReadonlyMap<string, string> }) {
  const parts = useMemo(() => blocks(text, names), [text, names]);
  return parts.map((part, i) => {
    if (part.kind === "quote") return <blockquote key={i}><Pieces pieces={part.pieces} /></blockquote>;
    if (part.kind === "inline") return <Pieces key={i} pieces={part.pieces} />;
    const items = part.items.map((item, n) => <li key={n}><Pieces pieces={item} /></li>);
    return part.start === null ? <ul key={i}>{items}</ul> : <ol key={i} start={part.start}>{items}</ol>;
  });
}

/** Long texts that somebody opened, as long as the page lives: rows come and go while one scrolls. */
const opened = new Set<string>();

function Text({ message }: { message: Message }) {
  const { t } = useI18n();
  const names = useMemo(() => mentionNames(message), [message.mentions]);
  const [open, setOpen] = useState(() => opened.has(message.id));
  const short = useMemo(() => shortened(message.content), [message.content]);
  const toggle = () => {
    if (open) opened.delete(message.id);
    else opened.add(message.id);
    setOpen(!open);
  };
  return (
    <>
      <span className={cx("msg-text", isJumbo(message.content) && "msg-jumbo")} dir="auto"><Blocks text={open ? message.content : short ?? message.content} names={names} /></span>
      {short !== null && <button type="button" className="msg-more" aria-expanded={open} onClick={toggle}>{t(open ? "chat.less" : "chat.more")}</button>}
    </>
  );
}

/** Why WhatsApp did not take a message, and another try. */
function Failed({ message, chat }: { message: Message; chat: ChatRow }) {
  const { t } = useI18n();
  const [again, setAgain] = useState(() => wasResent(message.id));
  const reason = message.error ? serverText(message.errorCode, message.error) : "";
  return (
    <div className="outbox-line outbox-bad">
      <span>{t("outbox.failed")}{reason && ` ${reason}`}{again && ` ${t("chat.resent")}`}</span>
      {!again && message.type === "TEXT" && <button type="button" onClick={() => { resend(chat, message); setAgain(true); }}><RotateCcw size={14} aria-hidden /> {t("retry")}</button>}
    </div>
  );
}

/** Only addresses of the web; anything else is not a place to send somebody. */
const safeUrl = (url: string | null) => (url && /^https?:\/\//i.test(url) ? url : null);

function Body({ message }: { message: Message }) {
  const { t } = useI18n();
  const [broken, setBroken] = useState(false);
  if (message.revokedAt) return <span className="msg-revoked"><Ban size={15} aria-hidden /> {t("chat.revoked")}</span>;
  const Kind = kinds[message.type];
  const url = safeUrl(message.mediaUrl);
  if (!Kind) return <Text message={message} />;
  return (
    <>
      {url && !broken && (message.type === "IMAGE" || message.type === "STICKER")
        ? <a href={url} target="_blank" rel="noopener noreferrer"><img className="msg-image" src={url} alt={message.mediaCaption ?? t("chat.image")} loading="lazy" onError={() => setBroken(true)} /></a>
        : url
          ? <a className="msg-file" href={url} target="_blank" rel="noopener noreferrer"><Kind size={20} aria-hidden /> {message.content}</a>
          : <span className="msg-file"><Kind size={20} aria-hidden /> <Text message={message} /></span>}
      {url && message.mediaCaption && message.type !== "DOCUMENT" && <Text message={{ ...message, content: message.mediaCaption }} />}
    </>
  );
}

function Reactions({ message }: { message: Message }) {
  const { t } = useI18n();
  const list = message.reactions ?? [];
  if (list.length === 0) return null;
  const counts = new Map<string, string[]>();
  for (const one of list) counts.set(one.emoji, [...(counts.get(one.emoji) ?? []), one.isFromMe ? t("chat.you") : one.fromName ?? one.fromJid.replace(/@.*$/, "")]);
  return (
    <ul className="reactions" aria-label={t("chat.reactions")}>
      {[...counts].map(([emoji, names]) => <li key={emoji} title={names.join(", ")}><span>{emoji}</span>{names.length > 1 && <b>{names.length}</b>}<span className="sr-only">{names.join(", ")}</span></li>)}
    </ul>
  );
}

function Quote({ message, onQuoted }: { message: Message; onQuoted: (waId: string) => void }) {
  const { t } = useI18n();
  const quoted = useStore((state) => state.messages.get(state.idByWaId.get(message.quotedMessageId ?? "") ?? ""));
  if (!message.quotedMessageId) return null;
  const who = quoted ? (quoted.isFromMe ? t("chat.you") : quoted.fromName ?? quoted.fromNumber) : t("chat.quoted");
  return (
    <button type="button" className="quote" tabIndex={-1} onClick={() => onQuoted(message.quotedMessageId!)}>
      <b>{who}</b><span>{quoted?.revokedAt ? t("chat.revoked") : quoted ? plain(quoted.content, quoted) : plain(message.quotedContent ?? "", {})}</span>
    </button>
  );
}

interface RowProps {
  id: string; first: boolean; chat: ChatRow; me: User; tabbable: boolean; flash: boolean;
  onFocus: (id: string) => void; onReply: (message: Message) => void; onInfo: (id: string) => void; onQuoted: (waId: string) => void;
}

export const MessageRow = memo(function MessageRow({ id, first, chat, me, tabbable, flash, onFocus, onReply, onInfo, onQuoted }: RowProps) {
  const { t, language } = useI18n();
  const message = useStore((state) => state.messages.get(id));
  const [near, setNear] = useState(false);
  if (!message) return null;
  if (message.type === "SYSTEM") return <div className="system"><span>{message.content}</span></div>;
  const mine = message.isFromMe;
  const sender = mine ? (message.sentBy ? (message.sentBy.id === me.id ? t("chat.you") : message.sentBy.name) : t("chat.phone")) : message.fromName ?? message.fromNumber;
  // Made only for the row under the pointer or with the focus: scrolling past a row should cost little.
  const copy = () => void copyText(message.content).then(() => toast(t("chat.copied")), () => toast(t("error.title"), "bad"));
  const actions: { label: string; icon: Icon; run: () => void }[] = [
    ...(message.revokedAt ? [] : [{ label: t("chat.reply"), icon: Reply, run: () => onReply(message) }, { label: t("chat.copy"), icon: Copy, run: copy }]),
    { label: t("chat.info"), icon: Info, run: () => onInfo(id) },
  ];
  return (
    <article className={cx("msg", mine ? "msg-out" : "msg-in", first && "msg-first", mine && message.status === "FAILED" && "msg-failed", flash && "msg-flash", (message.reactions?.length ?? 0) > 0 && "msg-reacted")} tabIndex={tabbable ? 0 : -1} data-id={id}
      aria-label={t("chat.messageBy", { name: sender, time: clock(message.timestamp, language) })} onFocus={() => onFocus(id)} onPointerEnter={() => setNear(true)} onPointerLeave={() => setNear(false)}>
      <div className="bubble">
        {!mine && chat.isGroup && first && <span className="sender" data-hue={hash(message.fromJid) % 8}>{sender}</span>}
        {mine && first && message.sentBy && message.sentBy.id !== me.id && <span className="sender sender-agent">{t("chat.sentBy", { name: sender })}</span>}
        <Quote message={message} onQuoted={onQuoted} />
        <Body message={message} />
        <span className="meta">
          {message.editedAt && !message.revokedAt && <span>{t("chat.edited")}</span>}
          <time dateTime={message.timestamp}>{clock(message.timestamp, language)}</time>
          {mine && <Tick status={message.status} />}
        </span>
        <Reactions message={message} />
      </div>
      <div className="msg-actions">
        {(near || tabbable) && actions.map(({ label, icon: Icon, run }) => (
          <button key={label} type="button" className="icon-btn" aria-label={label} title={label} tabIndex={tabbable ? 0 : -1} onClick={run}><Icon size={16} aria-hidden /></button>
        ))}
      </div>
      {mine && message.status === "FAILED" && <Failed message={message} chat={chat} />}
    </article>
  );
});

function useCountdown(until: number, active: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!active) return;
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, [active]);
  return Math.max(0, Math.ceil((until - now) / 1000));
}

/** Puts the text of a taken-back message into the composer's draft, unless something is written there. */
export function takeBack(clientId: string): void {
  const chatId = store.state.outbox.get(clientId)?.chatId;
  const text = undo(clientId);
  if (chatId && text !== null) {
    setDraft(chatId, text);
    window.dispatchEvent(new CustomEvent("wabox:compose", { detail: { chatId } }));
  }
}

export const OutboxBubble = memo(function OutboxBubble({ clientId, first }: { clientId: string; first: boolean }) {
  const { t, language } = useI18n();
  const row = useStore((state) => state.outbox.get(clientId));
  const left = useCountdown(row?.holdUntil ?? 0, row?.state === "held");
  if (!row) return null;
  const reason = row.error === "not-linked" ? t("compose.notLinked") : row.error;
  return (
    <div className={cx("msg msg-out msg-outbox", first && "msg-first", row.state === "failed" && "msg-failed")} data-client-id={clientId} data-state={row.state}>
      <div className="bubble">
        {row.quotedContent && <span className="quote"><span>{plain(row.quotedContent, {})}</span></span>}
        <span className="msg-text" dir="auto">{row.text}</span>
        <span className="meta">
          <time dateTime={row.createdAt}>{clock(row.createdAt, language)}</time>
          <Tick status={row.state === "failed" ? "FAILED" : "PENDING"} />
        </span>
      </div>
      {row.state === "held" && (
        <div className="outbox-line">
          <span>{t("outbox.held", { seconds: left })}</span>
          <button type="button" onClick={() => takeBack(clientId)}><Undo2 size={14} aria-hidden /> {t("outbox.undo")}</button>
          <button type="button" onClick={() => release(clientId)}>{t("outbox.now")}</button>
        </div>
      )}
      {row.state === "failed" && (
        <div className="outbox-line outbox-bad" role="alert">
          <span>{t("outbox.failed")}{reason ? ` ${reason}` : ""}</span>
          <button type="button" onClick={() => retry(clientId)}><RotateCcw size={14} aria-hidden /> {t("retry")}</button>
          <button type="button" onClick={() => takeBack(clientId)}><Trash2 size={14} aria-hidden /> {t("outbox.discard")}</button>
        </div>
      )}
    </div>
  );
});
