// waboxd and wabox-sim under every fault of the simulator, waboxd killed at random points. Checked at the end of every CHECK_EVERY rounds:
//   every message that a contact said is stored and announced exactly once, in order per chat where the network kept the order,
//   every message sent through REST (Idempotency-Key, asked again over restarts) reached its contact exactly once, and stands READ,
//   no message stayed undecryptable on either side, every number's seq has no hole for a client that resumes.
// Long form:  node tests/soak/whatsapp.mjs            NUMBERS=50 MESSAGES=20000 (each way) ROUNDS=40
// Short form: whatsapp.test.mjs in `make test`.       (needs npm ci in tests/interop/wa)
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Contact } from '../interop/wa/lib/contact.mjs'
import { Listener } from '../interop/wa/lib/resume.mjs'
import { Sim } from '../interop/wa/lib/sim.mjs'
import { Wabox } from '../interop/wa/lib/wabox.mjs'

const env = (name, fallback) => Number(process.env[name] ?? fallback)
const NUMBERS = env('NUMBERS', 50), MESSAGES = env('MESSAGES', 20000), ROUNDS = env('ROUNDS', 40), CHECK_EVERY = env('CHECK_EVERY', 4), SEED = env('SEED', Date.now() % 1000000)
const BAILEYS = process.env.BAILEYS !== '0', DRAIN_S = env('DRAIN_S', 240), PACE_S = env('PACE_S', 8)
const sleep = ms => new Promise(done => setTimeout(done, ms))
let state = SEED
const random = n => { state = (Math.imul(state, 1103515245) + 12345) >>> 0; return Math.floor(state / 4294967296 * n) }
const pick = list => list[random(list.length)]
process.on('unhandledRejection', error => { if (error instanceof Error && !error.isBoom) throw error }) // Baileys' own work on a connection that was cut
const began = Date.now()
const note = (...words) => console.log(`${((Date.now() - began) / 1000).toFixed(1).padStart(7)}s`, ...words)

// What the network does in a round. `mixed`: the order of delivery is not that of saying.
const PHASES = [
  { name: 'calm', fault: {} },
  { name: 'drop', fault: { drop: 0.2 }, mixed: true },
  { name: 'delay', fault: { delayMs: [0, 800] } },
  { name: 'duplicate', fault: { duplicate: 0.3 } },
  { name: 'reorder', fault: { reorder: 0.3 }, mixed: true },
  { name: 'replay', fault: { replay: 20 }, cuts: 4 },
  { name: 'corrupt', fault: { corrupt: 0.1 }, mixed: true },
  { name: 'lost acks', fault: { loseAck: 0.03 } },
  { name: 'prekeys exhausted', fault: { prekeysExhausted: true }, cuts: 1, newcomers: 8 },
  { name: 'stream errors', fault: {}, trouble: 'stream' },
  { name: 'refused logins', fault: {}, trouble: 'failure', cuts: 2 },
  { name: 'dead links', fault: {}, trouble: 'silent' },
  { name: 'outage', fault: {}, trouble: 'outage' },
  { name: 'everything', fault: { drop: 0.05, delayMs: [0, 300], duplicate: 0.1, reorder: 0.1, replay: 10, corrupt: 0.03, loseAck: 0.01 }, cuts: 3, trouble: 'stream', mixed: true }
]

const root = mkdtempSync('/tmp/wabox-soak-')
const sim = await Sim.start({ seed: SEED, settleMs: 20 })
const wabox = await Wabox.start({ whatsapp: sim.url, dataDir: path.join(root, 'wabox'), env: { LOG_LEVEL: 'warn' } })
const client = await wabox.admin()
const counts = { said: 0, sent: 0, kills: 0, retriedSends: 0, cuts: 0, problems: [] }
note(`seed ${SEED}, ${NUMBERS} numbers, ${MESSAGES} messages each way, ${ROUNDS} rounds`)

// ---- who is there -------------------------------------------------------------------------------------------------

