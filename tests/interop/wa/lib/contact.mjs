// A WhatsApp user who runs unmodified Baileys, of either version. It records everything it receives in a journal:
//   message   {id, chat, sender, fromMe, kind, text, targetId, quotedId, quotedText, emoji, pushName, raw}   (kind: see describe())
//   status    {id, chat, status}            a message of ours reached SENT, DELIVERED or READ
//   receipt   {id, chat, user, read}        the same in groups, per member
//   presence  {chat, user, state}
//   group     {jid, subject, participants}  group learned or changed;  members {jid, action, participants}
//   history   {chats, contacts, messages};  chat / contact  updates as Baileys gives them
//   open, close {code, message}, qr {text}
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { AuthFile } from './auth.mjs'
import { Journal, sleep } from './journal.mjs'
import { enterCode, scanQr } from './sim.mjs'

// The simulator's certificate is self-signed and media always goes over https. Loopback only, tests only.
process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'

// libsignal prints ratchets on the console; BAILEYS_LOG=1 lets it.
if (!process.env.BAILEYS_LOG) for (const level of ['info', 'warn', 'error']) console[level] = () => {}

export const VERSIONS = ['6', '7']

const modules = { 6: () => import('baileys6'), 7: () => import('baileys7') }
const FINAL = new Set([401, 402, 403, 405, 406, 440])
const STATUS = ['ERROR', 'PENDING', 'SENT', 'DELIVERED', 'READ', 'READ']

export const digits = jid => String(jid ?? '').replace(/[:@].*$/, '').replace(/\D/g, '')

export class Contact {
  #wanted = false
  #sock = null
  #sent = new Map()

  /**
   * Pairs (or logs in again, when authDir holds credentials) and waits until messages can flow.
   * Options: version '6'|'7', simUrl, pushName, authDir, phone (which account scans), method 'qr'|'code', socket (extra Baileys options).
   */
  static async open(options) {
    const contact = await Contact.create(options)
    await contact.online()
    return contact
  }

  /** As open(), but without connecting. */
  static async create({ version, simUrl, pushName, authDir, phone, method = 'qr', socket = {} }) {
    const contact = new Contact()
    const module = await modules[version]()
    contact.baileys = module.makeWASocket ? module : { ...module, ...module.default, makeWASocket: module.default }
    Object.assign(contact, { version, simUrl, pushName, method, extra: socket })
    contact.wantedPhone = phone
    contact.name = `${pushName ?? 'contact'} (Baileys ${version})`
    contact.journal = new Journal(contact.name)
    contact.problems = []
    contact.authDir = authDir ?? mkdtempSync(path.join(tmpdir(), 'wabox-contact-'))
    contact.auth = new AuthFile(contact.baileys, contact.authDir)
    return contact
  }

  get sock() {
    return this.#sock
  }

  /** Our number in digits, our hidden user in digits, and our JID without device. */
  get phone() {
    return digits(this.auth.creds.me?.id)
  }

  get lid() {
    return digits(this.auth.creds.me?.lid)
  }

  get jid() {
    return `${this.phone}@s.whatsapp.net`
  }

  /** True when a JID or number means this contact, by phone or by LID. */
  is(jid) {
    return [this.phone, this.lid].includes(digits(jid))
  }

  // ---- connection -------------------------------------------------------------------------------------------------

  async online(timeout = 45000) {
    const mark = this.journal.mark()
    this.#wanted = true
    this.#connect()
    const opened = this.journal.wait('open', undefined, { after: mark, timeout, what: 'an open connection' })
    const refused = this.journal.wait('refused', undefined, { after: mark, timeout }).then(why => {
      throw new Error(`${this.name}: refused with ${why.code} ${why.message}\n${this.problems.slice(-5).join('\n')}`)
    })
    refused.catch(() => {})
    await Promise.race([opened, refused])
    // A name is needed before Baileys says "available" and sends receipts that count as delivered.
    await this.journal.wait('available', undefined, { after: mark, timeout: 25000, what: 'its own presence to be available' })
    return this
  }

