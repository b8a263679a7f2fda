/** The fold by which the server compares texts (src/base/fold.h): accents, case, width and what is invisible do not count. */

// Marks of letters that are typed without them; vowel signs of Indic and Thai writings are letters and stay.
// The class is a list of marks on purpose.
// oxlint-disable-next-line no-misleading-character-class
const marks = /[\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u093c\u09bc\u0a3c\u0abc\u0b3c\u0c3c\u0cbc\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0\ufe20-\ufe2f]/gu;
const invisible = /[\p{Cf}\p{Default_Ignorable_Code_Point}\u0640]/gu;
const letters: Record<string, string> = {
  æ: "ae", ð: "d", ø: "o", þ: "th", đ: "d", ħ: "h", ı: "i", ł: "l", œ: "oe", ŧ: "t", ƀ: "b", ʼ: "'", ß: "ss", ς: "σ",
  "\u0649": "\u064a", "\u06a9": "\u0643", "\u06cc": "\u064a", "‘": "'", "’": "'", "‛": "'", "“": '"', "”": '"', "„": '"',
};
const others = new RegExp(`[${Object.keys(letters).join("")}]`, "gu");

/** Every writing's ten digits stand in a row. */
function digit(c: string): string {
  const at = c.codePointAt(0)!;
  let value = 0;
  while (value < 9 && /^\p{Nd}$/u.test(String.fromCodePoint(at - value - 1))) value++;
  return String(value);
}

export const fold = (text: string): string =>
  text.normalize("NFKD").replace(/([Ии])\u0306/gu, (_, c: string) => (c === "И" ? "Й" : "й")).replace(marks, "").replace(invisible, "").toLowerCase()
    .replace(marks, "").replace(others, (c) => letters[c]!).replace(/\p{Nd}/gu, (c) => (c < "0" || c > "9" ? digit(c) : c))
    .replace(/\p{Dash}/gu, "-").replace(/\s/gu, " ");
