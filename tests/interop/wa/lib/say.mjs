// Assertions that several test files share.
import assert from 'node:assert/strict'
import { sleep } from './journal.mjs'

let counter = 0

/** A text nobody else uses. */
export const unique = text => `${text} #${++counter}.${process.pid}`

export const series = (text, count) => Array.from({ length: count }, (_, i) => unique(`${text} ${i + 1} of ${count}`))

/** `contact` received exactly these texts, each once, in this order (other texts in between do not matter). */
export async function receivedOnceInOrder(contact, texts, { timeout = 20000, settle = 400 } = {}) {
  await Promise.all(texts.map(text => contact.waitText(text, { timeout })))
  await sleep(settle) // a duplicate would come now
  const wanted = new Set(texts)
  assert.deepEqual(contact.textsReceived().filter(text => wanted.has(text)), texts)
}

export async function sendAll(from, to, texts) {
  const sent = []
  for (const text of texts) sent.push(await from.sendText(to, text))
  return sent
}
