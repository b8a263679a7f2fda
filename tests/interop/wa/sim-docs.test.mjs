// docs/SIMULATOR.md: its calls are those of the route table, and its examples work.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { checkout } from './lib/server.mjs'
import { Sim } from './lib/sim.mjs'

const text = readFileSync(path.join(checkout, 'docs/SIMULATOR.md'), 'utf8')

test('every call of the route table is described, and no other', () => {
  const folder = path.join(checkout, 'src/sim/admin')
  const source = readdirSync(folder).filter(name => name.startsWith('admin_')).map(name => readFileSync(path.join(folder, name), 'utf8')).join('')
  const rows = [...source.matchAll(/\{"(GET|POST|PUT|PATCH|DELETE)",\s*"(\/admin\/[^"]+)"/g)].flatMap(([, method, route]) =>
    route.endsWith('/V') ? ['add', 'remove', 'promote', 'demote'].map(verb => `${method} ${route.slice(0, -1)}${verb}`) : [`${method} ${route}`])
  assert.ok(rows.length > 40, `${rows.length} rows`)
  const described = [...text.matchAll(/`(GET|POST|PUT|PATCH|DELETE) (\/admin\/[\w/-]+)/g)].map(([, method, route]) => `${method} ${route}`)
  assert.deepEqual([...new Set(described)].sort(), [...new Set(rows)].sort())
})

test('the examples with curl answer ok', async () => {
  const sim = await Sim.start()
  try {
    const examples = text.match(/^ {4}curl .*$/gm)
    const from = examples.findIndex(line => line.includes('"pushName":"Shop"'))
    assert.ok(from >= 0 && examples.length - from > 20, `${examples.length} examples`)
    for (const line of examples.slice(from)) {
      const { stdout } = await promisify(execFile)('sh', ['-c', line.trim().replaceAll('localhost:8080', `127.0.0.1:${sim.port}`)])
      assert.equal(JSON.parse(stdout).ok, true, `${line}\n${stdout}`)
    }
  } finally {
    await sim.stop()
  }
})
