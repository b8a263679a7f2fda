// A number on libwa alone (examples/wa_cli.c), without waboxd: commands and events are JSON lines.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import readline from 'node:readline'
import { digits } from './contact.mjs'
import { Journal } from './journal.mjs'
import { checkout, commandLine } from './server.mjs'
import { enterCode, scanQr } from './sim.mjs'

let counter = 0
export const messageId = () => `3EB0${Date.now().toString(16).toUpperCase()}${String(++counter).padStart(6, '0')}`

export const KIND = { text: 0, image: 1, undecryptable: 10 }
export const STATUS = { failed: 0, sent: 1, delivered: 2, read: 3 }

export class Number {
  #child
  constructor(simUrl, options) {
    Object.assign(this, { simUrl, options, method: 'qr' }, options)
    this.file = path.join(mkdtempSync(path.join(tmpdir(), 'wabox-libwa-')), 'keys')
    this.journal = new Journal(options.pushName ?? 'libwa')
  }

  static async open(simUrl, options = {}) {
    const number = new Number(simUrl, options)
    await number.start()
    return number
  }

  async start() {
    const argv = [...commandLine('WA_CLI', 'build/src/wa/wa_cli'), '--url', this.simUrl, '--insecure', '--file', this.file]
    if (this.pushName) argv.push('--push-name', this.pushName)
    if (this.method === 'code' && !this.phone_) argv.push('--phone', this.phone)
    if (process.env.WA_CLI_DEBUG) argv.push('--debug')
    const mark = this.journal.mark()
    this.#child = spawn(argv[0], argv.slice(1), { cwd: checkout, stdio: ['pipe', 'pipe', process.env.SHOW_SERVERS || process.env.WA_CLI_DEBUG ? 'inherit' : 'ignore'] })
    this.exited = once(this.#child, 'exit')
    readline.createInterface({ input: this.#child.stdout }).on('line', line => this.#on(JSON.parse(line)))
    await this.connected(mark)
  }

  connected(after = 0) {
    return this.journal.wait('state', s => s.state === 'CONNECTED', { after, timeout: 20000, what: 'CONNECTED' })
  }

  #on(event) {
    this.journal.add(event.event, event)
    if (event.event === 'paired') Object.assign(this, { phone_: digits(event.jid), lid: digits(event.lid) })
    const first = this.journal.all('qr').length === 1 && event.event === 'qr'
    const scan = first && this.method === 'qr' ? scanQr(this.simUrl, event.text, { phone: this.phone, pushName: this.pushName })
      : event.event === 'pairing_code' ? enterCode(this.simUrl, event.code, this.phone) : null
    scan?.catch(error => this.journal.add('scan_failed', { message: error.message }))
  }

  get jid() { return `${this.phone_}@s.whatsapp.net` }
  get lidJid() { return `${this.lid}@lid` }

  cmd(cmd, body = {}) { this.#child.stdin.write(`${JSON.stringify({ cmd, ...body })}\n`) }

  /** Sends and waits for the server's acknowledgement; returns the id. */
  async send(to, body, id = messageId()) {
    this.cmd('send', { id, to, kind: 'text', ...body })
    const sent = await this.journal.wait('sent', e => e.id === id, { what: `the ack of ${id}` })
    if (sent.rc !== 0) throw new Error(`send failed: ${JSON.stringify(sent)}`)
    return id
  }

  sendText(to, text) { return this.send(to, { text }) }

  waitText(text, options) { return this.journal.wait('message', m => m.text === text, { what: `the text "${text}"`, ...options }) }
  textsReceived() { return this.journal.all('message', m => !m.fromMe && m.text).map(m => m.text) }
  waitStatus(id, status, options) {
    return this.journal.wait('receipt', r => r.ids.includes(id) && r.status >= status, { what: `status ${status} of ${id}`, ...options })
  }

  async quit() {
    this.cmd('quit')
    this.#child.stdin.end()
    const [code] = await this.exited
    return code
  }

  async kill9() {
    this.#child.kill('SIGKILL')
    return this.exited
  }

  async restart() {
    const code = await this.quit()
    if (code !== 0) throw new Error(`wa_cli ended with ${code}`)
    await this.start()
  }
}