await client.connect()
const numbers = []
{
  let next = 0
  const one = async () => { while (next < NUMBERS) { const i = next++; const n = await client.addNumber(`Number ${i}`, `62811${2000000 + i}`); await n.link(sim); n.sessionRow = await n.session(); numbers.push(n) } }
  await Promise.all([one(), one(), one()])
}
client.close()
const listener = new Listener(wabox, client.token)
await listener.connect()

const expected = new Map() // number id -> Map(message id -> {text, chat, index, isMixed})
const sent = new Map() // text -> {number, to, id}
for (const n of numbers) expected.set(n.id, new Map())
let serial = 0, isMixed = false, saidIn = 0

const turns = new Map() // who speaks in a chat waits for who spoke before: the order of saying is that of the network
async function inTurn(chat, speak) {
  const turn = (turns.get(chat) ?? Promise.resolve()).then(speak)
  turns.set(chat, turn.catch(() => {}))
  return turn
}

class Scripted {
  constructor(phone) { Object.assign(this, { phone, jid: `${phone}@s.whatsapp.net` }) }
  say(number, group) {
    return inTurn(group?.jid ?? `${this.phone} ${number.phone}`, () => this.#say(number, group))
  }
  async #say(number, group) {
    const text = `in ${++serial} ${this.phone}`
    const id = await sim.phoneSend(this.phone, { to: group?.jid ?? number.phone, text, ...(!group && random(5) === 0 && { addressing: 'lid' }) })
    for (const n of group?.numbers ?? [number]) expect(n, id, text, group?.jid ?? this.phone)
  }
  async saw() {
    const { messages } = await sim.phoneSaw(this.phone), asked = new Set()
    // One that it asked for again may come twice, when the network doubled its asking; clients keep messages by id.
    return messages.filter(m => {
      if (m.kind === 'undecryptable') asked.add(m.id)
      const isSecond = m.kind !== 'undecryptable' && asked.has(m.id) && asked.has(`opened ${m.id}`)
      asked.add(m.kind === 'undecryptable' ? m.id : `opened ${m.id}`)
      return !m.fromMe && !isSecond
    }).map(m => ({ id: m.id, text: m.text, isOpen: m.kind !== 'undecryptable' }))
  }
}
class Real {
  constructor(contact) {
    Object.assign(this, { contact, phone: contact.phone, jid: contact.jid, unsure: new Map() })
    contact.journal.add = (kind, data) => { // what comes is read; what the network took is sure
      if (kind === 'message' && !data.fromMe && data.kind === 'text') setTimeout(() => this.read(data), 20)
      if (kind === 'status' && data.status !== 'PENDING') this.unsure.delete(data.id)
      return Object.getPrototypeOf(contact.journal).add.call(contact.journal, kind, data)
    }
  }
  unread = new Set()
  async read(data) {
    try { await this.contact.markRead(data) } catch { this.unread.add(data) }
  }
  async say(number) {
    const text = `in ${++serial} ${this.phone}`, id = `3EB0${String(serial).padStart(10, '0')}${this.phone.slice(-4)}AB`
    const again = () => this.contact.send(number, { text }, { messageId: id })
    this.unsure.set(id, again)
    expect(number, id, text, this.phone, true)
    await again().catch(() => {})
  }
  async settle() {
    for (const again of this.unsure.values()) await again().catch(() => {})
    for (const data of [...this.unread]) { this.unread.delete(data); await this.read(data) }
  }
  async saw() { // a message that Baileys shows twice under one id is one: clients keep them by id
    const byId = new Map()
    for (const m of this.contact.journal.all('message', m => !m.fromMe)) if (m.kind === 'text' || !byId.get(m.id)?.isOpen) byId.set(m.id, { id: m.id, text: m.text, isOpen: m.kind === 'text' })
    return [...byId.values()]
  }
}
function expect(number, id, text, chat, isReal = false) {
  expected.get(number.id).set(id, { text, chat, index: ++saidIn, isMixed: isMixed || isReal })
  counts.said++
}

