/** Small typed values in the browser's storage that components can subscribe to. */
import { useSyncExternalStore } from "react";

export class Local<T> {
  private value: T;
  private listeners = new Set<() => void>();

  /** With an empty key the value lives only as long as the page. */
  constructor(private readonly key: string, private readonly initial: T) {
    this.value = this.read();
    if (!key) return;
    // Another tab changed it (signing out, another theme).
    globalThis.addEventListener?.("storage", (event) => {
      if (event.key !== this.key && event.key !== null) return;
      this.value = this.read();
      this.notify();
    });
  }

  get = (): T => this.value;

  set(value: T): void {
    this.value = value;
    try {
      if (!this.key) return this.notify();
      if (value === null) localStorage.removeItem(this.key);
      else localStorage.setItem(this.key, JSON.stringify(value));
    } catch {
      // Private windows may refuse; the value then lives as long as the page.
    }
    this.notify();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  /** A hook, called as `value.use()` by components. */
  use(): T {
    // oxlint-disable-next-line rules-of-hooks -- a method that components call as a hook
    return useSyncExternalStore(this.subscribe, this.get);
  }

  private read(): T {
    if (!this.key) return this.initial;
    try {
      const text = localStorage.getItem(this.key);
      if (text === null) return this.initial;
      const value = JSON.parse(text) as T;
      return isPlain(this.initial) && isPlain(value) ? { ...this.initial, ...value } : value;
    } catch {
      return this.initial;
    }
  }

  private notify(): void {
    for (const listener of [...this.listeners]) listener();
  }
}

const isPlain = (value: unknown): value is object => typeof value === "object" && value !== null && !Array.isArray(value);
