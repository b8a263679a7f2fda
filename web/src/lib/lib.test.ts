import { describe, expect, it } from "vitest";
import type { Template } from "../data/types";
import { dateTime, dayLabel, duration, ending, initials, listTime, phone } from "./format";
import { isJumbo, mentioned, plain, rich } from "./rich";
import { commandAt, fill, firstBlank, matching } from "./template";

describe("formats", () => {
  const now = new Date(2026, 2, 18, 15, 0);
  const iso = (day: number, hour = 9) => new Date(2026, 2, day, hour, 5).toISOString();
  const words = { today: "Today", yesterday: "Yesterday" };

  it("name days as people do", () => {
    expect(dayLabel(iso(18), "en", words, now)).toBe("Today");
    expect(dayLabel(iso(17, 23), "en", words, now)).toBe("Yesterday");
    expect(dayLabel(iso(14), "en", words, now)).toBe("Saturday");
    expect(dayLabel(iso(14), "id", words, now)).toBe("Sabtu");
    expect(dayLabel(iso(2), "en", words, now)).toBe("2 March 2026");
    expect(listTime(iso(18), "en", words, now)).toBe("09:05");
    expect(listTime("nonsense", "en", words, now)).toBe("");
    expect([dateTime(iso(2), "en"), dateTime(iso(2), "id")]).toEqual(["2\u00a0Mar\u00a02026, 09:05", "2\u00a0Mar\u00a02026, 09.05"]);
  });
  it("write phone numbers as the server does and leave other texts alone", () => {
    expect(phone("628123456789")).toBe("+62 812-3456-789");
    expect(phone("+628123456789")).toBe("+62 812-3456-789");
    expect(phone("4915112345678")).toBe("+4915112345678");
    expect(phone("Support line")).toBe("Support line");
  });
  it("write durations and initials", () => {
    const u = { s: "s", min: "min", h: "h" };
    expect([duration(4_000, u), duration(200_000, u), duration(7_500_000, u)]).toEqual(["4 s", "3 min", "2 h 5 min"]);
    expect([ending("short one "), ending("what stands long before the place "), ending("x".repeat(30))]).toEqual(["short one ", "…long before the place ", `…${"x".repeat(24)}`]);
    expect([initials("Siti Rahma"), initials("+62 812"), initials("👍"), initials("élan vital")]).toEqual(["SR", "#", "#", "ÉV"]);
  });
});

describe("rich text", () => {
  it("finds addresses and leaves the punctuation to the sentence", () => {
    expect(rich("see https://a.example/x?y=1, or (www.b.example).")).toEqual([
      { kind: "text", text: "see " }, { kind: "link", text: "https://a.example/x?y=1", href: "https://a.example/x?y=1" },
      { kind: "text", text: ", or (" }, { kind: "link", text: "www.b.example", href: "https://www.b.example/" }, { kind: "text", text: ")." },
    ]);
  });
  it.each(["javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "vbscript:x", "file:///etc/passwd"])("never makes a link of %s", (text) => {
    expect(rich(text).filter((piece) => piece.kind === "link")).toEqual([]);
    expect(rich(text).map((piece) => piece.text).join("")).toBe(text);
  });
  it("knows WhatsApp's marks but not arithmetic", () => {
    expect(rich("*bold* _it_ ~no~ `c`").map((piece) => piece.kind)).toEqual(["bold", "text", "italic", "text", "strike", "text", "code"]);
    expect(rich("a\n```x\n  y\n```\nb")).toEqual([{ kind: "text", text: "a\n" }, { kind: "pre", text: "x\n  y" }, { kind: "text", text: "b" }]);
    expect(rich("2*3*4 and snake_case_name").map((piece) => piece.kind)).toEqual(["text"]);
  });
  it("names mentions", () => {
    expect(rich("@6281300000001 hi", new Map([["6281300000001", "Budi"]]))[0]).toEqual({ kind: "mention", text: "@Budi" });
    const message = { mentions: [{ jid: "6281300000001@s.whatsapp.net", name: "Budi" }, { jid: "6281300000002@s.whatsapp.net", name: null }, { jid: "99887766554433:2@lid", name: null }] };
    expect(plain("@6281300000001, @6281300000002, @99887766554433, @6281300000003", message)).toBe("@Budi, @+62 813-0000-0002, @99887766554433, @6281300000003");
    expect(mentioned(" to @6281300000001 ", message)).toBe(" to @Budi ");
    expect(rich("@6281300000002 hi", new Map([["6281300000001", "Budi"]])).every((piece) => piece.kind === "text")).toBe(true);
  });
  it("leaves the marks out where no styles are shown", () => {
    expect(plain("Ada: *biru tua*, _krem_\n```kode\n  dua```~coret~", {})).toBe("Ada: biru tua, krem\n\nkode\n  dua\ncoret");
    expect(plain("2*3*4, https://a.example/_x_", {})).toBe("2*3*4, https://a.example/_x_");
  });
  it("is quick on hostile text", () => {
    const start = performance.now();
    rich("*".repeat(20_000) + "_a".repeat(10_000) + "https://" + "(".repeat(10_000));
    expect(performance.now() - start).toBeLessThan(1_000);
  });
  it("knows emoji alone", () => {
    expect([isJumbo("👍"), isJumbo("❤️🙏"), isJumbo("👍 ok"), isJumbo("12"), isJumbo("😀😀😀😀")]).toEqual([true, true, false, false, false]);
  });
});

describe("templates", () => {
  const template = (commands: string, name = commands, isActive = true): Template => ({ id: 1, name, commands, content: "", isActive, createdAt: "", updatedAt: "" });
  it("finds the command at the caret", () => {
    expect(commandAt("/hal", 4)).toEqual({ start: 0, word: "hal" });
    expect(commandAt("ok /", 4)).toEqual({ start: 3, word: "" });
    expect(commandAt("https://a", 9)).toBeNull();
    expect(commandAt("1/2", 3)).toBeNull();
  });
  it("offers active ones, those that begin with the word first", () => {
    const list = [template("/saya"), template("/pay"), template("/ya"), template("/yes", "/yes", false)];
    expect(matching(list, "ya").map((one) => one.commands)).toEqual(["/ya", "/saya"]);
  });
  it("fills what it knows and points at what is left", () => {
    const values = { name: "Siti Rahma", firstName: "Siti", number: "+62", agent: "Budi", line: "Support", date: "d", time: "t" };
    expect(fill("Hi {{ first_name }}, {agent} from {{line}}: {{tracking}}", values)).toBe("Hi Siti, Budi from Support: {{tracking}}");
    expect(firstBlank("a {{x}} b")).toEqual({ start: 2, end: 7 });
  });
});
