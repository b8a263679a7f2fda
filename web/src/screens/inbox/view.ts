/** What the inbox shows: filters of the list, the scope of the search, the message to jump to. */
import { Local } from "../../data/local";
import { horizon, isListComplete, listState } from "../../data/lists";
import { compareChats, isUnread, type State } from "../../data/store";
import type { ChatRow, Message } from "../../data/types";

export type Tab = "all" | "unread" | "groups" | "archived";

export interface View {
  numberId: number | null;
  tab: Tab;
  query: string;
  /** Search inside this chat only. */
  scope: { chatId: string; name: string } | null;
}

export const view = new Local<View>("", { numberId: null, tab: "all", query: "", scope: null });
export const setView = (change: Partial<View>) => view.set({ ...view.get(), ...change });

export interface Jump { chatId: string; message: Message; at: number }
export const jump = new Local<Jump | null>("", null);
export const jumpTo = (chatId: string, message: Message) => jump.set({ chatId, message, at: Date.now() });

export function viewNumbers(state: State, { numberId }: View): number[] {
  if (numberId !== null && state.numbers.has(numberId)) return [numberId];
  return [...state.numbers.keys()];
}

const inTab = (chat: ChatRow, tab: Tab): boolean =>
  tab === "archived" ? chat.isArchived : !chat.isArchived && (tab === "all" || (tab === "unread" ? isUnread(chat) : chat.isGroup));

export function visibleChats(state: State, shown: View, keep: string | null): string[] {
  const numbers = new Set(viewNumbers(state, shown));
  const limit = horizon(state, [...numbers], shown.tab === "archived");
  return state.order.filter((id) => {
    const chat = state.chats.get(id)!;
    if (!numbers.has(chat.whatsappNumberId)) return false;
    if (limit && compareChats(chat, limit) > 0) return false;
    // The open chat stays in "unread" although opening it has just read it.
    return inTab(chat, shown.tab) || (shown.tab === "unread" && id === keep && !chat.isArchived);
  });
}

export function countUnread(state: State, shown: View): number {
  const numbers = new Set(viewNumbers(state, shown));
  let count = 0;
  for (const chat of state.chats.values()) if (isUnread(chat) && !chat.isArchived && numbers.has(chat.whatsappNumberId)) count++;
  return count;
}

export const openLists = (state: State, shown: View): number[] =>
  viewNumbers(state, shown).filter((id) => !isListComplete(listState(state, id, shown.tab === "archived")));
