/** Keyboard shortcuts: one table, read by the handler and by the help sheet. */
import { useEffect, useRef } from "react";
import { prefs } from "../data/prefs";
import type { Key } from "../i18n";

interface Shortcut { keys: string[]; label: Key; alt?: boolean; ctrl?: boolean; single?: boolean }

export const shortcuts = {
  "help.sheet": { keys: ["?"], label: "shortcuts.help", single: true },
  "help.sheet2": { keys: ["/"], label: "shortcuts.help", ctrl: true },
  "list.search": { keys: ["k"], label: "shortcuts.search", ctrl: true },
  "list.next": { keys: ["ArrowDown"], label: "shortcuts.next", alt: true },
  "list.previous": { keys: ["ArrowUp"], label: "shortcuts.previous", alt: true },
  "list.unread": { keys: ["u"], label: "shortcuts.unread", alt: true },
  "chat.compose": { keys: ["c"], label: "shortcuts.compose", alt: true },
  "chat.messages": { keys: ["m"], label: "shortcuts.messages", alt: true },
  "chat.search": { keys: ["f"], label: "shortcuts.searchChat", alt: true },
  "chat.close": { keys: ["Escape"], label: "shortcuts.close" },
} as const satisfies Record<string, Shortcut>;

/** Worked by the part that has the focus, listed for the sheet only. */
export const localShortcuts: readonly { keys: string; label: Key }[] = [
  { keys: "Enter", label: "shortcuts.send" },
  { keys: "Shift Enter", label: "shortcuts.newline" },
  { keys: "/", label: "shortcuts.template" },
  { keys: "Ctrl Z", label: "shortcuts.undo" },
  { keys: "R", label: "shortcuts.reply" },
  { keys: "I", label: "shortcuts.info" },
  { keys: "↑ ↓", label: "shortcuts.move" },
];

export type ShortcutName = keyof typeof shortcuts;

const isTyping = (target: EventTarget | null) => target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

function find(event: KeyboardEvent): ShortcutName | null {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  for (const [name, shortcut] of Object.entries(shortcuts) as [ShortcutName, Shortcut][]) {
    if (!shortcut.keys.includes(key)) continue;
    if (Boolean(shortcut.alt) !== event.altKey || Boolean(shortcut.ctrl) !== (event.ctrlKey || event.metaKey)) continue;
    if (shortcut.single && (!prefs.get().singleKeys || isTyping(event.target))) continue;
    return name;
  }
  return null;
}

/** Handlers may answer `false` for "not mine now", which leaves the key to the browser. */
export function useShortcuts(handlers: Partial<Record<ShortcutName, () => void | boolean>>): void {
  const latest = useRef(handlers);
  latest.current = handlers;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
      let name = find(event);
      if (name === "help.sheet2") name = "help.sheet";
      const handler = name && latest.current[name];
      if (handler && handler() !== false) event.preventDefault();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
}

export function keysOf(name: ShortcutName): string {
  const { keys, alt, ctrl }: Shortcut = shortcuts[name];
  const shown = { ArrowDown: "↓", ArrowUp: "↑", Escape: "Esc" }[keys[0]!] ?? keys[0]!.toUpperCase();
  return [ctrl && "Ctrl", alt && "Alt", shown].filter(Boolean).join(" ");
}
