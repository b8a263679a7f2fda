/** Times, phone numbers and names as people read them. Pure functions; the language comes in. */

const formats = new Map<string, Intl.DateTimeFormat>();

function dateFormat(language: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = language + JSON.stringify(options);
  let format = formats.get(key);
  if (!format) formats.set(key, (format = new Intl.DateTimeFormat(language === "id" ? "id-ID" : "en-GB", options)));
  return format;
}

const valid = (iso: string | null | undefined): Date | null => {
  const date = new Date(iso ?? NaN);
  return Number.isNaN(date.getTime()) ? null : date;
};

export const clock = (iso: string, language: string): string => {
  const date = valid(iso);
  return date ? dateFormat(language, { hour: "2-digit", minute: "2-digit" }).format(date) : "";
};

export const dayKey = (iso: string): string => {
  const date = valid(iso);
  return date ? `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}` : "";
};

/** Whole calendar days between two moments, in local time. */
function daysAgo(date: Date, now: Date): number {
  const midnight = (d: Date) => new Date(d.getFullYear(), d.getMonth(), d.getDate()).getTime();
  return Math.round((midnight(now) - midnight(date)) / 86_400_000);
}

export function dayLabel(iso: string, language: string, words: { today: string; yesterday: string }, now = new Date()): string {
  const date = valid(iso);
  if (!date) return "";
  const days = daysAgo(date, now);
  if (days === 0) return words.today;
  if (days === 1) return words.yesterday;
  if (days > 1 && days < 7) return dateFormat(language, { weekday: "long" }).format(date);
  return dateFormat(language, { day: "numeric", month: "long", year: "numeric" }).format(date);
}

/** As short as a chat list has room for: a clock today, a weekday this week, else a date. */
export function listTime(iso: string, language: string, words: { yesterday: string }, now = new Date()): string {
  const date = valid(iso);
  if (!date || date.getTime() === 0) return "";
  const days = daysAgo(date, now);
  if (days <= 0) return clock(iso, language);
  if (days === 1) return words.yesterday;
  if (days < 7) return dateFormat(language, { weekday: "short" }).format(date);
  return dateFormat(language, { day: "2-digit", month: "2-digit", year: "2-digit" }).format(date);
}

export const dateTime = (iso: string | null | undefined, language: string): string => {
  const date = valid(iso);
  // May break only between day and clock.
  return date ? dateFormat(language, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" }).format(date).replace(/(?<!,) /g, "\u00a0") : "";
};

/** 27 Nov */
export const dayMonth = (iso: string, language: string): string => {
  const date = valid(iso);
  return date ? dateFormat(language, { day: "numeric", month: "short" }).format(date) : "";
};

export function count(value: number, language: string): string {
  return new Intl.NumberFormat(language === "id" ? "id-ID" : "en-GB").format(value);
}

/** 45 s, 3 min, 2 h 5 min. */
export function duration(ms: number, words: { s: string; min: string; h: string }): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} ${words.s}`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} ${words.min}`;
  const rest = minutes % 60;
  return `${Math.floor(minutes / 60)} ${words.h}${rest ? ` ${rest} ${words.min}` : ""}`;
}

/** `+62 812-3456-789`, as the server formats numbers. Anything that is no phone number stays as it is. */
export function phone(input: string): string {
  const digits = input.replace(/@.*$/, "").replace(/[^\d]/g, "");
  if (!/^\+?[\d\s-]+$/.test(input.replace(/@.*$/, "")) || digits.length < 8 || digits.length > 15) return input;
  if (!digits.startsWith("62")) return `+${digits}`;
  const rest = digits.slice(2);
  return `+62 ${[rest.slice(0, 3), rest.slice(3, 7), rest.slice(7)].filter(Boolean).join("-")}`;
}

export function initials(name: string): string {
  const words = name.replace(/[^\p{L}\p{N}\s]/gu, " ").trim().split(/\s+/).filter(Boolean);
  if (words.length === 0 || /^\d/.test(words[0]!)) return "#";
  return [...words.slice(0, 2)].map((word) => [...word][0]!.toUpperCase()).join("");
}

/** The last words of a text that is longer than `letters`. */
export function ending(text: string, letters = 24): string {
  const all = [...text];
  if (all.length <= letters) return text;
  const end = all.slice(-letters).join("");
  return `…${/\s(?=\S)/.test(end) ? end.replace(/^\S*\s+/, "") : end}`;
}

/** A stable number for a text: picks avatar and sender colours. */
export function hash(text: string): number {
  let value = 0;
  for (let i = 0; i < text.length; i++) value = (value * 31 + text.charCodeAt(i)) >>> 0;
  return value;
}
