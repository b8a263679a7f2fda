// The chat list is true after linking: what the phone holds (history sync, app state) is what the agents see, and Baileys 7 is asked first.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Contact, digits } from './lib/contact.mjs'
import { until } from './lib/journal.mjs'
import { unique } from './lib/say.mjs'
import { Sim } from './lib/sim.mjs'
import { Wabox } from './lib/wabox.mjs'

const now = Math.floor(Date.now() / 1000)
const old = 3600

const ANNA = '6281400001001' // address book name, three unread
const BUDI = '6281400001002' // pinned, only a push name
const CITRA = '6281400001003' // archived
const DEWI = '6281400001004' // no name at all, muted for ever
const EKO = '6281400001005' // pinned too, older than Budi; address book name and push name

const text = (content, t, fromMe = false, id = undefined) => ({ text: content, t, fromMe, ...(id && { id }) })

/** What the phone of the number holds; `group` is the JID of a group it is in. */
const preload = group => ({
  chats: [
    { chat: ANNA, name: 'Anna Wijaya', unread: 3, t: now - old, messages: [
      text('first of Anna', now - old - 300), text('our answer', now - old - 200, true),
      text('one', now - old - 30), text('two', now - old - 20), text('three', now - old, false, 'HISTORY0ANNA3') ] },
    { chat: BUDI, pinned: true, t: now - 3 * old, messages: [text('Budi here', now - 3 * old)] },
    { chat: CITRA, name: 'Citra', archived: true, unread: 1, t: now - 10, messages: [text('archived words', now - 10)] },
    { chat: DEWI, muteUntilMs: -1, t: now - 5 * old, messages: [text('who am I', now - 5 * old)] },
    { chat: EKO, pinned: true, t: now - 9 * old, messages: [text('we wrote last', now - 9 * old, true)] },
    { chat: group, name: 'Old Group', unread: 2, t: now - 2 * old, messages: [
      { ...text('hello group', now - 2 * old - 10), from: ANNA }, { ...text('hello again', now - 2 * old), from: EKO } ] }
  ],
  contacts: [{ phone: ANNA, fullName: 'Anna Wijaya' }, { phone: CITRA, fullName: 'Citra' }, { phone: EKO, fullName: 'Eko from work' }],
  pushnames: [{ phone: ANNA, pushName: 'annaw' }, { phone: BUDI, pushName: 'Budi!' }, { phone: EKO, pushName: 'eko95' }]
})

let sim

before(async () => {
  sim = await Sim.start({ seed: 10 })
})

after(() => sim?.stop())

async function phoneWithHistory(phone) {
  await sim.addPhone({ phone: ANNA })
  await sim.addPhone({ phone: EKO })
  const group = await sim.addGroup({ subject: 'Old Group', owner: ANNA, members: [phone, EKO] })
  await sim.setHistory(phone, preload(group.jid))
  return group
}

test('Baileys 7 finds the same chats, names, pins, archive and mute', async () => {
  const phone = '6281400000007'
  const group = await phoneWithHistory(phone)
  const contact = await Contact.open({ version: '7', simUrl: sim.url, pushName: 'Reader', phone })
  try {
    const known = jid => contact.journal.entries.filter(e => ['history', 'chat', 'contact'].includes(e.kind))
      .flatMap(e => (e.kind === 'history' ? [...e.data.chats, ...e.data.contacts] : [e.data]))
      .filter(row => row.id === jid || digits(row.id) === jid)
    const field = (jid, name) => known(jid).map(row => row[name]).filter(value => value !== undefined && value !== null)
    const soon = probe => until(probe, { timeout: 20000, what: 'history and app state' })
    await soon(() => field(ANNA, 'unreadCount').includes(3))
    await soon(() => field(ANNA, 'name').includes('Anna Wijaya'))
    await soon(() => field(BUDI, 'pinned').some(Boolean))
    await soon(() => field(BUDI, 'notify').includes('Budi!'))
    await soon(() => field(CITRA, 'archived').includes(true))
    await soon(() => field(DEWI, 'muteEndTime').length > 0)
    await soon(() => known(group.jid).length > 0)
    const messages = contact.journal.all('history').flatMap(h => h.messages)
    assert.ok(messages.some(m => m.key.id === 'HISTORY0ANNA3' && m.message.conversation === 'three'))
  } finally {
    await contact.close()
  }
})

