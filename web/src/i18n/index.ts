/** Words of the interface. English is part of the page; other languages are loaded when chosen. */
import { useSyncExternalStore } from "react";
import { prefs, type Language } from "../data/prefs";
import { en, type Dictionary, type Key, type PluralKey } from "./en";
import { format, type Vars } from "./icu";

export type { Key } from "./en";

interface Words { language: Language; words: Dictionary; server: Readonly<Record<string, string>> }

const english: Words = { language: "en", words: en, server: {} };
const loaders: Record<Exclude<Language, "en">, () => Promise<Words>> = {
  id: async () => {
    const [{ id }, { idServer }] = await Promise.all([import("./id"), import("./id.server")]);
    return { language: "id", words: id, server: idServer };
  },
};
const loaded = new Map<Language, Words>([["en", english]]);

let current: Words = english;
const listeners = new Set<() => void>();

async function choose(language: Language): Promise<void> {
  const words = loaded.get(language) ?? (await loaders[language as keyof typeof loaders]());
  loaded.set(language, words);
  if (prefs.get().language !== language || current.language === language) return;
  current = words;
  document.documentElement.lang = language;
  for (const listener of [...listeners]) listener();
}

/** Loads the chosen language and follows the choice. */
export async function startI18n(): Promise<void> {
  prefs.subscribe(() => void choose(prefs.get().language));
  await choose(prefs.get().language).catch(() => undefined);
}

/** Outside of components. */
export const t = (key: Key, vars: Vars = {}): string => format(current.words[key], vars, current.language);
export const tn = (key: PluralKey, n: number, vars: Vars = {}): string => t(key, { n, ...vars });
export const language = (): Language => current.language;

/** What the server says, in the language of the page: by its code where that is known, else as it came. */
export const serverText = (code: string | null | undefined, sentence: string): string => (code && current.server[code]) || sentence;

/** A text whose key is put together from data, when there is one. */
export const known = (key: string): string | null => (key in current.words ? t(key as Key) : null);

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => void listeners.delete(listener);
};

export function useI18n(): { t: typeof t; tn: typeof tn; language: Language } {
  return { t, tn, language: useSyncExternalStore(subscribe, () => current).language };
}
