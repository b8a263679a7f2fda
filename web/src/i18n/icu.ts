/**
 * The part of ICU MessageFormat that the catalogues use: `{name}`, `{n, plural, =0 {…} one {…} other {# …}}` and
 * `{kind, select, a {…} other {…}}`, nested as deep as needed, with ICU's apostrophe quoting. Which plural category a
 * number has in a language comes from the browser (Intl.PluralRules, CLDR data).
 */

export type Vars = Readonly<Record<string, string | number>>;

type Node =
  | string
  | { arg: string }
  /** `#`: the number of the enclosing plural. */
  | "#hash"
  | { arg: string; kind: "plural" | "select"; cases: ReadonlyMap<string, Message> };
export type Message = readonly Node[];

const hash = "#hash";

class Parser {
  at = 0;
  constructor(private readonly text: string) {}

  fail(why: string): never {
    throw new SyntaxError(`${why} at ${this.at} of "${this.text}"`);
  }

  /** In a plural, `#` stands for the number. */
  message(inPlural: boolean, nested: boolean): Message {
    const nodes: Node[] = [];
    let plain = "";
    const flush = () => {
      if (plain) nodes.push(plain);
      plain = "";
    };
    for (;;) {
      const char = this.text[this.at];
      if (char === undefined || (char === "}" && nested)) break;
      if (char === "}") this.fail("unexpected }");
      if (char === "'") plain += this.quoted();
      else if (char === "{") {
        flush();
        nodes.push(this.argument(inPlural));
      } else if (char === "#" && inPlural) {
        flush();
        nodes.push(hash);
        this.at++;
      } else {
        plain += char;
        this.at++;
      }
    }
    flush();
    return nodes;
  }

  /** `''` is an apostrophe; before `{`, `}` or `#` it quotes up to the next one; elsewhere it is itself. */
  private quoted(): string {
    const next = this.text[++this.at];
    if (next === "'") {
      this.at++;
      return "'";
    }
    if (next === undefined || !"{}#".includes(next)) return "'";
    const end = this.text.indexOf("'", this.at);
    const text = this.text.slice(this.at, end < 0 ? undefined : end);
    this.at = end < 0 ? this.text.length : end + 1;
    return text;
  }

  private word(pattern: RegExp, what: string): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (!found) this.fail(`expected ${what}`);
    this.at = pattern.lastIndex;
    return found[1]!;
  }

  private argument(inPlural: boolean): Node {
    this.at++;
    const arg = this.word(/\s*(\w+)\s*/y, "a name");
    if (this.text[this.at] === "}") {
      this.at++;
      return { arg };
    }
    const kind = this.word(/,\s*(plural|select)\s*,\s*/y, "plural or select") as "plural" | "select";
    const cases = new Map<string, Message>();
    while (this.text[this.at] !== "}") {
      const name = this.word(/\s*(=\d+|\w+)\s*\{/y, "a case");
      cases.set(name, this.message(inPlural || kind === "plural", true));
      this.word(/(\})\s*/y, "}");
    }
    this.at++;
    if (!cases.has("other")) this.fail("no case `other`");
    return { arg, kind, cases };
  }
}

export const parse = (text: string): Message => new Parser(text).message(false, false);

const rules = new Map<string, Intl.PluralRules>();
function category(language: string, value: number): string {
  let rule = rules.get(language);
  if (!rule) rules.set(language, (rule = new Intl.PluralRules(language)));
  return rule.select(value);
}

function write(message: Message, vars: Vars, language: string, number: string): string {
  let out = "";
  for (const node of message) {
    if (node === hash) out += number;
    else if (typeof node === "string") out += node;
    else if (!("kind" in node)) out += node.arg in vars ? String(vars[node.arg]) : `{${node.arg}}`;
    else {
      const value = vars[node.arg] ?? "";
      const isPlural = node.kind === "plural";
      const chosen =
        (isPlural ? (node.cases.get(`=${value}`) ?? node.cases.get(category(language, Number(value)))) : node.cases.get(String(value))) ??
        node.cases.get("other")!;
      out += write(chosen, vars, language, isPlural ? String(value) : number);
    }
  }
  return out;
}

const parsed = new Map<string, Message>();

/** The message with its variables. One that is not given stays as it is written. */
export function format(text: string, vars: Vars, language: string): string {
  if (!/[{}']/.test(text)) return text;
  let message = parsed.get(text);
  if (!message) parsed.set(text, (message = parse(text)));
  return write(message, vars, language, "");
}
