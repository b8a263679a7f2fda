/** Figures of the dashboard: the server's hours (`GET /stats`) as slots of an hour or a day, none left out. */

/** One hour of a number, or of several together. Hours without a message have none. */
export interface StatsHour {
  hour: string;
  received: number;
  sent: number;
  responses: number;
  averageResponseMs: number | null;
  maxResponseMs: number | null;
}

export interface Figures {
  received: number;
  sent: number;
  /** Customers who were answered. */
  responses: number;
  averageMs: number | null;
  longestMs: number | null;
}

export interface Slot extends Figures {
  start: number;
}

/** Days that are shown: one by the hour, more by the day. */
export const spans = [1, 7, 30] as const;
export type Span = (typeof spans)[number];

const hourMs = 3_600_000;

/** Beginnings of the slots up to now, oldest first. Days are those of the clock on the wall here. */
export function slotStarts(span: Span, now: number): number[] {
  if (span === 1) {
    const last = Math.floor(now / hourMs) * hourMs;
    return Array.from({ length: 24 }, (_, i) => last - (23 - i) * hourMs);
  }
  const today = new Date(now);
  return Array.from({ length: span }, (_, i) => new Date(today.getFullYear(), today.getMonth(), today.getDate() - (span - 1 - i)).getTime());
}

/** Means are weighed by how many answers each stands for. */
export function sum(parts: readonly Figures[]): Figures {
  const answered = parts.filter((one) => one.averageMs !== null);
  const responses = answered.reduce((n, one) => n + one.responses, 0);
  return {
    received: parts.reduce((n, one) => n + one.received, 0), sent: parts.reduce((n, one) => n + one.sent, 0), responses,
    averageMs: responses ? answered.reduce((ms, one) => ms + one.averageMs! * one.responses, 0) / responses : null,
    longestMs: responses ? Math.max(...answered.map((one) => one.longestMs ?? 0)) : null,
  };
}

/** WhatsApp tells whole seconds, so an answer can seem to take no time at all; 0 is kept for "none". */
const atLeastOne = (ms: number | null) => (ms === null ? null : Math.max(1, ms));

export function toSlots(hours: readonly StatsHour[], starts: readonly number[]): Slot[] {
  const parts: Figures[][] = starts.map(() => []);
  for (const { hour, received, sent, responses, averageResponseMs, maxResponseMs } of hours) {
    const at = Date.parse(hour);
    parts[starts.findLastIndex((start) => start <= at)]?.push({ received, sent, responses, averageMs: atLeastOne(averageResponseMs), longestMs: atLeastOne(maxResponseMs) });
  }
  return starts.map((start, i) => ({ start, ...sum(parts[i]!) }));
}
