/** Figures of the dashboard, computed from the event log of the numbers. */
import type { LogRow } from "./api";

export interface HourBucket { start: number; incoming: number; outgoing: number }
export interface Stats {
  hours: HourBucket[];
  incoming: number;
  outgoing: number;
  /** Milliseconds from a customer's first unanswered message to the answer. */
  responses: number[];
  /** Customers still waiting for an answer. */
  waiting: number;
}

const hourMs = 3_600_000;

interface LoggedMessage { id?: string; isFromMe?: boolean; timestamp?: string; type?: string }

export function computeStats(rows: readonly LogRow[], now: number, hours = 24): Stats {
  const first = Math.floor(now / hourMs) * hourMs - (hours - 1) * hourMs;
  const buckets: HourBucket[] = Array.from({ length: hours }, (_, i) => ({ start: first + i * hourMs, incoming: 0, outgoing: 0 }));
  const waitingSince = new Map<string, number>();
  const responses: number[] = [];
  for (const row of rows) {
    if (row.event !== "message:new") continue;
    const message = row.data.message as LoggedMessage | undefined;
    const chatId = row.data.chatId as string | undefined;
    const at = Date.parse(message?.timestamp ?? "");
    if (!message || !chatId || Number.isNaN(at) || message.type === "SYSTEM" || message.type === "REACTION") continue;
    const bucket = buckets[Math.floor((at - first) / hourMs)];
    if (bucket) bucket[message.isFromMe ? "outgoing" : "incoming"]++;
    if (!message.isFromMe) {
      if (!waitingSince.has(chatId)) waitingSince.set(chatId, at);
      continue;
    }
    const asked = waitingSince.get(chatId);
    waitingSince.delete(chatId);
    if (asked !== undefined && at >= first) responses.push(Math.max(0, at - asked));
  }
  return {
    hours: buckets, responses, waiting: waitingSince.size,
    incoming: buckets.reduce((sum, one) => sum + one.incoming, 0), outgoing: buckets.reduce((sum, one) => sum + one.outgoing, 0),
  };
}

/** Value below which the given share of the list lies; null for an empty list. */
export function percentile(values: readonly number[], share: number): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

export const responseBands = [60_000, 5 * 60_000, 15 * 60_000, 60 * 60_000, Infinity] as const;

export const bandCounts = (responses: readonly number[]): number[] =>
  responseBands.map((limit, i) => responses.filter((ms) => ms < limit && ms >= (i === 0 ? 0 : responseBands[i - 1]!)).length);
