import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Fails with a readable list when axe-core finds anything on the page as it stands. */
export async function axe(page, what) {
  // Evaluated through the debugger, which the page's content security policy does not concern.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(source)
  const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }))
  const found = violations.map(v => `${v.id} (${v.impact}): ${v.help}\n    ${v.nodes.slice(0, 4).map(n => `${n.target.join(' ')}  ${n.any[0]?.message ?? n.all[0]?.message ?? n.none[0]?.message ?? ''}`).join('\n    ')}`)
  assert.deepEqual(found, [], `axe-core on ${what}:\n  ${found.join('\n  ')}`)
}