  async offline() {
    this.#wanted = false
    await sleep(150) // let what has just arrived be decrypted and saved
    await this.#end()
    this.auth.save()
  }

  /** As a new process would: everything in memory is forgotten, credentials and sessions come from the file. */
  async restart() {
    await this.offline()
    this.auth = new AuthFile(this.baileys, this.authDir)
    await this.online()
  }

  async close() {
    this.#wanted = false
    await this.#end()
    this.auth.save()
  }

  async #end() {
    const sock = this.#sock
    this.#sock = null
    if (!sock) return
    try {
      await sock.end(undefined)
    } catch {
      // already closed
    }
  }

  #connect() {
    const { makeWASocket } = this.baileys
    const auth = this.auth
    const sock = makeWASocket({
      auth: auth.state,
      waWebSocketUrl: this.simUrl,
      pushName: this.pushName,
      logger: this.#logger(),
      getMessage: async key => this.#sent.get(key.id),
      generateHighQualityLinkPreview: false,
      ...this.extra
    })
    this.#sock = sock
    sock.ev.on('creds.update', update => {
      auth.saveSoon()
      // Baileys keeps quiet about its presence until it knows its own name (from the phone's app state); then nobody asks it again.
      if (update.me?.name && sock === this.#sock && sock.ws.isOpen) sock.sendPresenceUpdate('available').catch(() => {})
    })
    sock.ev.on('connection.update', update => this.#onConnection(sock, update))
    this.#record(sock.ev)
  }

  #onConnection(sock, { connection, lastDisconnect, qr, isOnline }) {
    if (sock !== this.#sock) return
    if (qr) this.#onQr(sock, qr)
    if (connection === 'open') this.journal.add('open', { user: sock.user })
    if (isOnline) this.journal.add('available', {})
    if (connection !== 'close') return
    const error = lastDisconnect?.error
    const why = { code: error?.output?.statusCode, message: error?.message, data: error?.data }
    this.journal.add('close', why)
    this.#sock = null
    if (!this.#wanted) return
    if (FINAL.has(why.code)) this.journal.add('refused', why)
    else setTimeout(() => this.#wanted && !this.#sock && this.#connect(), why.code === 515 ? 0 : 300)
  }

  #onQr(sock, text) {
    const first = this.journal.all('qr').length === 0
    this.journal.add('qr', { text })
    if (!first) return
    const pair = this.method === 'code' ? this.#pairByCode(sock) : this.method === 'qr' ? scanQr(this.simUrl, text, { phone: this.wantedPhone, pushName: this.pushName }) : null
    pair?.then(answer => this.journal.add('scanned', answer), error => this.journal.add('refused', { message: error.message }))
  }

  async #pairByCode(sock) {
    const code = await sock.requestPairingCode(this.wantedPhone)
    this.journal.add('code', { code })
    return enterCode(this.simUrl, code, this.wantedPhone)
  }

  /** Baileys' log: warnings and errors are kept for failure messages, BAILEYS_LOG=1 prints everything. */
  #logger() {
    const keep = level => (a, b) => {
      const text = `${level}: ${typeof a === 'string' ? a : (b ?? '')} ${a?.err?.message ?? a?.error?.message ?? a?.trace ?? ''}`
      if (process.env.BAILEYS_LOG) console.error(`[${this.name}] ${text}`)
      if (level === 'warn' || level === 'error') {
        this.problems.push(text)
        if (this.problems.length > 100) this.problems.shift()
      }
    }
    const logger = { level: process.env.BAILEYS_LOG ? 'trace' : 'warn', child: () => logger }
    for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal']) logger[level] = keep(level)
    return logger
  }

  // ---- what arrives -----------------------------------------------------------------------------------------------

  #record(ev) {
    const add = (kind, data) => this.journal.add(kind, data)
    const each = (event, kind, shape) => ev.on(event, list => list.forEach(item => add(kind, shape(item))))
    ev.on('messages.upsert', ({ messages, type, requestId }) => {
      for (const message of messages) {
        add('message', { ...describe(message), upsert: type, isPhoneCopy: Boolean(requestId) })
        this.#recordFolded(message)
      }
    })
    each('messages.update', 'update', ({ key, update }) => {
      if (update.status !== undefined && update.status !== null) {
        add('status', { id: key.id, chat: key.remoteJid, status: STATUS[update.status] })
      }
      return { id: key.id, chat: key.remoteJid, update }
    })
    each('message-receipt.update', 'receipt', ({ key, receipt }) => ({
      id: key.id, chat: key.remoteJid, user: receipt.userJid, read: Boolean(receipt.readTimestamp)
    }))
    each('groups.upsert', 'group', group => ({ jid: group.id, subject: group.subject, participants: group.participants }))
    ev.on('group-participants.update', ({ id, action, participants }) => add('members', { jid: id, action, participants }))
    ev.on('presence.update', ({ id, presences }) => {
      for (const [user, value] of Object.entries(presences)) add('presence', { chat: id, user, state: value.lastKnownPresence })
    })
    ev.on('messaging-history.set', ({ chats, contacts, messages }) => add('history', { chats, contacts, messages }))
    each('chats.upsert', 'chat', chat => chat)
    each('chats.update', 'chat', chat => chat)
    each('contacts.upsert', 'contact', contact => contact)
    each('contacts.update', 'contact', contact => contact)
  }

  /** Receipts that came while Baileys was buffering are folded into the message itself. */
  #recordFolded(message) {
    const { key, status, userReceipt } = message
    if (!key.fromMe) return
    const chat = key.remoteJid
    if (status || (status === 0 && Object.hasOwn(message, 'status'))) this.journal.add('status', { id: key.id, chat, status: STATUS[status] })
    for (const receipt of userReceipt ?? []) {
      this.journal.add('receipt', { id: key.id, chat, user: receipt.userJid, read: Boolean(receipt.readTimestamp) })
    }
  }

  waitMessage(match, options = {}) {
    return this.journal.wait('message', match, { what: 'a message', ...options })
  }

  waitText(text, options = {}) {
    return this.waitMessage(m => m.kind === 'text' && m.text === text, { what: `the text ${JSON.stringify(text)}`, ...options })
  }

  /** Resolves when our message `id` stands at least at `status`: in direct chats, or for the group member `by` (a Contact or peer). */
  waitStatus(id, status, { by, ...options } = {}) {
    const what = `${id} to become ${status}`
    if (by) {
      const fits = r => r.id === id && [by.phone, by.lid].includes(digits(r.user)) && (status !== 'READ' || r.read)
      return this.journal.wait('receipt', fits, { what, ...options })
    }
    const least = STATUS.indexOf(status)
    return this.journal.wait('status', s => s.id === id && STATUS.indexOf(s.status) >= least, { what, ...options })
  }

  /**
   * The texts received from others, in order of arrival, nothing removed: compare it with what was sent. Only of a message that Baileys asked
   * for twice, of its sender and of its own phone, the phone's copy does not count when the sender's came too (Baileys shows both).
   */
  textsReceived(match = () => true) {
    const texts = this.journal.all('message', m => !m.fromMe && m.kind === 'text' && match(m))
    const sent = new Set(texts.filter(m => !m.isPhoneCopy).map(m => m.id))
    return texts.filter(m => !m.isPhoneCopy || !sent.has(m.id)).map(m => m.text)
  }

  // ---- what we do -------------------------------------------------------------------------------------------------

  /** `to` is a JID, digits, or anything with `.jid`. Resolves to {id, key, message}. */
  async send(to, content, options) {
    const sent = await this.#sock.sendMessage(jidOf(to), content, options)
    this.#sent.set(sent.key.id, sent.message)
    return { id: sent.key.id, key: sent.key, message: sent }
  }

  sendText(to, text) {
    return this.send(to, { text })
  }

  reply(to, text, quoted) {
    return this.send(to, { text }, { quoted: quoted.raw ?? quoted.message })
  }

  react(to, target, emoji) {
    return this.send(to, { react: { text: emoji, key: target.key ?? target.raw.key } })
  }

  edit(to, sent, text) {
    return this.send(to, { text, edit: sent.key })
  }

  revoke(to, sent) {
    return this.send(to, { delete: sent.key })
  }

  sendImage(to, image, caption) {
    // one grey pixel as thumbnail, so that Baileys needs no image library
    return this.send(to, { image, caption, jpegThumbnail: Buffer.alloc(64, 1).toString('base64') })
  }

  download(received) {
    return this.baileys.downloadMediaMessage(received.raw, 'buffer', {})
  }

  markRead(...received) {
    return this.#sock.readMessages(received.map(m => m.raw.key))
  }

  async typing(to, state = 'composing') {
    await this.#sock.sendPresenceUpdate(state, jidOf(to))
  }

  subscribe(to) {
    return this.#sock.presenceSubscribe(jidOf(to))
  }

  async createGroup(subject, members) {
    const group = await this.#sock.groupCreate(subject, members.map(jidOf))
    return { jid: group.id, subject: group.subject, participants: group.participants, addressing: group.addressingMode ?? 'pn' }
  }

  groupMembers(group, action, members) {
    return this.#sock.groupParticipantsUpdate(group.jid, members.map(jidOf), action)
  }

  groupInfo(group) {
    return this.#sock.groupMetadata(group.jid)
  }

  logout() {
    this.#wanted = false
    return this.#sock.logout()
  }
}

