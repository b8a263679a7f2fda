/** Loading of numbers, link states and chat lists. */
import * as api from "./api";
import { session } from "./session";
import { compareChats, listKey, putChats, putNumbers, shownLink, store, type ListState, type State } from "./store";
import type { ChatRow } from "./types";

const pageSize = 200;
const emptyList: ListState = { loaded: 0, total: null, loading: false, error: null };

/** Texts of errors shown in the inbox; `network` is translated by the view. */
export const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error));

let loadingNumbers: Promise<void> | null = null;

/** The numbers this user may use, and how their links stand. Calls made while one is under way share it. */
export function loadNumbers(): Promise<void> {
  loadingNumbers ??= fetchNumbers().finally(() => { loadingNumbers = null; });
  return loadingNumbers;
}

async function fetchNumbers(): Promise<void> {
  const token = session.get()?.token;
  try {
    const [permissions, sessions] = await Promise.all([api.myPermissions(), api.sessions()]);
    if (session.get()?.token !== token) return;
    store.update((state) => {
      putNumbers(state, permissions.map((row) => row.whatsappNumber));
      for (const row of sessions) {
        const old = state.links.get(row.whatsappNumberId);
        state.links.set(row.whatsappNumberId, {
          sessionId: row.id, status: shownLink(row.status, row.reason), lastConnected: row.lastConnected,
          reason: row.reason ?? row.errorMessage ?? (old?.status === row.status ? old.reason : null), scannedPhone: row.scannedPhone ?? (old?.status === row.status ? old.scannedPhone : null), retryAt: old?.status === row.status ? old.retryAt : null,
        });
      }
    });
  } catch {
    // The connection banner tells about it, and the next connect or focus tries again.
  }
}

export const listState = (state: State, numberId: number, archived: boolean): ListState => state.lists.get(listKey(numberId, archived)) ?? emptyList;

export const isListComplete = (list: ListState): boolean => list.total !== null && list.loaded >= list.total;

function setList(key: string, list: ListState): void {
  store.update((state) => {
    state.lists.set(key, list);
    state.orderVersion++;
  });
}

/** Loads the next page of a number's chat list. */
export async function loadMoreChats(numberId: number, archived: boolean): Promise<void> {
  const key = listKey(numberId, archived);
  const list = store.state.lists.get(key) ?? emptyList;
  if (list.loading || list.error || isListComplete(list)) return;
  setList(key, { ...list, loading: true, error: null });
  const asOf = store.state.eventCount;
  try {
    const { rows, total } = await api.chats(numberId, { limit: pageSize, offset: list.loaded, ...(archived ? { archived } : {}) });
    store.update((state) => {
      if (!state.numbers.has(numberId)) return;
      putChats(state, numberId, rows, asOf);
      // A page shorter than asked is the last one, whatever the total says (chats can go while we page).
      const loaded = list.loaded + rows.length;
      // A page without rows moves no chat, but the view has to hear that nothing more comes.
      state.orderVersion++;
      state.lists.set(key, { loaded: rows.length === 0 ? Math.max(loaded, total) : loaded, total: rows.length === 0 ? loaded : total, loading: false, error: null });
    });
  } catch (error) {
    setList(key, { ...list, loading: false, error: errorText(error) });
  }
}

export function retryList(numberId: number, archived: boolean): void {
  setList(listKey(numberId, archived), { ...listState(store.state, numberId, archived), error: null });
  void loadMoreChats(numberId, archived);
}

/**
 * With several numbers in one view, only what stands above the oldest loaded chat of every unfinished list is certain:
 * below it, chats of that number are still missing. Returns the chat row that limits the view, or null.
 */
export function horizon(state: State, numberIds: readonly number[], archived: boolean): ChatRow | null {
  const open = new Set(numberIds.filter((id) => !isListComplete(listState(state, id, archived))));
  if (open.size === 0) return null;
  const last = new Map<number, ChatRow>();
  let seen = new Map<number, number>();
  for (const id of state.order) {
    const chat = state.chats.get(id)!;
    if (!open.has(chat.whatsappNumberId) || chat.isArchived !== archived) continue;
    const count = (seen.get(chat.whatsappNumberId) ?? 0) + 1;
    seen = seen.set(chat.whatsappNumberId, count);
    if (count <= listState(state, chat.whatsappNumberId, archived).loaded) last.set(chat.whatsappNumberId, chat);
  }
  let limit: ChatRow | null = null;
  for (const chat of last.values()) if (!limit || compareChats(chat, limit) < 0) limit = chat;
  return limit;
}
