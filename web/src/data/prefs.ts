import { Local } from "./local";

export type Theme = "system" | "light" | "dark";
export type Language = "en" | "id";

export interface Prefs {
  language: Language;
  theme: Theme;
  /** Seconds a sent message can still be taken back before it leaves; 0 sends at once. */
  undoSeconds: number;
  notifications: boolean;
  /** The offer of notifications was answered or closed. */
  notifyOffered: boolean;
  /** Shortcuts of one key without Ctrl or Alt. */
  singleKeys: boolean;
}

const language: Language = globalThis.navigator?.language?.startsWith("id") ? "id" : "en";

export const prefs = new Local<Prefs>("wabox.prefs", { language, theme: "system", undoSeconds: 0, notifications: false, notifyOffered: false, singleKeys: true });

export const setPrefs = (change: Partial<Prefs>) => prefs.set({ ...prefs.get(), ...change });

/** Unsent text per chat. */
const drafts = new Local<Record<string, string>>("wabox.drafts", {});

export const draftOf = (chatId: string): string => drafts.get()[chatId] ?? "";
export const useDraft = (chatId: string): string => drafts.use()[chatId] ?? "";

export function setDraft(chatId: string, text: string): void {
  const { [chatId]: _, ...rest } = drafts.get();
  drafts.set(text.trim() ? { ...rest, [chatId]: text } : rest);
}

export const clearDrafts = () => drafts.set({});
