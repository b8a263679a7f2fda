/** Loading of a chat's messages, page by page in both directions (keyset paging, so depth costs nothing). */
import * as api from "./api";
import { ApiError } from "./api";
import { errorText } from "./lists";
import { dropHistory, emptyHistory, putPage, setHistory, store, type History } from "./store";
import type { Message } from "./types";

const pageSize = 60;
/** Going on in a chat fetches more at once, since each page also costs a new layout. */
const morePageSize = 120;
/** Chats whose messages stay in memory. */
const keptChats = 24;
const recent: string[] = [];

function touch(chatId: string): void {
  const at = recent.indexOf(chatId);
  if (at >= 0) recent.splice(at, 1);
  recent.push(chatId);
  while (recent.length > keptChats) {
    const oldest = recent.shift()!;
    store.update((state) => dropHistory(state, oldest));
  }
}

/** Begins another stretch of the chat; answers to what was asked in the one before are dropped. */
function nextEpoch(chatId: string, change: Partial<History>): number {
  const epoch = (store.state.histories.get(chatId)?.epoch ?? 0) + 1;
  store.update((state) => setHistory(state, chatId, { ...change, loading: "first", error: null, epoch }));
  return epoch;
}

const isCurrent = (chatId: string, epoch: number) => store.state.histories.get(chatId)?.epoch === epoch;

function failed(chatId: string, epoch: number, error: unknown): void {
  if (!isCurrent(chatId, epoch)) return;
  const gone = error instanceof ApiError && (error.status === 403 || error.status === 404);
  store.update((state) => setHistory(state, chatId, { loading: null, error: gone ? "denied" : errorText(error) }));
}

/** One page more, before or behind what is loaded. */
async function more(chatId: string, history: History, piece: "older" | "newer", q: { before?: string; after?: string }): Promise<void> {
  store.update((state) => setHistory(state, chatId, { loading: piece, error: null }));
  try {
    const rows = await api.history(chatId, { limit: morePageSize, ...q });
    const isFull = rows.length >= morePageSize;
    if (isCurrent(chatId, history.epoch)) store.update((state) => putPage(state, chatId, piece, rows, piece === "newer" ? { newer: isFull } : { older: isFull }));
  } catch (error) {
    failed(chatId, history.epoch, error);
  }
}

/** The newest messages. What is loaded already is shown meanwhile. */
export async function loadHistory(chatId: string): Promise<void> {
  touch(chatId);
  if (store.state.histories.get(chatId)?.loading === "first") return;
  const epoch = nextEpoch(chatId, {});
  try {
    const rows = await api.history(chatId, { limit: pageSize });
    if (isCurrent(chatId, epoch)) store.update((state) => putPage(state, chatId, "replace", rows, { older: rows.length >= pageSize, newer: false }));
  } catch (error) {
    failed(chatId, epoch, error);
  }
}

export function openHistory(chatId: string): void {
  const history = store.state.histories.get(chatId);
  if (history && !history.stale && !history.error && !history.hasNewer) return touch(chatId);
  void loadHistory(chatId);
}

export async function loadOlder(chatId: string): Promise<void> {
  const history = store.state.histories.get(chatId);
  const first = history?.ids[0];
  if (!history?.hasOlder || history.loading || !first) return;
  await more(chatId, history, "older", { before: first });
}

export async function loadNewer(chatId: string): Promise<void> {
  const history = store.state.histories.get(chatId);
  const last = history?.ids.at(-1);
  if (!history?.hasNewer || history.loading || !last) return;
  await more(chatId, history, "newer", { after: last });
}

/** Shows the piece of the chat around a message (a search hit, a quoted message). True when it is loaded. */
export async function loadAround(chatId: string, hit: Message): Promise<boolean> {
  touch(chatId);
  if (store.state.histories.get(chatId)?.ids.includes(hit.id)) return true;
  const epoch = nextEpoch(chatId, { ...emptyHistory });
  try {
    const [older, newer] = await Promise.all([
      api.history(chatId, { limit: pageSize, before: hit.id }),
      api.history(chatId, { limit: pageSize, after: hit.id }),
    ]);
    if (!isCurrent(chatId, epoch)) return false;
    store.update((state) => putPage(state, chatId, "replace", [...older, hit, ...newer], { older: older.length >= pageSize, newer: newer.length >= pageSize }));
    return true;
  } catch (error) {
    failed(chatId, epoch, error);
    return false;
  }
}
