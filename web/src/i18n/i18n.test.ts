import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { fillIn } from ".";
import { en } from "./en";
import { id } from "./id";

const keys = Object.keys(en) as (keyof typeof en)[];

it("has the same keys in every language", () => {
  expect(Object.keys(id).sort()).toEqual([...keys].sort());
});

it("leaves no text empty, and translates it", () => {
  for (const key of keys) expect(id[key].trim(), key).not.toBe("");
  const same = keys.filter((key) => en[key] === id[key]);
  // Texts that are the same in both languages.
  expect(same.filter((key) => !["role.admin", "chat.messageBy"].includes(key) && en[key].length > 12), "untranslated").toEqual([]);
});

it("uses the same variables in every language", () => {
  const variables = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();
  for (const key of keys) expect(variables(id[key]), key).toEqual(variables(en[key]));
});

it("has no text in the components themselves", () => {
  const files = (dir: string): string[] => readdirSync(dir, { withFileTypes: true }).flatMap((one) => (one.isDirectory() ? files(join(dir, one.name)) : one.name.endsWith(".tsx") ? [join(dir, one.name)] : []));
  const allowed = /^(English|Bahasa Indonesia)$/;
  for (const file of files("src")) {
    const source = readFileSync(file, "utf8");
    for (const [, text] of source.matchAll(/>\s*([A-Za-z][A-Za-z ,.'!?]{3,})\s*<\//g)) if (!allowed.test(text!.trim())) expect(`${file}: ${text}`).toBe("");
    for (const [, , text] of source.matchAll(/\b(aria-label|placeholder|title|alt|label)="([^"]+)"/g)) expect(`${file}: ${text}`).toBe("");
  }
});

it("fills in variables and leaves unknown ones", () => {
  expect(fillIn("{n} of {all}", { n: 3 })).toBe("3 of {all}");
});
