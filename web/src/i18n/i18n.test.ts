import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { en } from "./en";
import { format, parse, type Message } from "./icu";
import { id } from "./id";

const keys = Object.keys(en) as (keyof typeof en)[];

it("has the same keys in every language", () => {
  expect(Object.keys(id).sort()).toEqual([...keys].sort());
});

it("leaves no text empty, and translates it", () => {
  for (const key of keys) expect(id[key].trim(), key).not.toBe("");
  const same = keys.filter((key) => en[key] === id[key]);
  // Texts that are the same in both languages.
  expect(same.filter((key) => !["role.admin", "chat.messageBy", "permissions.cell"].includes(key) && en[key].length > 12), "untranslated").toEqual([]);
});

/** Names of the variables, and the cases of every plural. */
function shape(message: Message): { names: Set<string>; plurals: string[][] } {
  const names = new Set<string>();
  const plurals: string[][] = [];
  const walk = (nodes: Message) => {
    for (const node of nodes) {
      if (typeof node === "string") continue;
      names.add(node.arg);
      if (!("kind" in node)) continue;
      if (node.kind === "plural") plurals.push([...node.cases.keys()]);
      for (const inner of node.cases.values()) walk(inner);
    }
  };
  walk(message);
  return { names, plurals };
}

it("uses the same variables in every language", () => {
  for (const key of keys) expect([...shape(parse(id[key])).names].sort(), key).toEqual([...shape(parse(en[key])).names].sort());
});

it("has, of every plural, exactly the categories the language knows", () => {
  for (const [language, words] of [["en", en], ["id", id]] as const) {
    const known = new Intl.PluralRules(language).resolvedOptions().pluralCategories.toSorted();
    for (const key of keys) {
      for (const cases of shape(parse(words[key])).plurals) expect(cases.filter((one) => !one.startsWith("=")).toSorted(), `${language} ${key}`).toEqual(known);
    }
  }
});

it("has no text in the components themselves", () => {
  const files = (dir: string): string[] => readdirSync(dir, { withFileTypes: true }).flatMap((one) => (one.isDirectory() ? files(join(dir, one.name)) : one.name.endsWith(".tsx") && !one.name.endsWith(".test.tsx") ? [join(dir, one.name)] : []));
  const allowed = /^(English|Bahasa Indonesia)$/;
  for (const file of files("src")) {
    const source = readFileSync(file, "utf8");
    for (const [, text] of source.matchAll(/>\s*([A-Za-z][A-Za-z ,.'!?]{3,})\s*<\//g)) if (!allowed.test(text!.trim())) expect(`${file}: ${text}`).toBe("");
    for (const [, , text] of source.matchAll(/\b(aria-label|placeholder|title|alt|label)="([^"]+)"/g)) expect(`${file}: ${text}`).toBe("");
  }
});

describe("messages", () => {
  it("have their variables filled in; one that is not given stays", () => {
    expect(format("{n} of {all}", { n: 3 }, "en")).toBe("3 of {all}");
  });
  it("choose the plural by the language's rules", () => {
    const text = "{n, plural, =0 {none} one {# chat of {who}} few {# few} other {# chats}}";
    expect([0, 1, 2, 5].map((n) => format(text, { n, who: "Ana" }, "en"))).toEqual(["none", "1 chat of Ana", "2 chats", "5 chats"]);
    expect([2, 5].map((n) => format(text, { n }, "pl"))).toEqual(["2 few", "5 chats"]);
  });
  it("choose by a word, with plurals inside", () => {
    const text = "{who, select, me {You have {n, plural, one {# key} other {# keys}}} other {They have #}}";
    expect(format(text, { who: "me", n: 1 }, "en")).toBe("You have 1 key");
    expect(format(text, { who: "x", n: 1 }, "en")).toBe("They have #");
  });
  it("quote as ICU does", () => {
    expect(format("it's '{name}' and ''#''", {}, "en")).toBe("it's {name} and '#'");
    expect(format("{n, plural, other {'#' #}}", { n: 4 }, "en")).toBe("# 4");
  });
  it.each(["{", "}", "{n, plural, one {x}}", "{n, choice, other {x}}", "{n, plural, other {x}", "{a b}"])("refuse %s", (text) => {
    expect(() => parse(text)).toThrow(SyntaxError);
  });
});
