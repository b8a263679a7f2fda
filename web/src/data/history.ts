/** Loading of a chat's messages, page by page in both directions (keyset paging, so depth costs nothing). */
import * as api from "./api";
import { ApiError } from "./api";
import { errorText } from "./lists";
import { dropHistory, emptyHistory, putPage, setHistory, store } from "./store";
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

async function page(chatId: string, piece: "replace" | "older" | "newer", q: { before?: string; after?: string }): Promise<void> {
  const loading = piece === "replace" ? "first" : piece;
  store.update((state) => setHistory(state, chatId, { loading, error: null }));
  try {
    const limit = piece === "replace" ? pageSize : morePageSize;
    const rows = await api.history(chatId, { limit, ...q });
    const more = rows.length >= limit;
    store.update((state) => putPage(state, chatId, piece, rows, piece === "newer" ? { newer: more } : piece === "older" ? { older: more } : { older: more, newer: false }));
  } catch (error) {
    const gone = error instanceof ApiError && (error.status === 403 || error.status === 404);
    store.update((state) => setHistory(state, chatId, { loading: null, error: gone ? "denied" : errorText(error) }));
  }
}

/** The newest messages. What is loaded already is shown meanwhile. */
export async function loadHistory(chatId: string): Promise<void> {
  touch(chatId);
  if (store.state.histories.get(chatId)?.loading === "first") return;
  await page(chatId, "replace", {});
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
  await page(chatId, "older", { before: first });
}

export async function loadNewer(chatId: string): Promise<void> {
  const history = store.state.histories.get(chatId);
  const last = history?.ids.at(-1);
  if (!history?.hasNewer || history.loading || !last) return;
  await page(chatId, "newer", { after: last });
}

/** Shows the piece of the chat around a message (a search hit, a quoted message). True when it is loaded. */
export async function loadAround(chatId: string, hit: Message): Promise<boolean> {
  touch(chatId);
  if (store.state.histories.get(chatId)?.ids.includes(hit.id)) return true;
  store.update((state) => setHistory(state, chatId, { ...emptyHistory, loading: "first" }));
  try {
    const [older, newer] = await Promise.all([
      api.history(chatId, { limit: pageSize, before: hit.id }),
      api.history(chatId, { limit: pageSize, after: hit.id }),
    ]);
    store.update((state) => putPage(state, chatId, "replace", [...older, hit, ...newer], { older: older.length >= pageSize, newer: newer.length >= pageSize }));
    return true;
  } catch (error) {
    store.update((state) => setHistory(state, chatId, { loading: null, error: errorText(error) }));
    return false;
  }
}
