/** Templates in the composer: finding the command being typed, and filling variables in. */
import type { Member, Template } from "../data/types";
import { fold } from "./fold";
import { phone } from "./format";

/** The `/word` that ends at the caret, if the caret stands in one. */
export function commandAt(text: string, caret: number): { start: number; word: string } | null {
  const match = /(?:^|\s)(\/[\p{L}\p{M}\p{N}_-]*)$/u.exec(text.slice(0, caret));
  return match ? { start: caret - match[1]!.length, word: fold(match[1]!.slice(1)) } : null;
}

const bare = (command: string) => fold(command.replace(/^\//, ""));

/** Active templates that fit, those whose command begins with the word first. */
export function matching(templates: readonly Template[], word: string, limit = 8): Template[] {
  const active = templates.filter((template) => template.isActive);
  const starts = active.filter((template) => bare(template.commands).startsWith(word));
  const contains = active.filter((template) => !starts.includes(template) && (bare(template.commands).includes(word) || fold(template.name).includes(word)));
  return [...starts, ...contains].slice(0, limit);
}

export type Variables = Record<"name" | "firstName" | "number" | "agent" | "line" | "date" | "time", string>;

/** Replaces `{{name}}` and `{name}`. Unknown variables stay, so that the agent sees and fills them. */
export function fill(content: string, variables: Variables): string {
  const known = new Map(Object.entries(variables).map(([key, value]) => [key.toLowerCase(), value]));
  return content.replace(/\{\{\s*([\p{L}_]+)\s*\}\}|\{([\p{L}_]+)\}/gu, (whole, double?: string, single?: string) =>
    known.get((double ?? single ?? "").toLowerCase().replaceAll("_", "")) ?? whole);
}

/** Where the first variable still to be filled stands. */
export function firstBlank(text: string): { start: number; end: number } | null {
  const match = /\{\{[^}]*\}\}|\{[\p{L}_]+\}/u.exec(text);
  return match ? { start: match.index, end: match.index + match[0].length } : null;
}

/** The `@word` that ends at the caret, if the caret stands in one. */
export function mentionAt(text: string, caret: number): { start: number; word: string } | null {
  const match = /(?:^|\s)(@[\p{L}\p{M}\p{N}+ _-]{0,30})$/u.exec(text.slice(0, caret));
  return match ? { start: caret - match[1]!.length, word: fold(match[1]!.slice(1)) } : null;
}

/** Members of a group whose name or number fits, except the number itself. */
export function membersMatching(members: readonly Member[], word: string, limit = 8): { id: number; name: string; detail: string }[] {
  return members
    .filter((one) => !one.isMe)
    .map((one) => ({ id: one.id, name: one.name ?? one.pushName ?? (one.phone ? phone(one.phone) : ""), detail: one.phone ? phone(one.phone) : "" }))
    .filter((one) => one.name && (fold(one.name).includes(word) || one.detail.replace(/\D/g, "").includes(word.replace(/\D/g, "") || "-")))
    .slice(0, limit);
}
