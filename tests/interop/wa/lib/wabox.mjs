// waboxd as a process, and a client of it as agents have one: REST (contract, section 2) and socket.io-client (section 3).
// The client records every socket event in a journal under the event's own name, so that tests can wait and count.
import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import jsQR from 'jsqr'
import { PNG } from 'pngjs'
import { io } from 'socket.io-client'
import { digits } from './contact.mjs'
import { Journal } from './journal.mjs'
import { Server, commandLine } from './server.mjs'

const PASSWORD = 'interop-Passw0rd'

export class Wabox {
  #server

  /** Options: whatsapp (address of the simulator, or 'live'), dataDir, env. */
  static async start({ whatsapp, dataDir, env = {} }) {
    const wabox = new Wabox()
    Object.assign(wabox, { whatsapp, env, dataDir: dataDir ?? mkdtempSync(path.join(tmpdir(), 'wabox-data-')) })
    await wabox.#spawn()
    return wabox
  }

  async #spawn() {
    this.#server = new Server('waboxd')
    await this.#server.start(commandLine('WABOXD', 'build/src/cmd/waboxd'), {
      PORT: '0', HOST: '127.0.0.1', DATA_DIR: this.dataDir, ADMIN_PASSWORD: PASSWORD, WABOX_WHATSAPP: this.whatsapp, ...this.env
    })
    this.base = `http://127.0.0.1:${this.#server.port}`
  }

  get pid() {
    return this.#server.pid
  }

  get log() {
    return this.#server.log
  }

  stop() {
    return this.#server.stop()
  }

  kill9() {
    return this.#server.kill9()
  }

  /** Starts again on the same data directory (another port). */
  async startAgain() {
    assert.equal(this.#server.isRunning, false, 'the old process has ended')
    await this.#spawn()
  }

  async restart({ hard = false } = {}) {
    await (hard ? this.kill9() : this.stop())
    await this.startAgain()
  }

  async admin() {
    const client = new WaboxClient(this)
    await client.login('admin', PASSWORD)
    return client
  }
}

export class WaboxClient {
  constructor(wabox) {
    this.wabox = wabox
    this.journal = new Journal('WaBox client')
    this.lastSeq = {}
  }

  async login(username, password) {
    const { token, user } = await this.call('POST', '/auth/login', { username, password })
    Object.assign(this, { token, user })
  }

