// wabox-sim with --data-dir: what it knew is there after a restart, and unmodified Baileys goes on as if nothing had happened.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Contact, VERSIONS } from './lib/contact.mjs'
import { until } from './lib/journal.mjs'
import { receivedOnceInOrder, sendAll, series, unique } from './lib/say.mjs'
import { Sim } from './lib/sim.mjs'

const dataDir = mkdtempSync(join(tmpdir(), 'wabox-sim-'))
let sim
const contacts = []

after(async () => {
  await Promise.all(contacts.map(contact => contact.close()))
  await sim?.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

test('accounts, sessions, queues, groups and app state survive a restart of the simulator', async () => {
  sim = await Sim.start({ seed: 77, dataDir })
  const [a, b] = await Promise.all(VERSIONS.map(version => Contact.open({ simUrl: sim.url, version, pushName: `restart-${version}` })))
  contacts.push(a, b)
  const bot = await sim.addPhone({ phone: '6281100009100', pushName: 'Bot', echo: true })
  for (const p of [a, b]) {
    const text = unique('before')
    await p.sendText(bot.phone, text)
    await p.waitMessage(m => !m.fromMe && m.text === text)
  }
  const known = b.journal.wait('group', g => g.subject === 'kept')
  const group = await a.createGroup('kept', [b])
  await known
  await a.sendText(group, 'group before')
  await b.waitText('group before')
  const club = await sim.addGroup({ subject: 'club', owner: bot.phone, members: [], approval: true })
  assert.deepEqual((await sim.call('POST', `/group/${club.jid}/join`, { members: [b.phone] })).group.pending, [b.phone])
  await sim.setChat(a.phone, { chat: b.phone, pinned: true })
  const before = await sim.appState(a.phone)
  assert.deepEqual(before.chats.map(c => c.pinned), [true])

  // b is away while a writes: the queue has to survive
  await b.offline()
  const texts = series('while both were down', 3)
  await sendAll(a, b, texts)
  await until(async () => (await sim.phone(b.phone)).devices[0].queued >= 3, { what: 'the queue' })
  const { port } = sim
  await a.offline()
  const [code] = await sim.stop()
  assert.equal(code, 0)

  sim = await Sim.start({ seed: 77, dataDir, port })
  assert.deepEqual((await sim.phone(a.phone)).devices.map(d => d.id), [1])
  assert.deepEqual((await sim.appState(a.phone)).collections, before.collections)
  assert.deepEqual((await sim.appState(a.phone)).chats, before.chats)
  const admitted = (await sim.call('POST', `/group/${club.jid}/approve`, { members: [b.phone] })).group
  assert.deepEqual([admitted.members, admitted.pending], [[bot.phone, b.phone], []])
  await Promise.all([a.online(), b.online()])
  await receivedOnceInOrder(b, texts)
  for (const p of [a, b]) {
    const text = unique('after')
    await p.sendText(bot.phone, text)
    await p.waitMessage(m => !m.fromMe && m.text === text)
  }
  const [there, back, inGroup] = ['there', 'back', 'group after'].map(unique)
  await a.sendText(b, there)
  await receivedOnceInOrder(b, [there])
  await b.sendText(a, back)
  await receivedOnceInOrder(a, [back])
  await b.sendText(group, inGroup)
  await a.waitText(inGroup)
  assert.equal((await sim.phoneSaw(bot.phone)).messages.filter(m => m.kind === 'undecryptable').length, 0)
  assert.equal((await sim.stats()).retries, 0, 'nobody had to ask for anything again')
  const fresh = await sim.addPhone({ pushName: 'new' })
  assert.ok(![a.phone, b.phone, bot.phone].includes(fresh.phone))
})
