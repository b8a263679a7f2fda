// The first minute of a newcomer: `make run` on a built tree, one press on the phones' page, a message to a contact, its echo,
// the ticks, and the script of README.md beside it, word for word.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import readline from 'node:readline'
import { after, test } from 'node:test'
import { chromium } from 'playwright-core'
import { checkout } from '../interop/wa/lib/server.mjs'

const dir = mkdtempSync(path.join(tmpdir(), 'wabox-first-'))
const children = []
let browser

/** A program in a process group of its own, with its lines; lines(re) resolves to the first that fits. */
function run(argv, env = {}) {
  const child = spawn(argv[0], argv.slice(1), { cwd: checkout, detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  const seen = [], waiting = new Set()
  for (const stream of [child.stdout, child.stderr]) {
    readline.createInterface({ input: stream }).on('line', line => {
      seen.push(line)
      for (const look of waiting) look()
    })
  }
  child.line = (pattern, ms = 60_000) => new Promise((resolve, reject) => {
    const end = (fn, value) => { clearTimeout(timer); waiting.delete(look); fn(value) }
    const look = () => {
      const found = seen.map(line => pattern.exec(line)).find(Boolean)
      if (found) end(resolve, found)
    }
    const timer = setTimeout(() => end(reject, new Error(`no line ${pattern} in:\n${seen.slice(-30).join('\n')}`)), ms)
    waiting.add(look)
    look()
  })
  child.ended = new Promise(resolve => child.once('exit', (code, signal) => resolve(code ?? signal)))
  children.push(child)
  return child
}

after(async () => {
  await browser?.close()
  for (const child of children) {
    if (child.exitCode === null && child.signalCode === null) try { process.kill(-child.pid, 'SIGKILL') } catch { /* gone */ }
  }
  rmSync(dir, { recursive: true, force: true })
})

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address()
  await new Promise(resolve => server.close(resolve))
  return port
}

/** The script that README.md shows, with this run's address of the server. */
function readmeScript(file, inbox) {
  const block = [...readFileSync(path.join(checkout, file), 'utf8').matchAll(/```js\n([\s\S]*?)```/g)].map(m => m[1]).find(code => code.includes('socket.io-client'))
  assert.ok(block, `${file} holds a script with socket.io-client`)
  assert.match(block, /http:\/\/127\.0\.0\.1:5000/)
  return block.replaceAll('http://127.0.0.1:5000', inbox)
}

test('README.md and README.id.md show the same scripts', () => {
  const blocks = file => [...readFileSync(path.join(checkout, file), 'utf8').matchAll(/```js\n([\s\S]*?)```/g)].map(m => m[1])
  assert.deepEqual(blocks('README.id.md'), blocks('README.md'))
})

test('make run, one press on Scan, a message, its echo, blue ticks and the events of the README script within a minute', { timeout: 120_000 }, async t => {
  const [port, simPort] = [await freePort(), await freePort()]
  const [inbox, phones] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${simPort}`]
  const began = Date.now(), took = {}
  const lap = name => { took[name] = Date.now() - began }
  const house = run(['make', '--no-print-directory', 'run'], { PORT: String(port), SIM_PORT: String(simPort), DATA_DIR: path.join(dir, 'data'), MAKEFLAGS: '', MAKELEVEL: '' })
  await house.line(/"ready":true/)
  lap('started')

  writeFileSync(path.join(dir, 'watch.mjs'), readmeScript('README.md', inbox))
  symlinkSync(path.join(checkout, 'tests/e2e/node_modules'), path.join(dir, 'node_modules'))
  const script = run([process.execPath, path.join(dir, 'watch.mjs')])

  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] })
  const context = await browser.newContext({ viewport: { width: 1360, height: 850 }, locale: 'en-GB' })
  const errors = []
  context.on('console', message => message.type() === 'error' && errors.push(message.text()))

  const page = await context.newPage()
  await page.goto(phones)
  await page.getByRole('button', { name: 'Scan the code of Support' }).click()
  await page.getByText(/Device \d+ of 6281200000001 is linked/).waitFor()
  await page.getByRole('button', { name: 'Scan the code of Sales' }).click()
  await page.getByText(/Device \d+ of 6281200000002 is linked/).waitFor()
  lap('scanned')

  const desk = await context.newPage()
  await desk.goto(inbox)
  await desk.getByLabel('Username or email').fill('admin')
  await desk.getByLabel('Password', { exact: true }).fill('admin123')
  await desk.keyboard.press('Enter')
  await desk.locator('.chat-link', { hasText: 'Ibu Sari' }).first().waitFor() // the phone's history
  await desk.locator('.chat-link', { hasText: 'Echo Bot' }).first().click()
  await desk.getByRole('heading', { level: 2, name: 'Echo Bot' }).waitFor()
  lap('a contact has written')

  const text = 'Hello from my first minute'
  await desk.locator('.composer textarea').fill(text)
  await desk.keyboard.press('Enter')
  await desk.locator('.msg', { hasText: text }).locator('.tick[data-status="READ"]').waitFor()
  await desk.locator('.msg', { hasText: text }).nth(1).waitFor()
  lap('echo and blue ticks')

  await script.line(/^\d+ CONNECTED$/)
  await script.line(new RegExp(`^Echo Bot ${text}$`))
  for (const status of ['SENT', 'READ']) await script.line(new RegExp(` ${status}$`))
  assert.deepEqual(errors, [])
  t.diagnostic(JSON.stringify(took))
  assert.ok(took['echo and blue ticks'] < 60_000, `a minute is enough: ${JSON.stringify(took)}`)

  process.kill(-script.pid, 'SIGTERM')
  process.kill(-house.pid, 'SIGINT')
  await house.ended
  await assert.rejects(fetch(`${inbox}/health`), 'Ctrl-C ends the server')
  await assert.rejects(fetch(phones), 'and the simulator')
})
