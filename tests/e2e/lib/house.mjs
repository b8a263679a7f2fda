// waboxd with a simulated WhatsApp network, and browsers that look at it.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import jsQR from 'jsqr'
import { chromium } from 'playwright-core'
import { PNG } from 'pngjs'
import { checkout, commandLine, Server } from '../../interop/wa/lib/server.mjs'
import { Sim } from '../../interop/wa/lib/sim.mjs'

export const ADMIN_PASSWORD = 'e2e-Passw0rd!'
const shots = path.join(checkout, 'tests/artefacts/e2e')

/** A way to the server that can be cut: what a lost network is to a browser. */
class Line {
  #sockets = new Set()
  #cut = false

  static async to(port) {
    const line = new Line()
    line.server = net.createServer(client => {
      if (line.#cut) return client.destroy()
      const server = net.connect(port, '127.0.0.1')
      for (const [a, b] of [[client, server], [server, client]]) {
        line.#sockets.add(a)
        a.pipe(b)
        a.on('error', () => b.destroy())
        a.on('close', () => { line.#sockets.delete(a); b.destroy() })
      }
    })
    await new Promise(resolve => line.server.listen(0, '127.0.0.1', resolve))
    line.url = `http://127.0.0.1:${line.server.address().port}`
    return line
  }

  cut() {
    this.#cut = true
    for (const socket of this.#sockets) socket.destroy()
  }

  restore() {
    this.#cut = false
  }

  close() {
    this.cut()
    this.server.close()
  }
}

export class House {
  #pages = []
  #lines = []

  static async open({ env = {} } = {}) {
    const house = new House()
    house.sim = await Sim.start()
    house.dataDir = mkdtempSync(path.join(tmpdir(), 'wabox-e2e-'))
    house.wabox = new Server('waboxd')
    await house.wabox.start(commandLine('WABOXD', 'build/src/cmd/waboxd'), {
      PORT: '0', HOST: '127.0.0.1', DATA_DIR: house.dataDir, ADMIN_PASSWORD, WABOX_WHATSAPP: house.sim.url, ...env
    })
    house.url = `http://127.0.0.1:${house.wabox.port}`
    house.browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] })
    return house
  }

  async close() {
    await this.browser?.close()
    for (const line of this.#lines) line.close()
    await this.wabox?.stop()
    await this.sim?.stop()
    rmSync(this.dataDir, { recursive: true, force: true })
  }

  /** A browser of its own. Options go to the browser context. */
  async person({ language = 'en-GB', ...options } = {}) {
    const line = await Line.to(this.wabox.port)
    this.#lines.push(line)
    const context = await this.browser.newContext({ viewport: { width: 1360, height: 850 }, locale: language, baseURL: line.url, reducedMotion: 'reduce', ...options })
    const page = await context.newPage()
    page.setDefaultTimeout(10_000)
    const person = new Person(page, line, this)
    this.#pages.push(person)
    return person
  }

  async api(method, path, body, token = this.token) {
    const answer = await fetch(`${this.url}/api/v1${path}`, {
      method, headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
      body: body === undefined ? undefined : JSON.stringify(body), signal: AbortSignal.timeout(20_000)
    })
    const json = await answer.json()
    if (!answer.ok) throw Object.assign(new Error(`${method} ${path}: ${answer.status} ${json.message}`), { status: answer.status })
    return json
  }

  async adminToken() {
    return (this.token ??= (await this.api('POST', '/auth/login', { username: 'admin', password: ADMIN_PASSWORD }, null)).token)
  }

  /** Users, numbers and links without the pages: for tests about something else. */
  async furnish({ users = [], numbers = [], grants = [] }) {
    await this.adminToken()
    const made = { users: {}, numbers: {} }
    for (const [username, name] of users) made.users[username] = (await this.api('POST', '/users', { name, username, email: `${username}@example.org`, password: ADMIN_PASSWORD, role: 'USER' })).user
    for (const [name, phoneNumber] of numbers) {
      const { whatsappNumber } = await this.api('POST', '/whatsapp', { name, phoneNumber })
      made.numbers[name] = whatsappNumber
      const { data } = await this.api('POST', `/sessions/${whatsappNumber.id}`)
      await this.sim.scanQr(readQr(data.qrCode), { phone: phoneNumber, pushName: name })
      await this.linked(whatsappNumber.id)
    }
    for (const [username, name] of grants) await this.api('POST', '/wapermission', { userId: made.users[username].id, whatsappNumberId: made.numbers[name].id })
    return made
  }

  async linked(numberId) {
    for (let i = 0; i < 100; i++) {
      const { data } = await this.api('GET', `/sessions/${numberId}`)
      if (data.status === 'CONNECTED') return
      await new Promise(resolve => setTimeout(resolve, 100))
    }
    throw new Error(`number ${numberId} did not connect`)
  }

  /** Console errors of every page so far; the browser's own lines about requests that a test made fail are left out. */
  complaints() {
    return this.#pages.flatMap(person => person.errors)
  }
}

export class Person {
  errors = []
  /** Status codes that a step provokes on purpose; the browser logs each as an error. */
  expected = new Set()
  isCut = false

  constructor(page, line, house) {
    Object.assign(this, { page, line, house })
    page.on('pageerror', error => this.errors.push(`exception: ${error.message}`))
    page.on('console', message => {
      if (message.type() !== 'error') return
      const text = message.text()
      const status = /status of (\d+)/.exec(text)?.[1]
      if (status && this.expected.has(Number(status))) return
      if (this.isCut && /ERR_(CONNECTION|EMPTY_RESPONSE|INTERNET|SOCKET)|WebSocket connection to/.test(text)) return
      this.errors.push(`${text} ${message.location().url}`)
    })
  }

  async login(username, password = ADMIN_PASSWORD) {
    await this.page.goto('/')
    await this.page.getByLabel(/Username or email|Nama pengguna atau email/).fill(username)
    await this.page.getByLabel(/^(Password|Kata sandi)$/).fill(password)
    await this.page.keyboard.press('Enter')
    await this.page.getByRole('navigation', { name: /Main|Utama/ }).waitFor()
    return this
  }

  /** No send-undo window, for tests that are not about it. */
  sendAtOnce() {
    return this.undoWindow(0)
  }

  async undoWindow(undoSeconds) {
    await this.page.addInitScript(undoSeconds => {
      if (location.protocol !== 'http:') return
      const prefs = JSON.parse(localStorage.getItem('wabox.prefs') ?? '{}')
      localStorage.setItem('wabox.prefs', JSON.stringify({ ...prefs, undoSeconds }))
    }, undoSeconds)
    return this
  }

  go(hash) {
    return this.page.goto(`/#${hash}`)
  }

  chat(name) {
    // By its name: the preview of a group names people, too.
    return this.page.locator('.chat-link', { has: this.page.locator('.chat-name', { hasText: name }) })
  }

  async openChat(name) {
    await this.chat(name).first().click()
    await this.page.getByRole('heading', { level: 2, name }).waitFor()
  }

  message(text) {
    return this.page.locator('.msg', { hasText: text })
  }

  async write(text) {
    const box = this.page.locator('.composer textarea')
    await box.fill(text)
    await box.press('Enter')
  }

  cut() {
    this.isCut = true
    this.line.cut()
  }

  restore() {
    this.line.restore()
  }

  async shot(name) {
    mkdirSync(shots, { recursive: true })
    await this.page.screenshot({ path: path.join(shots, `${name}.png`) })
  }
}

/** The text in a QR picture (a PNG data URL). */
export function readQr(dataUrl) {
  const png = PNG.sync.read(Buffer.from(dataUrl.slice(dataUrl.indexOf(',') + 1), 'base64'))
  const code = jsQR(new Uint8ClampedArray(png.data), png.width, png.height)
  assert.ok(code, 'the picture holds a QR code')
  return code.data
}
