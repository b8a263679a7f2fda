// Waiting with a limit and a sentence: a test that hangs says what it was waiting for.

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export function within(ms, promise, what) {
  let timer;
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${ms} ms`)), ms);
  });
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}

export async function until(condition, what, ms = 5000, every = 20) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`${what}: not so within ${ms} ms`);
    await sleep(every);
  }
}

// The arguments of the next `event` of an emitter; listen before you cause it.
export function next(emitter, event, ms = 5000) {
  let listener;
  const arrival = new Promise((resolve) => {
    listener = (...args) => resolve(args);
    emitter.once(event, listener);
  });
  return within(ms, arrival, `event "${event}"`).finally(() => emitter.off(event, listener));
}

// A queue: what arrived before anybody waited is kept, in order.
export class Inbox {
  #items = [];
  #waiters = [];
  push(item) {
    const waiter = this.#waiters.shift();
    if (waiter) waiter(item);
    else this.#items.push(item);
  }
  get size() {
    return this.#items.length;
  }
  drain() {
    return this.#items.splice(0);
  }
  next(what = 'next item', ms = 5000) {
    if (this.#items.length) return Promise.resolve(this.#items.shift());
    let waiter;
    const arrival = new Promise((resolve) => this.#waiters.push((waiter = resolve)));
    return within(ms, arrival, what).catch((e) => {
      this.#waiters = this.#waiters.filter((w) => w !== waiter);
      throw e;
    });
  }
}

// Arguments of `count` events, in order.
export function collect(emitter, event, count, ms = 20000) {
  const all = [];
  let listener;
  const done = new Promise((resolve) => {
    listener = (...args) => {
      all.push(args);
      if (all.length === count) resolve(all);
    };
    emitter.on(event, listener);
  });
  return within(ms, done, `${count} events "${event}"`)
    .catch((e) => {
      throw new Error(`${e.message} (${all.length} arrived)`);
    })
    .finally(() => emitter.off(event, listener));
}
