import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
// @ts-expect-error a plain script without types
import { eventsOf, generate, typeOf } from "../generate.mjs";
import { clientEventNames, serverEventNames } from "../src/events.js";

const document = JSON.parse(readFileSync(new URL("../events.schema.json", import.meta.url), "utf8"));

it("has one operation for every event, and every event generated", () => {
  const { receive, send } = eventsOf(document) as Record<string, { name: string }[]>;
  expect(receive!.map((one) => one.name)).toEqual([...clientEventNames]);
  expect(send!.map((one) => one.name)).toEqual([...serverEventNames]);
  expect(new Set([...clientEventNames, ...serverEventNames]).size).toBe(clientEventNames.length + serverEventNames.length);
});

it("turns schemas into types", () => {
  expect(typeOf({ type: ["string", "null"] })).toBe("string | null");
  expect(typeOf({ type: "array", items: { $ref: "#/components/schemas/Chat" } })).toBe("Array<Chat>");
  expect(typeOf({ enum: ["a", 1] })).toBe('"a" | 1');
  expect(typeOf({ type: "object", properties: { a: { type: "integer" }, "b-c": { type: "boolean" } }, required: ["a"] })).toBe('{\n  a: number;\n  "b-c"?: boolean;\n}');
});

it("refuses documents of another version", () => {
  expect(() => generate({ asyncapi: "2.6.0" })).toThrow(/AsyncAPI 3/);
});
