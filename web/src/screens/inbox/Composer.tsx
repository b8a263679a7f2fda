import * as Popover from "@radix-ui/react-popover";
import { useQuery } from "@tanstack/react-query";
import { SendHorizontal, Smile, X } from "lucide-react";
import { lazy, Suspense, useEffect, useId, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent } from "react";
import { Link } from "wouter";
import * as api from "../../data/api";
import { live } from "../../data/live";
import { enqueue } from "../../data/outbox";
import { draftOf, setDraft } from "../../data/prefs";
import { store, useStore } from "../../data/store";
import type { ChatRow, Message, Template, User } from "../../data/types";
import { language as currentLanguage, useI18n } from "../../i18n";
import { clock, phone } from "../../lib/format";
import { plain } from "../../lib/rich";
import { commandAt, fill, firstBlank, matching, membersMatching, mentionAt, type Variables } from "../../lib/template";
import { cx, IconButton, Live, layer } from "../../ui/kit";
import { useShortcuts } from "../shortcuts";
import { takeBack } from "./MessageRow";

const EmojiPicker = lazy(() => import("./EmojiPicker"));
const typingEveryMs = 4_000;
const typingStopsMs = 6_000;
const maxHeight = 180;
/** What WhatsApp takes in one message. */
const maxLetters = 65_536;

/** Something to complete the word at the caret with: a template, or a member of the group. */
interface Option { key: string; mark: string; name: string; detail: string; at: number; template?: Template; insert?: string }

/** Tells that this agent types, at most every few seconds, and that they stopped. */
function useTyping(chatId: string): { note: (typing: boolean) => void } {
  const told = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const teller = useMemo(() => ({
    note(typing: boolean) {
      clearTimeout(timer.current);
      if (!typing) {
        if (told.current) live()?.tell("chat:typing", { chatId, isTyping: false });
        told.current = 0;
        return;
      }
      if (Date.now() - told.current > typingEveryMs) {
        told.current = Date.now();
        live()?.tell("chat:typing", { chatId, isTyping: true });
      }
      timer.current = setTimeout(() => teller.note(false), typingStopsMs);
    },
  }), [chatId]);
  useEffect(() => () => teller.note(false), [teller]);
  return teller;
}

function variablesOf(chat: ChatRow, me: User): Variables {
  const language = currentLanguage();
  const now = new Date().toISOString();
  return {
    name: chat.contactName, firstName: chat.contactName.split(/\s+/)[0] ?? chat.contactName, number: phone(chat.contactNumber), agent: me.name,
    line: store.state.numbers.get(chat.whatsappNumberId)?.name ?? "", date: new Date().toLocaleDateString(language === "id" ? "id-ID" : "en-GB"), time: clock(now, language),
  };
}

interface Props { chat: ChatRow; me: User; reply: Message | null; onReply: (message: Message | null) => void }

