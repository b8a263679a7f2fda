// One device's Signal keys, in two hands: ours (signal_peer.c: src/wa/signal on libomemo-c) and theirs (Baileys' signal repository on
// libsignal for Node, both versions). Both speak the same few verbs; what does not open is thrown as Refused.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import readline from 'node:readline'
import baileys6 from 'baileys6'
import * as baileys7 from 'baileys7'
import { commandLine } from './server.mjs'

// libsignal prints ratchets on the console; BAILEYS_LOG=1 lets it.
if (!process.env.BAILEYS_LOG) for (const level of ['info', 'warn', 'error']) console[level] = () => {}

const { PreKeyWhisperMessage, WhisperMessage } = createRequire(import.meta.url)('libsignal/src/protobufs.js')

const BAILEYS = { 6: baileys6, 7: baileys7 }

export class Refused extends Error {}

/** The program of all our devices: asks one line, gives one line back. */
export class Peer {
  static start() {
    const peer = new Peer()
    const [program, ...args] = commandLine('WA_SIGNAL_PEER', 'build/tests/interop/wa/wa_signal_peer')
    peer.child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    peer.exited = once(peer.child, 'exit')
    peer.waiting = []
    readline.createInterface({ input: peer.child.stdout }).on('line', line => peer.waiting.shift().resolve(line))
    peer.child.once('exit', code => peer.waiting.forEach(w => w.reject(new Error(`wa_signal_peer ended (${code})`))))
    return peer
  }

  async ask(...words) {
    const answer = new Promise((resolve, reject) => this.waiting.push({ resolve, reject }))
    this.child.stdin.write(words.map(w => (w instanceof Uint8Array ? Buffer.from(w).toString('hex') : w)).join(' ') + '\n')
    const line = await answer
    if (line.startsWith('!')) throw new Refused(line.slice(1))
    return line
  }

  /** Resolves to the exit code. */
  async stop() {
    this.child.stdin.end()
    return (await this.exited)[0]
  }
}

const bytes = hex => Buffer.from(hex, 'hex')

export class Ours {
  kind = 'ours'

  /** A fresh identity and an empty store. */
  static async make(peer, name, jid) {
    const side = Object.assign(new Ours(), { peer, name, jid })
    await peer.ask('person', name, jid)
    return side
  }

  /** prekeyId 0: without a one-time prekey. */
  async bundle(prekeyId) {
    const [registrationId, identity, id, pub, signature, prekey, prekeyPub] = (await this.peer.ask('bundle', this.name, prekeyId)).split(' ')
    return {
      registrationId: Number(registrationId), identity: bytes(identity),
      signed: { id: Number(id), pub: bytes(pub), signature: bytes(signature) },
      prekey: { id: Number(prekey), pub: bytes(prekeyPub) }
    }
  }

  start(jid, b) {
    return this.peer.ask('start', this.name, jid, b.registrationId, b.identity, b.signed.id, b.signed.pub, b.signed.signature, b.prekey.id, b.prekey.pub)
  }

  forget(jid) {
    return this.peer.ask('forget', this.name, jid)
  }

  async encrypt(jid, plain) {
    const [type, hex] = (await this.peer.ask('encrypt', this.name, jid, plain)).split(' ')
    return { type, bytes: bytes(hex) }
  }

  async decrypt(jid, { type, bytes: b }) {
    return bytes(await this.peer.ask('decrypt', this.name, jid, type, b))
  }

  /** What a member gets who has no key of ours yet, and the message. */
  async seal(group, plain) {
    const distribution = bytes(await this.peer.ask('distribute', this.name, group))
    return { distribution, bytes: bytes(await this.peer.ask('seal', this.name, group, plain)) }
  }

  rotate(group) {
    return this.peer.ask('rotate', this.name, group)
  }

  process(group, jid, distribution) {
    return this.peer.ask('process', this.name, group, jid, distribution)
  }

  async open(group, jid, message) {
    return bytes(await this.peer.ask('open', this.name, group, jid, message))
  }
}

/**
 * How each version's sender keys are kept, so that keys of skipped group messages survive; neither version reads from JSON what it wrote
 * there. Baileys 6: the object itself. Baileys 7: its text, with bytes in base64 as its reader wants them.
 */
const SENDER_KEYS = {
  6: () => ({ text: value => value, value: kept => kept }),
  7: ({ BufferJSON }) => ({ text: value => JSON.stringify(JSON.parse(value), BufferJSON.replacer), value: kept => Buffer.from(kept) })
}

