import { expect, it } from "vitest";
import type { LogRow } from "./api";
import { bandCounts, computeStats, percentile } from "./stats";

const now = Date.UTC(2026, 0, 2, 12, 30);
let seq = 0;
const row = (chatId: string, minutesAgo: number, isFromMe: boolean, type = "TEXT"): LogRow => ({ seq: ++seq, event: "message:new", data: { chatId, message: { isFromMe, type, timestamp: new Date(now - minutesAgo * 60_000).toISOString() } } });

it("counts messages by hour, received and sent", () => {
  const stats = computeStats([row("a", 5, false), row("a", 4, true), row("a", 65, false), row("b", 60 * 30, false)], now);
  expect(stats.hours).toHaveLength(24);
  expect(stats.hours.at(-1)).toMatchObject({ incoming: 1, outgoing: 1 });
  expect(stats.hours.at(-2)).toMatchObject({ incoming: 1, outgoing: 0 });
  expect(stats.incoming).toBe(2);
});

it("measures from the first unanswered message to the answer", () => {
  const stats = computeStats([row("a", 20, false), row("a", 18, false), row("a", 10, true), row("a", 9, true), row("b", 3, false)], now);
  expect(stats.responses).toEqual([10 * 60_000]);
  expect(stats.waiting).toBe(1);
});

it("leaves reactions, notices and other events out", () => {
  const stats = computeStats([row("a", 5, false, "REACTION"), row("a", 5, false, "SYSTEM"), { seq: 1, event: "chat:updated", data: {} }], now);
  expect(stats.incoming).toBe(0);
});

it("gives percentiles and bands", () => {
  expect(percentile([], 0.5)).toBeNull();
  expect(percentile([5, 1, 3], 0.5)).toBe(3);
  expect(bandCounts([1000, 60_000, 10 * 60_000, 7_200_000])).toEqual([1, 1, 1, 0, 1]);
});
