/**
 * What customers write, as a list of pieces that the view turns into text nodes and a few known elements. Nothing here
 * produces HTML, so a customer's text can never become markup. Only addresses of the web, e-mail
 * addresses and phone numbers become links.
 */
import type { Message } from "../data/types";
import { phone } from "./format";

export type Piece =
  | { kind: "text" | "bold" | "italic" | "strike" | "code" | "pre" | "mention"; text: string }
  | { kind: "link"; text: string; href: string };

const address = /\b(?:https?:\/\/|www\.)[^\s<>"'`]+|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}|(?<![\w@+.:/-])(?:\+\d|0\d|62\d)[\d .()-]{6,20}\d(?![\w@])/giu;
const style = /(```)([^`]+)```|(?<![\p{L}\p{N}])([*_~`])(?=\S)([^\n]*?\S)\3(?![\p{L}\p{N}])/gu;
const styleKind = { "*": "bold", _: "italic", "~": "strike", "`": "code", "```": "pre" } as const;

/** Punctuation at the end belongs to the sentence; a closing bracket too, unless it was opened inside. */
function trimAddress(raw: string): string {
  let text = raw.replace(/[.,;:!?…'"]+$/u, "");
  while (/[)\]]$/.test(text)) {
    const close = text.at(-1)!;
    const open = close === ")" ? "(" : "[";
    if (text.split(open).length >= text.split(close).length) break;
    text = text.slice(0, -1);
  }
  return text;
}

/** A number that a phone can dial: 9 to 15 digits. */
function toPhone(text: string): string | null {
  const digits = text.replace(/\D/g, "");
  if (digits.length < 9 || digits.length > 15) return null;
  return text.startsWith("0") ? `tel:${digits}` : `tel:+${digits}`;
}

function toHref(text: string): string | null {
  if (/^[+\d]/.test(text) && !text.includes("@")) return toPhone(text);
  if (!/^(?:https?:|www\.)/i.test(text)) return `mailto:${text}`;
  try {
    const url = new URL(text.startsWith("www.") ? `https://${text}` : text);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

function styled(text: string): Piece[] {
  const out: Piece[] = [];
  let at = 0;
  for (const match of text.matchAll(style)) {
    if (match.index > at) out.push({ kind: "text", text: text.slice(at, match.index) });
    const mark = (match[1] ?? match[3]) as keyof typeof styleKind;
    at = match.index + match[0].length;
    if (mark !== "```") out.push({ kind: styleKind[mark], text: match[4]! });
    else {
      // A block of its own: the line breaks around it are the block's.
      out.push({ kind: "pre", text: match[2]!.replace(/^\n|\n$/g, "") });
      if (text[at] === "\n") at++;
    }
  }
  if (at < text.length) out.push({ kind: "text", text: text.slice(at) });
  return out;
}

const mention = /(@\d{5,20})/;
type Mentioning = Pick<Message, "mentions">;

/** Digits of each mentioned JID -> what stands for them: the name, else a phone number as people write it. */
export const mentionNames = ({ mentions }: Mentioning): ReadonlyMap<string, string> =>
  new Map((mentions ?? []).map(({ jid, name }) => [jid.replace(/[@:].*$/, ""), name ?? (jid.endsWith("@lid") ? jid.replace(/[@:].*$/, "") : phone(jid))]));

/** The text with the names of who is mentioned. */
export const mentioned = (text: string, message: Mentioning): string =>
  withMentions([{ kind: "text", text }], mentionNames(message)).map((piece) => piece.text).join("");

/** The text where no styles are shown, without their marks: previews, quotes, notifications, what is read aloud. */
export const plain = (text: string, message: Mentioning): string =>
  rich(text, mentionNames(message)).map((piece) => (piece.kind === "pre" ? `\n${piece.text}\n` : piece.text)).join("").trim();

function withMentions(pieces: Piece[], names: ReadonlyMap<string, string>): Piece[] {
  if (names.size === 0) return pieces;
  return pieces.flatMap((piece): Piece[] => {
    if (piece.kind !== "text") return [piece];
    return piece.text.split(mention).filter(Boolean).map((part) => {
      const name = part.startsWith("@") ? names.get(part.slice(1)) : undefined;
      return name ? { kind: "mention", text: `@${name}` } : { kind: "text", text: part };
    });
  });
}

/** `mentions`: digits of the mentioned JID -> name to show. */
export function rich(text: string, mentions: ReadonlyMap<string, string> = new Map()): Piece[] {
  const out: Piece[] = [];
  let at = 0;
  for (const match of text.matchAll(address)) {
    const shown = trimAddress(match[0]);
    const href = toHref(shown);
    if (!href) continue;
    out.push(...withMentions(styled(text.slice(at, match.index)), mentions), { kind: "link", text: shown, href });
    at = match.index + shown.length;
  }
  out.push(...withMentions(styled(text.slice(at)), mentions));
  return out;
}

export type Block = { kind: "inline"; pieces: Piece[] } | { kind: "quote"; pieces: Piece[] } | { kind: "list"; start: number | null; items: Piece[][] };

const quoteLine = /^> ?(.*)$/;
const bulletLine = /^[-*•] (.+)$/;
const numberLine = /^(\d{1,3})\. (.+)$/;

/** Lines of one kind that follow one another are one quote or one list; code blocks are left alone. */
export function blocks(text: string, mentions: ReadonlyMap<string, string> = new Map()): Block[] {
  const out: Block[] = [];
  let plainLines: string[] = [];
  const flush = () => {
    if (plainLines.length) out.push({ kind: "inline", pieces: rich(plainLines.join("\n"), mentions) });
    plainLines = [];
  };
  const lines = text.includes("```") ? [] : text.split("\n");
  if (lines.length === 0) return [{ kind: "inline", pieces: rich(text, mentions) }];
  for (let i = 0; i < lines.length; ) {
    const form = [quoteLine, bulletLine, numberLine].find((one) => one.test(lines[i]!));
    if (!form) {
      plainLines.push(lines[i++]!);
      continue;
    }
    flush();
    const found: RegExpExecArray[] = [];
    for (let match; i < lines.length && (match = form.exec(lines[i]!)); i++) found.push(match);
    if (form === quoteLine) out.push({ kind: "quote", pieces: rich(found.map((one) => one[1]!).join("\n"), mentions) });
    else out.push({ kind: "list", start: form === numberLine ? Number(found[0]![1]) : null, items: found.map((one) => rich(one.at(-1)!, mentions)) });
  }
  flush();
  return out;
}

const shownLetters = 900;
const shownLines = 16;

/** The beginning of a long text, up to the end of a word; null when it is short enough to be shown whole. */
export function shortened(text: string): string | null {
  const lines = text.split("\n", shownLines + 5);
  if (text.length <= shownLetters * 1.3 && lines.length <= shownLines + 4) return null;
  const cut = lines.slice(0, shownLines).join("\n");
  const start = cut.length > shownLetters ? [...cut.slice(0, shownLetters + 2)].slice(0, shownLetters).join("").replace(/\s+\S{0,40}$/u, "") : cut;
  return `${start}…`;
}

/** One to three emoji and nothing else: shown large. */
export const isJumbo = (text: string): boolean => /^(?:\p{Extended_Pictographic}(?:\p{Emoji_Modifier}|\uFE0F|\u200D\p{Extended_Pictographic})*\s*){1,3}$/u.test(text);
