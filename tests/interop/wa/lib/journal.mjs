// A journal: everything a peer saw, in order of arrival, and a way to wait for an entry. Nothing is ever removed, so a test
// can wait for something that came before it asked, and can count afterwards ("exactly once").
import { inspect } from 'node:util'

const brief = entry => inspect(entry.data, { depth: 2, breakLength: 160, maxStringLength: 80 }).slice(0, 300)

export class Journal {
  #waiters = new Set()

  constructor(owner) {
    this.owner = owner
    this.entries = []
  }

  add(kind, data) {
    const entry = { kind, data, at: this.entries.length, ms: Date.now() }
    this.entries.push(entry)
    for (const check of [...this.#waiters]) check(entry)
    return entry
  }

  /** Where we are now; give it as `after` to look only at what comes later. */
  mark() {
    return this.entries.length
  }

  all(kind, match = () => true) {
    return this.entries.filter(e => e.kind === kind && match(e.data)).map(e => e.data)
  }

  /** The first entry of this kind that matches, already here or yet to come. */
  wait(kind, match = () => true, { timeout = 15000, after = 0, what = kind } = {}) {
    const fits = e => e.kind === kind && e.at >= after && match(e.data)
    const found = this.entries.find(fits)
    if (found) return Promise.resolve(found.data)
    return new Promise((resolve, reject) => {
      const check = e => {
        if (!fits(e)) return
        done()
        resolve(e.data)
      }
      const timer = setTimeout(() => {
        done()
        const last = this.entries.slice(-8).map(e => `    ${e.kind} ${brief(e)}`).join('\n')
        reject(new Error(`${this.owner}: waited ${timeout} ms for ${what}; last seen:\n${last || '    nothing'}`))
      }, timeout)
      const done = () => {
        clearTimeout(timer)
        this.#waiters.delete(check)
      }
      this.#waiters.add(check)
    })
  }
}

/** Calls `probe` every `every` ms until it returns something truthy. */
export async function until(probe, { timeout = 10000, every = 100, what = 'a condition' } = {}) {
  const end = Date.now() + timeout
  for (;;) {
    const got = await probe()
    if (got) return got
    if (Date.now() > end) throw new Error(`waited ${timeout} ms for ${what}`)
    await sleep(every)
  }
}

export const sleep = ms => new Promise(r => setTimeout(r, ms))