const jidOf = to => {
  const jid = to.jid ?? String(to)
  return jid.includes('@') ? jid : `${jid}@s.whatsapp.net`
}

/** One Baileys message as a flat row that tests can compare. */
export function describe(raw) {
  const message = unwrap(raw.message)
  const row = {
    id: raw.key.id,
    chat: raw.key.remoteJid,
    sender: raw.key.participant || raw.key.remoteJid,
    fromMe: Boolean(raw.key.fromMe),
    pushName: raw.pushName,
    raw
  }
  const protocol = message?.protocolMessage
  if (!message) return { ...row, kind: 'undecryptable' }
  if (protocol?.editedMessage) {
    return { ...row, kind: 'edit', targetId: protocol.key?.id, text: textOf(unwrap(protocol.editedMessage)) }
  }
  if (protocol) {
    const isRevoke = protocol.type === 0 || protocol.type === 'REVOKE'
    return { ...row, kind: isRevoke && protocol.key?.id ? 'revoke' : 'protocol', targetId: protocol.key?.id }
  }
  if (message.reactionMessage) {
    return { ...row, kind: 'reaction', targetId: message.reactionMessage.key?.id, emoji: message.reactionMessage.text }
  }
  if (message.imageMessage) return { ...row, kind: 'image', text: message.imageMessage.caption }
  const text = textOf(message)
  if (text === undefined) return { ...row, kind: message.senderKeyDistributionMessage ? 'protocol' : 'other' }
  const context = message.extendedTextMessage?.contextInfo
  return { ...row, kind: 'text', text, quotedId: context?.stanzaId || undefined, quotedText: textOf(unwrap(context?.quotedMessage)) }
}

const textOf = message => message?.conversation || message?.extendedTextMessage?.text || undefined

function unwrap(message) {
  let inner = message
  for (let depth = 0; inner && depth < 5; depth++) {
    const next = (inner.ephemeralMessage ?? inner.viewOnceMessage ?? inner.viewOnceMessageV2 ?? inner.deviceSentMessage ?? inner.editedMessage)?.message
    if (!next) break
    inner = next
  }
  return inner
}