describe('a WaBox number', () => {
  let wabox, admin, shop, group

  before(async () => {
    wabox = await Wabox.start({ whatsapp: sim.url })
    admin = await wabox.admin()
    await admin.connect()
    shop = await admin.addNumber('Shop', '6281400000001')
    group = await phoneWithHistory(shop.phone)
    await shop.link(sim)
    await until(async () => (await shop.chats()).length >= 5 && (await chat(EKO))?.isPinned && (await chat(EKO)).contactName === 'Eko from work',
      { timeout: 20000, every: 200, what: 'history and app state to be in the chat list' })
  })

  after(async () => {
    admin?.close()
    await wabox?.stop()
  })

  const chat = async phone => [...(await shop.chats()), ...(await shop.chats('&archived=true'))].find(c => digits(c.contactNumber) === phone)

  test('the list is pinned first, then newest, without the archived', async () => {
    const numbers = (await shop.chats()).map(c => (c.isGroup ? 'group' : digits(c.contactNumber)))
    assert.deepEqual(numbers, [BUDI, EKO, ANNA, 'group', DEWI])
    const archived = (await shop.chats('&archived=true')).filter(c => c.isArchived)
    assert.deepEqual(archived.map(c => digits(c.contactNumber)), [CITRA])
  })

  test('names come from the address book, then the push name, then the number', async () => {
    assert.equal((await chat(ANNA)).contactName, 'Anna Wijaya')
    assert.equal((await chat(EKO)).contactName, 'Eko from work')
    assert.equal((await chat(BUDI)).contactName, 'Budi!')
    assert.equal(digits((await chat(DEWI)).contactName), DEWI)
  })

  test('unread counters are those of the phone', async () => {
    assert.equal((await chat(ANNA)).unreadCount, 3)
    assert.equal((await chat(BUDI)).unreadCount, 0)
    assert.equal((await chat(CITRA)).unreadCount, 1)
  })

  test('the group has its subject, its unread and its last message', async () => {
    const row = (await shop.chats()).find(c => c.isGroup)
    assert.equal(row.groupName, 'Old Group')
    assert.equal(row.contactJid, group.jid)
    assert.equal(row.unreadCount, 2)
    assert.equal(row.lastMessage, 'hello again')
    const messages = await shop.messages(row.id)
    assert.deepEqual(messages.map(m => [m.content, m.fromNumber]), [['hello group', ANNA], ['hello again', EKO]])
  })

  test('messages are there, oldest first, with side and time', async () => {
    const row = await chat(ANNA)
    assert.equal(row.lastMessage, 'three')
    assert.equal(Date.parse(row.lastMessageTime), (now - old) * 1000)
    const messages = await shop.messages(row.id)
    assert.deepEqual(messages.map(m => [m.content, m.isFromMe]),
      [['first of Anna', false], ['our answer', true], ['one', false], ['two', false], ['three', false]])
    assert.equal(messages.at(-1).messageId, 'HISTORY0ANNA3')
  })

  test('a new message lands in the chat that history made', async () => {
    const words = unique('a new word')
    await sim.phoneSend(ANNA, { to: shop.phone, text: words, addressing: 'lid' })
    const { chatId } = await shop.waitText(words)
    const row = await chat(ANNA)
    assert.equal(row.id, chatId)
    assert.equal(row.unreadCount, 4)
    assert.equal((await shop.chatsWith({ phone: ANNA, lid: (await sim.phone(ANNA)).lid })).length, 1)
  })

  test('a reply in a chat from history quotes the old message', async () => {
    const row = (await shop.messages((await chat(ANNA)).id)).find(m => m.messageId === 'HISTORY0ANNA3')
    const sent = await shop.send(ANNA, unique('to the third'), { quotedMessageId: row.id })
    const saw = await until(async () => (await sim.phoneSaw(ANNA)).messages.find(m => m.id === sent.messageId), { what: 'the reply' })
    assert.equal(saw.quotedId, 'HISTORY0ANNA3')
  })

  // [what the phone changes, what the row then is]
  const changes = [
    ['unpinned', { chat: BUDI, pinned: false }, { isPinned: false }],
    ['pinned', { chat: DEWI, pinned: true }, { isPinned: true }],
    ['archived', { chat: DEWI, archived: true }, { isArchived: true }],
    ['taken out of the archive', { chat: CITRA, archived: false }, { isArchived: false }],
    ['read', { chat: CITRA, read: true }, { unreadCount: 0 }]
  ]
  for (const [what, change, expected] of changes) {
    test(`a chat that is ${what} on the phone is so in the list, live`, async () => {
      const mark = admin.journal.mark()
      await sim.setChat(shop.phone, change)
      const [[key, value]] = Object.entries(expected)
      await shop.wait('chat:updated', d => digits(d.chat.contactNumber) === change.chat && d.chat[key] === value, { after: mark })
      assert.equal((await chat(change.chat))[key], value)
    })
  }

  test('a contact that is renamed on the phone is renamed here', async () => {
    const mark = admin.journal.mark()
    await sim.setContact(shop.phone, { phone: BUDI, fullName: 'Budi Santoso' })
    await shop.wait('chat:updated', d => d.chat.contactName === 'Budi Santoso', { after: mark })
    assert.equal((await chat(BUDI)).contactName, 'Budi Santoso')
  })

  test('all of it is still so after a restart, without another history', async () => {
    const before = await shop.chats()
    await wabox.restart()
    await admin.reconnect()
    assert.deepEqual(await shop.chats(), before)
  })

  test('changes made on the phone while WaBox was away are caught up', async () => {
    await wabox.stop()
    await sim.setChat(shop.phone, { chat: ANNA, pinned: true })
    await wabox.startAgain()
    await admin.reconnect()
    await until(async () => (await chat(ANNA)).isPinned, { timeout: 20000, every: 200, what: 'the pin' })
  })
})

