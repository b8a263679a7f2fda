/** Words of the interface. English is part of the page; other languages are loaded when chosen. */
import { useSyncExternalStore } from "react";
import { prefs, type Language } from "../data/prefs";
import { en, type Dictionary, type Key, type PluralKey } from "./en";
import { format, type Vars } from "./icu";

export type { Key } from "./en";

const loaders: Record<Exclude<Language, "en">, () => Promise<Dictionary>> = { id: async () => (await import("./id")).id };
const loaded = new Map<Language, Dictionary>([["en", en]]);

let current: { language: Language; words: Dictionary } = { language: "en", words: en };
const listeners = new Set<() => void>();

async function use(language: Language): Promise<void> {
  const words = loaded.get(language) ?? (await loaders[language as keyof typeof loaders]());
  loaded.set(language, words);
  if (prefs.get().language !== language || current.language === language) return;
  current = { language, words };
  document.documentElement.lang = language;
  for (const listener of [...listeners]) listener();
}

/** Loads the chosen language and follows the choice. */
export async function startI18n(): Promise<void> {
  prefs.subscribe(() => void use(prefs.get().language));
  await use(prefs.get().language).catch(() => undefined);
}

/** Outside of components. */
export const t = (key: Key, vars: Vars = {}): string => format(current.words[key], vars, current.language);
export const tn = (key: PluralKey, n: number, vars: Vars = {}): string => t(key, { n, ...vars });
export const language = (): Language => current.language;

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => void listeners.delete(listener);
};

export function useI18n(): { t: typeof t; tn: typeof tn; language: Language } {
  const { language } = useSyncExternalStore(subscribe, () => current);
  return { t, tn, language };
}
