/**
 * Focuses a row of a virtual list: at once when it is in the document, otherwise when the list has moved there, two frames
 * later, unless the focus has gone somewhere else meanwhile (Enter has opened a chat, somebody writes).
 */
export function focusSoon(list: HTMLElement | null, selector: string): void {
  const row = () => list?.querySelector<HTMLElement>(selector);
  const now = row();
  if (now) return now.focus();
  const holder = document.activeElement;
  requestAnimationFrame(() => requestAnimationFrame(() => {
    if (document.activeElement === holder || document.activeElement === document.body) row()?.focus();
  }));
}