const contacts = []
for (let i = 0; i < NUMBERS * 2; i++) contacts.push(new Scripted((await sim.addPhone({ phone: `62857${3000000 + i}`, pushName: `Contact ${i}`, receipts: 'read' })).phone))
const real = []
if (BAILEYS) for (const version of ['6', '7']) real.push(new Real(await Contact.open({ version, simUrl: sim.url, phone: `6285890000${version}`, pushName: `Baileys ${version}` })))
const groups = []
for (let i = 0; i < Math.max(2, NUMBERS / 5); i++) {
  const members = [numbers[i % NUMBERS], numbers[(i * 7 + 1) % NUMBERS]].filter((n, at, all) => all.indexOf(n) === at)
  const people = [contacts[i], contacts[i + NUMBERS], contacts[(i * 3 + 2) % contacts.length]].filter((c, at, all) => all.indexOf(c) === at)
  const group = await sim.addGroup({ subject: `Group ${i}`, owner: people[0].phone, members: [...people, ...members].map(p => p.phone), addressing: i % 2 ? 'lid' : 'pn' })
  groups.push({ jid: group.jid, numbers: members, people })
}
const peers = numbers.map((_, i) => [contacts[i], contacts[(i + 1) % contacts.length], contacts[NUMBERS + i], contacts[(NUMBERS + i * 3) % contacts.length], ...(i < 10 ? real : [])])

/** People nobody has a session with yet: whoever writes first asks the network for prekeys. */
async function newcomers(count = 0) {
  for (let i = 0; i < count; i++) {
    const person = new Scripted((await sim.addPhone({ phone: `62857${4000000 + contacts.length}`, pushName: `Contact ${contacts.length}`, receipts: 'read' })).phone)
    contacts.push(person)
    for (let n = 0; n < 4; n++) pick(peers).push(person)
  }
}

// ---- what they do -------------------------------------------------------------------------------------------------

/** One REST send under one key, asked again until it is answered. */
async function send(number, to, group) {
  const text = `out ${++serial} ${number.phone}`, key = `key-${serial}-${SEED}`
  const row = { number, to, group, text, id: null }
  sent.set(text, row)
  counts.sent++
  for (let tries = 1; ; tries++) {
    try {
      const data = await number.send(group ?? to, text, { key })
      if (row.id && row.id !== data.messageId) counts.problems.push(`${text}: two ids for one key`)
      row.id = data.messageId
      return
    } catch (error) {
      if (error.status && ![429, 503, 500].includes(error.status)) throw error
      if (tries > 600) throw error
      counts.retriedSends++
      await sleep(100)
    }
  }
}
async function talk(quota, isOver) {
  let left = quota
  const start = Date.now(), due = at => start + (at / quota) * PACE_S * 1000, wait = at => sleep(Math.max(0, due(at) - Date.now()))
  const sayer = async () => {
    while (left > 0) {
      await wait(quota - left--)
      const i = random(NUMBERS), group = random(12) === 0 && pick(groups)
      await (group ? pick(group.people).say(null, group) : pick(peers[i]).say(numbers[i]))
    }
  }
  let toSend = quota
  const sender = async () => {
    while (toSend > 0) {
      await wait(quota - toSend--)
      const i = random(NUMBERS), group = random(12) === 0 && pick(groups)
      await (group ? send(pick(group.numbers), null, group) : send(numbers[i], pick(peers[i])))
    }
  }
  await Promise.all([...Array(4).fill().map(sayer), ...Array(8).fill().map(sender)])
  isOver.yes = true
}
const silenced = new Set() // up to the end of the round nothing is written to them
async function speakAgain() {
  for (const n of silenced) await sim.clearFault(n.phone)
  silenced.clear()
}
// Only WaBox' connections are cut. Baileys acknowledges a message before it shows it, and asks again for one that it could not open
// seconds later, one at a time: what a cut interrupts there is lost in Baileys.
async function cut(body) {
  counts.cuts++
  for (const n of numbers) await sim.disconnect(n.phone, body)
}
async function fault(what) {
  const { drop, loseAck, replay, prekeysExhausted, ...gentle } = what
  await sim.setFault(undefined, what)
  for (const r of real) await sim.setFault(r.phone, gentle)
}
const STREAM = [{ code: 515 }, { code: 503 }, { code: 500 }, { code: 429 }]
async function trouble(kind, isOver) {
  while (kind && !isOver.yes) {
    await sleep(200 + random(400))
    const n = pick(numbers)
    if (kind === 'stream') await sim.streamError(n.phone, pick(STREAM))
    if (kind === 'failure') await sim.setFailure(n.phone, pick([{ reason: 503, times: 1 }, { reason: 402, code: 101, expire: 2, times: 1 }, { reason: 500, times: 2 }]))
    if (kind === 'silent') { await sim.setFault(n.phone, { silent: true }); silenced.add(n); await sleep(500) }
    if (kind === 'failure') await sim.disconnect(n.phone)
    if (kind === 'outage') { await cut({ forMs: 500 + random(2500) }); await sleep(4000) }
  }
}
async function cuts(times, isOver) {
  for (let i = 0; i < (times ?? 0) && !isOver.yes; i++) { await sleep(500 + random(1500)); await cut() }
}
async function killer(isOver) {
  await sleep(300 + random(PACE_S * 1000))
  if (isOver.yes && random(2)) return
  await wabox.kill9()
  counts.kills++
  await sleep(random(800))
  await wabox.startAgain()
  await listener.connect()
  if (random(3) === 0) { await sleep(random(1200)); await wabox.kill9(); counts.kills++; await wabox.startAgain(); await listener.connect() }
}