  /** One REST call; resolves to the body, throws with status and body when it is not 2xx. */
  async call(method, path, body, headers = {}) {
    const answer = await fetch(`${this.wabox.base}/api/v1${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(this.token && { authorization: `Bearer ${this.token}` }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(30000)
    })
    const json = await answer.json()
    if (!answer.ok) throw Object.assign(new Error(`${method} ${path}: ${answer.status} ${json.message}`), { status: answer.status, body: json })
    return json
  }

  // ---- realtime ---------------------------------------------------------------------------------------------------

  /** Connects the socket; after an earlier connection it resumes from the last seq seen of each number. */
  async connect({ resume = true } = {}) {
    const auth = { token: this.token, ...(resume && Object.keys(this.lastSeq).length && { resume: this.lastSeq }) }
    const socket = io(this.wabox.base, { auth, transports: ['websocket'], reconnection: false, forceNew: true })
    this.socket = socket
    socket.onAny((event, data) => {
      if (data?.seq !== undefined && data.whatsappNumberId !== undefined) this.lastSeq[data.whatsappNumberId] = data.seq
      this.journal.add(event, data)
    })
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('connect_error', reject)
    })
  }

  /** Emits with acknowledgement; resolves to `data` of the answer. */
  async emit(event, payload) {
    const answer = await this.socket.timeout(10000).emitWithAck(event, payload)
    if (!answer.success) throw Object.assign(new Error(`${event}: ${answer.message}`), { code: answer.code })
    return answer.data
  }

  close() {
    this.socket?.close()
  }

  /** After the server was restarted: same user, new socket, resumed. */
  async reconnect() {
    this.close()
    await this.connect()
  }

  wait(event, match, options) {
    return this.journal.wait(event, match, { what: event, ...options })
  }

  /** Sequence numbers of a number's events, as they arrived. */
  seqs(numberId) {
    return this.journal.entries.map(e => e.data).filter(d => d?.whatsappNumberId === numberId && d.seq !== undefined).map(d => d.seq)
  }

  // ---- numbers and linking ----------------------------------------------------------------------------------------

  /** Makes a number and returns a Number of this client. */
  async addNumber(name, phoneNumber) {
    const { whatsappNumber } = await this.call('POST', '/whatsapp', { name, phoneNumber })
    return new WaNumber(this, whatsappNumber)
  }
}

/** One WhatsApp number of WaBox, seen by one client. A peer for contacts: it has phone, lid and jid. */
export class WaNumber {
  constructor(client, { id, phoneNumber, name }) {
    Object.assign(this, { client, id, phone: digits(phoneNumber), name })
  }

  get jid() {
    return `${this.phone}@s.whatsapp.net`
  }

  is(jid) {
    return [this.phone, this.lid].includes(digits(jid))
  }

  mine = data => data.whatsappNumberId === this.id

  wait(event, match = () => true, options) {
    return this.client.wait(event, d => this.mine(d) && match(d), options)
  }

  async session() {
    return (await this.client.call('GET', `/sessions/${this.id}`)).data
  }

  startLink(method) {
    return this.client.call('POST', `/sessions/${this.id}${method ? `?method=${method}` : ''}`).then(answer => answer.data)
  }

  /** Links by QR through the simulated phone of this number and waits for CONNECTED. Returns milliseconds from scan to CONNECTED. */
  async link(sim) {
    const mark = this.client.journal.mark()
    const data = await this.startLink()
    assert.match(data.qrCode, /^data:image\/png;base64,/)
    const start = Date.now()
    const scanned = await sim.scanQr(readQr(data.qrCode), { phone: this.phone, pushName: this.name })
    this.lid = scanned.lid
    await this.connected({ after: mark })
    return Date.now() - start
  }

  connected(options) {
    return this.wait('whatsapp:status', s => s.status === 'CONNECTED', { timeout: 20000, what: `${this.name} CONNECTED`, ...options })
  }

  status(status, options) {
    return this.wait('whatsapp:status', s => s.status === status, { timeout: 20000, what: `${this.name} ${status}`, ...options })
  }

  // ---- chats and messages -----------------------------------------------------------------------------------------

  async chats(query = '') {
    return (await this.client.call('GET', `/chats/${this.id}?limit=200${query}`)).data
  }

  /** The chat with this person, or undefined. */
  async chatWith(peer) {
    return (await this.chats()).find(c => !c.isGroup && [peer.phone, peer.lid].includes(digits(c.contactNumber)))
  }

  async chatsWith(peer) {
    return (await this.chats()).filter(c => !c.isGroup && [peer.phone, peer.lid].includes(digits(c.contactNumber)))
  }

  /** All messages of a chat, oldest first. */
  async messages(chatId) {
    return (await this.client.call('GET', `/chats/${chatId}/messages?limit=200`)).data
  }

  async message(chatId, messageId) {
    return (await this.messages(chatId)).find(m => m.messageId === messageId)
  }

  /** Sends through REST; `to` is digits, a JID or a peer. Resolves to the `data` of the answer. */
  async send(to, message, { quotedMessageId, key } = {}) {
    const { id: sessionId } = (this.sessionRow ??= await this.session())
    const body = { to: to.jid?.endsWith('@g.us') ? to.jid : (to.phone ?? String(to)), message, ...(quotedMessageId && { quotedMessageId }) }
    const headers = key ? { 'idempotency-key': key } : {}
    return (await this.client.call('POST', `/sessions/${sessionId}/send-message`, body, headers)).data
  }

  /** Same name as Contact's, so that helpers work with both. */
  async sendText(to, text) {
    const data = await this.send(to, text)
    return { ...data, rowId: data.id, id: data.messageId }
  }

  markRead(chatId) {
    return this.client.call('PATCH', `/chats/${chatId}/read`)
  }

  typing(chatId, isTyping) {
    return this.client.emit('chat:typing', { chatId, isTyping })
  }

  /** The announcement of an inbound or outbound message. */
  waitMessage(match, options) {
    return this.wait('message:new', d => match(d.message, d), { what: 'message:new', ...options })
  }

  waitText(text, options) {
    return this.waitMessage(m => m.content === text, { what: `message:new ${JSON.stringify(text)}`, ...options })
  }

  waitStatus(messageId, status, options) {
    const order = ['PENDING', 'SENT', 'DELIVERED', 'READ']
    const fits = s => s.messageId === messageId && order.indexOf(s.status) >= order.indexOf(status)
    return this.wait('message:status', fits, { what: `${messageId} to become ${status}`, ...options })
  }

  /** Every status announced for a message, in order. */
  statuses(messageId) {
    return this.client.journal.all('message:status', s => this.mine(s) && s.messageId === messageId).map(s => s.status)
  }

  textsReceived() {
    return this.client.journal.all('message:new', d => this.mine(d) && !d.message.isFromMe && d.message.type === 'TEXT').map(d => d.message.content)
  }
}

/** The text in a QR picture (a PNG data URL). */
export function readQr(dataUrl) {
  const png = PNG.sync.read(Buffer.from(dataUrl.slice(dataUrl.indexOf(',') + 1), 'base64'))
  const code = jsQR(new Uint8ClampedArray(png.data), png.width, png.height)
  assert.ok(code, 'the picture holds a QR code')
  return code.data
}