test('two thousand messages in chunks on the media host are all there', async () => {
  const phone = '6281400000009', people = Array.from({ length: 8 }, (_, i) => `62814000020${i}0`)
  const chats = people.map((who, i) => ({
    chat: who, name: `Customer ${i}`, t: now - i, messages: Array.from({ length: 250 }, (_, n) => text(`${i} says ${n}`, now - 1000 + n))
  }))
  await sim.addPhone({ phone })
  await sim.setHistory(phone, { chats, contacts: [], pushnames: [] })
  await sim.settings({ history: 'blob', historyChunk: 300 })
  const wabox = await Wabox.start({ whatsapp: sim.url })
  try {
    const admin = await wabox.admin()
    await admin.connect()
    const shop = await admin.addNumber('Long memory', phone)
    await shop.link(sim)
    const total = async () => {
      const rows = await shop.chats('&limit=100')
      const pages = await Promise.all(rows.map(row => admin.call('GET', `/chats/${row.id}/messages?limit=1`)))
      return pages.reduce((sum, page) => sum + page.pagination.total, 0)
    }
    await until(async () => (await total()) >= 2000, { timeout: 30000, every: 300, what: 'all messages of the history' })
    assert.equal(await total(), 2000)
    admin.close()
  } finally {
    await sim.settings({ history: 'inline', historyChunk: 0 })
    await wabox.stop()
  }
})