export function Composer({ chat, me, reply, onReply }: Props) {
  const { t, tn } = useI18n();
  const id = useId();
  const area = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(() => draftOf(chat.id));
  const [caret, setCaret] = useState(0);
  const [choice, setChoice] = useState(0);
  const [dismissed, setDismissed] = useState<string | null>(null);
  const [emoji, setEmoji] = useState(false);
  const typing = useTyping(chat.id);
  const linked = useStore((state) => state.links.get(chat.whatsappNumberId));

  const command = commandAt(text, caret);
  const wanted = command !== null && dismissed !== `${command.start}`;
  const templates = useQuery({ queryKey: ["templates", "active"], queryFn: () => api.templates({ limit: 200, isActive: true }), enabled: wanted, staleTime: 60_000 });
  const mention = chat.isGroup ? mentionAt(text, caret) : null;
  const mentioning = mention !== null && dismissed !== `${mention.start}`;
  const group = useQuery({ queryKey: ["group", chat.id], queryFn: () => api.group(chat.id), enabled: mentioning, staleTime: 60_000 });
  const options = useMemo((): Option[] => {
    if (mentioning && mention) return membersMatching(group.data?.members ?? [], mention.word).map(({ id: key, name, detail }) => ({ key: `m${key}`, mark: "@", name, detail, at: mention.start, insert: `@${name} ` }));
    if (!wanted || !command) return [];
    return matching(templates.data?.rows ?? [], command.word).map((one) => ({ key: `t${one.id}`, mark: one.commands.startsWith("/") ? one.commands : `/${one.commands}`, name: one.name, detail: one.content, at: command.start, template: one }));
  }, [wanted, command?.word, command?.start, templates.data, mentioning, mention?.word, mention?.start, group.data]);
  const chosen = Math.min(choice, options.length - 1);
  const tooLong = text.trim().length - maxLetters;

  const change = (value: string, at?: number) => {
    setText(value);
    setDraft(chat.id, value);
    setChoice(0);
    if (at !== undefined) {
      setCaret(at);
      requestAnimationFrame(() => area.current?.setSelectionRange(at, at));
    }
  };
  useLayoutEffect(() => {
    const element = area.current; // absent while another notice stands in its place
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${Math.min(element.scrollHeight, maxHeight)}px`;
  }, [text]);
  useEffect(() => {
    // On a touch screen the keyboard would cover the chat that was just opened.
    if (matchMedia("(hover: hover)").matches) area.current?.focus({ preventScroll: true });
    const compose = (event: Event) => {
      if ((event as CustomEvent<{ chatId: string }>).detail.chatId !== chat.id) return;
      setText(draftOf(chat.id));
      area.current?.focus();
    };
    window.addEventListener("wabox:compose", compose);
    return () => window.removeEventListener("wabox:compose", compose);
  }, [chat.id]);
  useEffect(() => { if (reply) area.current?.focus(); }, [reply]);
  useShortcuts({ "chat.compose": () => area.current?.focus() });

  const send = () => {
    const body = text.trim();
    if (!body || tooLong > 0) return;
    enqueue(chat, body, reply);
    change("");
    onReply(null);
    typing.note(false);
    area.current?.focus();
  };

  const insert = (piece: string) => {
    const at = area.current?.selectionStart ?? text.length;
    change(text.slice(0, at) + piece + text.slice(area.current?.selectionEnd ?? at), at + piece.length);
  };

  const complete = ({ at, template, insert: piece }: Option) => {
    const filled = template ? fill(template.content, variablesOf(chat, me)) : piece ?? "";
    const blank = template ? firstBlank(filled) : null;
    change(text.slice(0, at) + filled + text.slice(caret), at + filled.length);
    setDismissed(null);
    area.current?.focus();
    if (blank) requestAnimationFrame(() => area.current?.setSelectionRange(at + blank.start, at + blank.end));
  };

  const undoLast = () => {
    const held = [...store.state.outbox.values()].filter((row) => row.chatId === chat.id && row.state === "held").at(-1);
    if (!held) return false;
    takeBack(held.clientId);
    return true;
  };

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.nativeEvent.isComposing) return;
    if (options.length > 0) {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        return setChoice((chosen + (event.key === "ArrowDown" ? 1 : options.length - 1)) % options.length);
      }
      if ((event.key === "Enter" && !event.shiftKey) || event.key === "Tab") {
        event.preventDefault();
        return complete(options[chosen]!);
      }
      if (event.key === "Escape") {
        event.preventDefault();
        return setDismissed(`${options[0]!.at}`);
      }
    }
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      send();
    } else if (event.key === "Escape" && reply) {
      event.preventDefault();
      onReply(null);
    } else if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && text === "" && undoLast()) event.preventDefault();
  };

  if (!linked) return <div className="composer composer-off" role="status">{t("compose.notLinked")} {me.role === "ADMIN" && <Link href="/numbers">{t("compose.notLinkedAdmin")}</Link>}</div>;
  return (
    <div className="composer">
      <Live text={mentioning && group.isSuccess ? tn("compose.mentions", options.length) : wanted && templates.isSuccess ? tn("compose.templates", options.length) : ""} />
      {options.length > 0 && (
        <ul className="completions" role="listbox" id={`${id}-list`} aria-label={t(mentioning ? "compose.members" : "nav.templates")}>
          {options.map((one, i) => (
            <li key={one.key} id={`${id}-${one.key}`} role="option" aria-selected={i === chosen} onMouseDown={(event) => { event.preventDefault(); complete(one); }} onMouseEnter={() => setChoice(i)}>
              <code>{one.mark}</code><b>{one.name}</b><span>{one.detail}</span>
            </li>
          ))}
        </ul>
      )}
      {linked.status !== "CONNECTED" && <p className="composer-note" role="status">{t("compose.offline")}</p>}
      {reply && (
        <div className="composer-reply">
          <div className="quote"><b>{reply.isFromMe ? t("chat.you") : reply.fromName ?? reply.fromNumber}</b><span>{plain(reply.content, reply)}</span></div>
          <IconButton label={t("compose.noReply")} icon={X} size={18} side="top" onClick={() => onReply(null)} />
        </div>
      )}
      {tooLong > 0 && <p className="composer-note composer-long" role="alert">{tn("compose.tooLong", tooLong)}</p>}
      <div className="composer-row">
        <Popover.Root open={emoji} onOpenChange={setEmoji}>
          <Popover.Trigger asChild><button type="button" className="icon-btn" aria-label={t("compose.emoji")}><Smile size={22} aria-hidden /></button></Popover.Trigger>
          <Popover.Portal container={layer}>
            <Popover.Content className="menu emoji-pop" side="top" align="start" sideOffset={10} collisionPadding={8} aria-label={t("compose.emoji")}
              onCloseAutoFocus={(event) => { event.preventDefault(); area.current?.focus(); }}>
              <Suspense fallback={<div className="emoji-wait" />}><EmojiPicker onPick={insert} /></Suspense>
            </Popover.Content>
          </Popover.Portal>
        </Popover.Root>
        <textarea ref={area} rows={1} value={text} placeholder={t("compose.placeholder")} aria-label={t("compose.label", { name: chat.contactName })} dir="auto"
          aria-autocomplete="list" aria-controls={options.length ? `${id}-list` : undefined} aria-activedescendant={options.length ? `${id}-${options[chosen]!.key}` : undefined}
          onChange={(event) => {
            change(event.target.value);
            setCaret(event.target.selectionStart);
            typing.note(event.target.value !== "");
          }}
          onSelect={(event) => setCaret(event.currentTarget.selectionStart)} onBlur={() => typing.note(false)} onKeyDown={onKeyDown} />
        <button type="button" className={cx("send-btn", text.trim() && "send-ready")} aria-label={t("compose.send")} disabled={!text.trim() || tooLong > 0} onClick={send}><SendHorizontal size={21} aria-hidden /></button>
      </div>
    </div>
  );
}
