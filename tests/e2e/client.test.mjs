// The npm package as somebody else's project gets it: packed, installed beside React 18 and 19 in a fresh Vite project, built, and
// used in a browser against a server of another origin. Also: the package's events are the server's.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { checkout, commandLine } from '../interop/wa/lib/server.mjs'
import { ADMIN_PASSWORD, House } from './lib/house.mjs'

const run = (command, args, cwd) => promisify(execFile)(command, args, { cwd, timeout: 180_000, maxBuffer: 1 << 26 })
const source = path.join(checkout, 'clients/js')
const isStandIn = process.env.WABOXD?.includes('mock')
const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' }

function serve(dir) {
  const server = createServer((request, response) => {
    const name = new URL(request.url, 'http://x').pathname.replace(/\/$/, '/index.html')
    try {
      const body = readFileSync(path.join(dir, name))
      response.writeHead(200, { 'content-type': types[path.extname(name)] ?? 'application/octet-stream' }).end(body)
    } catch {
      response.writeHead(404).end()
    }
  })
  return new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(server)))
}

test('the events document of the package is what the server prints', { skip: isStandIn && 'a stand-in prints none' }, async () => {
  const [program, ...args] = commandLine('WABOXD', 'build/src/cmd/waboxd')
  const { stdout } = await run(program, [...args, '--asyncapi'], checkout)
  assert.deepEqual(JSON.parse(readFileSync(path.join(source, 'events.schema.json'), 'utf8')), JSON.parse(stdout), 'run: waboxd --asyncapi > clients/js/events.schema.json, then npm run generate there')
})

describe('the documentation\'s example in a fresh Vite project', () => {
  const work = mkdtempSync(path.join(tmpdir(), 'wabox-client-'))
  let house, tarball, site

  before(async () => {
    site = await serve(path.join(work, 'site'))
    house = await House.open({ env: { FRONTEND_URL: `http://127.0.0.1:${site.address().port}` } })
    await house.furnish({ numbers: [['Support', '6281200000021']] })
    await house.sim.addPhone({ phone: '6281300000021', pushName: 'Siti Rahma', receipts: 'read' })
    await run('npm', ['run', 'build'], source)
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', work], source)
    tarball = path.join(work, JSON.parse(stdout)[0].filename)
  })
  after(async () => {
    await house?.close()
    site?.close()
    rmSync(work, { recursive: true, force: true })
  })

  for (const react of ['18', '19']) {
    test(`React ${react}: list, live message, history, sending`, async () => {
      const project = path.join(work, `react-${react}`)
      mkdirSync(project)
      cpSync(path.join(source, 'example'), project, { recursive: true })
      const manifest = JSON.parse(readFileSync(path.join(project, 'package.json'), 'utf8'))
      manifest.dependencies = { ...manifest.dependencies, '@wabox/client': `file:${tarball}`, react: `^${react}.0.0`, 'react-dom': `^${react}.0.0` }
      writeFileSync(path.join(project, 'package.json'), JSON.stringify(manifest))
      await run('npm', ['install', '--no-audit', '--no-fund'], project)
      writeFileSync(path.join(project, '.env'), `VITE_WABOX_URL=${house.url}\n`)
      await run('npm', ['run', 'build'], project)
      rmSync(path.join(work, 'site'), { recursive: true, force: true })
      cpSync(path.join(project, 'dist'), path.join(work, 'site'), { recursive: true })
      assert.match(JSON.parse(readFileSync(path.join(project, 'node_modules/react/package.json'), 'utf8')).version, new RegExp(`^${react}\\.`))

      const { page, errors } = await house.person()
      const { whatsappNumbers: [number] } = await house.api('GET', '/whatsapp')
      await page.goto(`http://127.0.0.1:${site.address().port}/?number=${number.id}`)
      await page.getByLabel('Username').fill('admin')
      await page.getByLabel('Password').fill(ADMIN_PASSWORD)
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.getByText('CONNECTED').waitFor()
      await house.sim.phoneSend('6281300000021', { to: '6281200000021', text: `halo ${react}` })
      await page.getByRole('button', { name: /Siti Rahma/ }).click()
      await page.getByRole('listitem').filter({ hasText: `← halo ${react}` }).waitFor()
      await page.getByLabel('Message').fill(`balasan ${react}`)
      await page.getByRole('button', { name: 'Send' }).click()
      await page.getByRole('listitem').filter({ hasText: `→ balasan ${react} READ` }).waitFor()
      assert.deepEqual(errors.filter(text => !/favicon/.test(text) && !/status of 404/.test(text)), [])
      await page.context().close()
    })
  }
})