/** Values are kept as text: nobody can change a stored key without setting it. */
function memoryKeys(version, { BufferJSON }) {
  const kept = new Map()
  const plain = { text: value => JSON.stringify(value, BufferJSON.replacer), value: text => JSON.parse(text, BufferJSON.reviver) }
  const senderKeys = SENDER_KEYS[version]({ BufferJSON })
  const form = type => (type === 'sender-key' ? senderKeys : plain)
  return {
    get: async (type, ids) =>
      Object.fromEntries(ids.filter(id => kept.has(`${type} ${id}`)).map(id => [id, form(type).value(kept.get(`${type} ${id}`))])),
    set: async data => {
      for (const [type, items] of Object.entries(data))
        for (const [id, item] of Object.entries(items))
          if (item === null) kept.delete(`${type} ${id}`)
          else kept.set(`${type} ${id}`, form(type).text(item))
    },
    transaction: work => work(),
    ids: type => [...kept.keys()].filter(k => k.startsWith(`${type} `)).map(k => k.slice(type.length + 1))
  }
}

const typed = pub => Buffer.concat([Buffer.from([5]), pub])
const silent = Object.fromEntries(['trace', 'debug', 'info', 'warn', 'error'].map(level => [level, () => {}]))

async function refusing(work) {
  try {
    return await work()
  } catch (error) {
    throw new Refused(error.message, { cause: error })
  }
}

export class Theirs {
  kind = 'theirs'

  static async make(version, jid) {
    const baileys = BAILEYS[version]
    const keys = memoryKeys(version, baileys)
    const side = Object.assign(new Theirs(), { jid, creds: baileys.initAuthCreds(), keys })
    side.makeKey = baileys.Curve.generateKeyPair
    side.signal = baileys.DEFAULT_CONNECTION_CONFIG.makeSignalRepository({ creds: side.creds, keys: side.keys }, silent)
    return side
  }

  async bundle(prekeyId) {
    const { registrationId, signedIdentityKey, signedPreKey } = this.creds
    const prekey = this.makeKey()
    if (prekeyId) await this.keys.set({ 'pre-key': { [prekeyId]: prekey } })
    return {
      registrationId, identity: Buffer.from(signedIdentityKey.public),
      signed: { id: signedPreKey.keyId, pub: Buffer.from(signedPreKey.keyPair.public), signature: Buffer.from(signedPreKey.signature) },
      prekey: { id: prekeyId, pub: Buffer.from(prekey.public) }
    }
  }

  start(jid, b) {
    const session = {
      registrationId: b.registrationId, identityKey: typed(b.identity),
      signedPreKey: { keyId: b.signed.id, publicKey: typed(b.signed.pub), signature: b.signed.signature }
    }
    if (b.prekey.id) session.preKey = { keyId: b.prekey.id, publicKey: typed(b.prekey.pub) }
    return refusing(() => this.signal.injectE2ESession({ jid, session }))
  }

  forget(jid) {
    return this.keys.set({ session: { [this.signal.jidToSignalProtocolAddress(jid)]: null } })
  }

  async encrypt(jid, data) {
    const { type, ciphertext } = await refusing(() => this.signal.encryptMessage({ jid, data }))
    return { type, bytes: ciphertext }
  }

  decrypt(jid, { type, bytes: ciphertext }) {
    return refusing(() => this.signal.decryptMessage({ jid, type, ciphertext }))
  }

  async seal(group, data) {
    const { ciphertext, senderKeyDistributionMessage } = await this.signal.encryptGroupMessage({ group, meId: this.jid, data })
    return { distribution: Buffer.from(senderKeyDistributionMessage), bytes: Buffer.from(ciphertext) }
  }

  /** As Baileys does after a member left: its own key of the group is forgotten. */
  async rotate(group) {
    const [user, device] = this.signal.jidToSignalProtocolAddress(this.jid).split('.')
    const own = `${group}::${user}::${device}`
    if (!this.keys.ids('sender-key').includes(own)) throw new Error(`no sender key ${own}`)
    await this.keys.set({ 'sender-key': { [own]: null } })
  }

  process(group, authorJid, distribution) {
    return refusing(() => this.signal.processSenderKeyDistributionMessage({
      item: { groupId: group, axolotlSenderKeyDistributionMessage: distribution }, authorJid
    }))
  }

  open(group, authorJid, msg) {
    return refusing(() => this.signal.decryptGroupMessage({ group, authorJid, msg }))
  }
}

/** The part of a pkmsg or msg that both kinds share: {start, end} of the inner message within the bytes, and its ratchet key. */
export function innerMessage({ type, bytes: b }) {
  const inner = type === 'msg' ? b : Buffer.from(PreKeyWhisperMessage.decode(b.subarray(1)).message)
  const start = b.indexOf(inner)
  return { start, end: start + inner.length, ratchetKey: Buffer.from(WhisperMessage.decode(inner.subarray(1, -8)).ephemeralKey).toString('hex') }
}