// ---- what must hold -----------------------------------------------------------------------------------------------

async function everyMessage(number) {
  const rows = []
  for (const archived of ['', '&archived=true']) {
    const { data } = await client.call('GET', `/chats/${number.id}?limit=500${archived}`)
    for (const chat of data) {
      if (rows.some(r => r.chatId === chat.id)) continue
      for (let before = ''; ;) {
        const { data: page } = await client.call('GET', `/chats/${chat.id}/messages?limit=200&order=desc${before && `&before=${before}`}`)
        rows.push(...page.map(m => ({ ...m, chatId: chat.id })))
        if (page.length < 200) break
        before = page.at(-1).id
      }
    }
  }
  return rows
}
function checkStored(number, rows, say) {
  const want = expected.get(number.id), by = new Map()
  for (const m of rows) {
    if (by.has(m.messageId)) say(`stored twice: ${m.messageId}`)
    by.set(m.messageId, m)
  }
  for (const [id, { text }] of want) {
    const m = by.get(id)
    if (!m) say(`not stored: ${text} ${id}`)
    else if (m.content !== text) say(`stored as ${JSON.stringify(m.content)}: ${text} ${id}`)
  }
  const told = listener.announced.get(number.id) ?? new Map()
  for (const id of want.keys()) if (told.get(id) !== 1) say(`announced ${told.get(id) ?? 0} times: ${want.get(id).text} ${id}`)
  for (const m of rows) if (m.isFromMe && sent.has(m.content) && m.status !== 'READ' && !sent.get(m.content).group) say(`${m.status}: ${m.content} ${m.messageId}`)
}
function checkOrder(say) {
  for (const [chat, ids] of listener.order) {
    let last = 0
    for (const id of ids) {
      const found = [...expected.values()].map(m => m.get(id)).find(Boolean)
      if (!found || found.isMixed) continue
      if (found.index < last) say(`order in chat ${chat}: ${found.text} came after a later one`)
      last = Math.max(last, found.index)
    }
  }
}
async function checkReached(say) {
  const seen = new Map()
  for (const contact of [...contacts, ...real]) {
    const open = new Map(), closed = new Set()
    for (const m of await contact.saw()) {
      if (!m.isOpen) closed.add(m.id)
      else if (m.text?.startsWith('out ')) { open.set(m.id, m.text); seen.set(`${contact.phone} ${m.text}`, (seen.get(`${contact.phone} ${m.text}`) ?? 0) + 1) }
    }
    for (const id of closed) if (!open.has(id)) say(`${contact.phone} never opened ${id}`)
  }
  for (const { text, to, group, id } of sent.values())
    for (const person of group ? group.people : [to]) {
      const times = seen.get(`${person.phone} ${text}`) ?? 0
      if (times !== 1) say(`arrived ${times} times at ${person.phone}: ${text} ${id}`)
    }
}
async function problems() {
  const found = [...listener.faults.map(f => `seq: ${f}`), ...counts.problems]
  if (listener.resyncs) found.push(`${listener.resyncs} resyncs`)
  const say = text => found.push(text)
  for (const number of numbers) checkStored(number, await everyMessage(number), text => say(`number ${number.id}: ${text}`))
  checkOrder(say)
  await checkReached(say)
  return found
}

