import { describe, expect, it } from "vitest";
import type { Template } from "../data/types";
import { fold } from "./fold";
import { commandAt, matching } from "./template";

describe("fold", () => {
  it.each([
    ["ÉCLAIR", "eclair"], ["Straße", "strasse"], ["ΣΊΣΥΦΟΣ", "σισυφοσ"], ["ＡＢＣ１２", "abc12"], ["٠٨١٢", "0812"], ["Łódź", "lodz"],
    ["Йод", "йод"], ["مُحَمَّد", "محمد"], ["08\u200b12\u20113", "0812-3"], ["İstanbul", "istanbul"], ["ที่", "ที่"], ["हिन्दी", "हिन्दी"],
  ])("makes %s %s, as the server does", (text, folded) => expect(fold(text)).toBe(folded));

  it("finds a template's command however accents and case are typed", () => {
    const list = [{ id: 1, name: "x", commands: "/Éclair", content: "", isActive: true, createdAt: "", updatedAt: "" } satisfies Template];
    for (const typed of ["/ecl", "/ÉCL", "/e\u0301cl"]) expect(matching(list, commandAt(typed, typed.length)!.word)).toHaveLength(1);
  });
});
