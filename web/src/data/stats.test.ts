import { expect, it } from "vitest";
import { slotStarts, sum, toSlots, type StatsHour } from "./stats";

const now = Date.UTC(2026, 0, 2, 12, 30);
const hour = (hoursAgo: number, more: Partial<StatsHour> = {}): StatsHour => ({
  hour: new Date(Math.floor(now / 3_600_000) * 3_600_000 - hoursAgo * 3_600_000).toISOString(), received: 1, sent: 0, responses: 0, averageResponseMs: null, maxResponseMs: null, ...more,
});

it("shows every hour of a day, those without a message too", () => {
  const slots = toSlots([hour(23), hour(1, { received: 4, sent: 2 }), hour(0)], slotStarts(1, now));
  expect(slots).toHaveLength(24);
  expect(slots.map((one) => one.received)).toEqual([1, ...Array(21).fill(0), 4, 1]);
  expect(slots.at(-2)).toMatchObject({ sent: 2, averageMs: null, longestMs: null });
});

it("puts hours into the days of the local calendar and leaves older ones out", () => {
  const starts = slotStarts(7, now);
  expect(starts).toHaveLength(7);
  expect(starts.every((start) => new Date(start).getHours() === 0)).toBe(true);
  const [first, second] = starts as [number, number];
  const at = (ms: number) => hour(0, { hour: new Date(ms).toISOString() });
  const slots = toSlots([at(first - 3_600_000), at(first), at(second - 3_600_000), at(second)], starts);
  expect(slots.slice(0, 2).map((one) => one.received)).toEqual([2, 1]);
});

it("weighs a mean by its answers", () => {
  const answered = (responses: number, averageMs: number, longestMs: number) => ({ received: 0, sent: 0, responses, averageMs, longestMs });
  expect(sum([answered(1, 10_000, 10_000), answered(3, 2_000, 5_000), { received: 9, sent: 0, responses: 0, averageMs: null, longestMs: null }]))
    .toEqual({ received: 9, sent: 0, responses: 4, averageMs: 4_000, longestMs: 10_000 });
  expect(sum([])).toMatchObject({ averageMs: null, longestMs: null });
});