/** Faults off, everybody logs in again; then everything must become right within DRAIN_S. */
async function drain() {
  await fault({})
  await sim.clearFailure()
  for (const n of numbers) await sim.clearFailure(n.phone)
  await cut()
  const start = Date.now()
  let found
  for (let looks = 0; Date.now() - start < DRAIN_S * 1000; looks++) {
    await sleep(looks < 5 ? 1500 : 5000)
    for (const r of real) await r.settle()
    found = await problems()
    if (!found.length) return note(`  all is right after ${((Date.now() - start) / 1000).toFixed(1)} s`)
    if (looks % 4 === 3) await cut()
  }
  note(`  ${found.length} problems:`)
  for (const f of found.slice(0, 40)) console.log('   ', f)
  return found
}

// ---- the rounds ---------------------------------------------------------------------------------------------------

const phaseOf = round => PHASES[process.env.PHASE ? PHASES.findIndex(p => p.name === process.env.PHASE) : (round - 1) % PHASES.length]
/** Until everything that was said is announced; what never is, the check at the end names. */
async function allAnnounced() {
  const waits = () => numbers.some(n => [...expected.get(n.id).keys()].some(id => !listener.announced.get(n.id)?.has(id)))
  for (const end = Date.now() + DRAIN_S * 1000; waits() && Date.now() < end;) await sleep(100)
}

let failed = 0
for (let round = 1; round <= ROUNDS; round++) {
  const phase = phaseOf(round), isOver = {}
  note(`round ${round}: ${phase.name}, ${counts.said} said, ${counts.sent} sent, ${counts.kills} kills`)
  isMixed = Boolean(phase.mixed)
  await fault(phase.fault)
  await newcomers(phase.newcomers)
  await Promise.all([talk(Math.ceil(MESSAGES / ROUNDS), isOver), trouble(phase.trouble, isOver), cuts(phase.cuts, isOver), killer(isOver)])
  await speakAgain()
  if (round % CHECK_EVERY === 0 || round === ROUNDS) {
    const found = await drain()
    if (found) { failed = found.length; break }
  } else {
    await fault({})
    await cut() // what was dropped comes now: phases do not mix their order
    if (!phase.mixed && phaseOf(round + 1).mixed) await allAnnounced() // what waits for a number that is away would meet the next faults
  }
}
const stats = await sim.stats()
if (failed) { // what went over the wire (the newest 10,000 stanzas), to find the cause with
  const lines = []
  for (let after = 0; ;) {
    const stanzas = await sim.dump({ after, limit: 1000 })
    if (!stanzas.length) break
    lines.push(...stanzas.map(s => JSON.stringify(s)))
    after = stanzas.at(-1).seq
  }
  writeFileSync(path.join(root, 'stanzas.jsonl'), lines.join('\n'))
}
note(JSON.stringify({ seed: SEED, numbers: NUMBERS, ...counts, problems: failed, resyncs: listener.resyncs, retries: stats.retries, logins: stats.logins, faults: stats.faults }))
listener.close()
for (const r of real) await r.contact.close()
if (failed) console.log([...wabox.log.split('\n').slice(-30), ...real.flatMap(r => [r.contact.name, ...r.contact.problems.slice(-40)])].join('\n'))
const end = await wabox.stop()
await sim.stop()
if (!failed) { assert.deepEqual(end, [0, null], 'a clean end'); rmSync(root, { recursive: true }) } else console.log(`kept: ${root}`)
process.exit(failed ? 1 : 0)
