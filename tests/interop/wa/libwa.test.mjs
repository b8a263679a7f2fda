// libwa alone (examples/wa_cli.c) against unmodified Baileys of both versions, through wabox-sim.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Contact, VERSIONS, digits } from './lib/contact.mjs'
import { sleep, until } from './lib/journal.mjs'
import { Number, STATUS, messageId } from './lib/number.mjs'
import { receivedOnceInOrder, sendAll, series, unique } from './lib/say.mjs'
import { Sim } from './lib/sim.mjs'

let sim
const contacts = []
const numbers = []

async function open(options) {
  const contact = await Contact.open({ simUrl: sim.url, ...options })
  contacts.push(contact)
  return contact
}

async function number(options) {
  const n = await Number.open(sim.url, options)
  numbers.push(n)
  return n
}

before(async () => {
  sim = await Sim.start({ seed: 21 })
})

after(async () => {
  const codes = await Promise.all(numbers.map(n => n.quit()))
  await Promise.all(contacts.map(c => c.close()))
  await sim.stop()
  assert.deepEqual(codes.filter(code => code !== 0), [], 'every wa_cli ends cleanly')
})

describe('linking', () => {
  test('by QR: paired, restart on 515, connected under the number that scanned', async () => {
    const n = await number({ phone: '6281300000001', pushName: 'libwa qr' })
    assert.equal(n.phone_, '6281300000001')
    assert.ok(n.lid && n.lid !== n.phone_)
    assert.ok(n.journal.all('state', s => s.detail === 515).length === 1)
    await n.journal.wait('push_name', e => e.pushName === 'libwa qr', { what: 'the push name from app state' })
  })

  test('by code', async () => {
    const n = await number({ phone: '6281300000002', pushName: 'libwa code', method: 'code' })
    assert.equal(n.phone_, '6281300000002')
    assert.match(n.journal.all('pairing_code')[0].code, /^[1-9A-HJ-NP-TV-Z]{4}-[1-9A-HJ-NP-TV-Z]{4}$/)
  })

  test('an unlinked device says so and keeps no credentials', async () => {
    const n = await number({ phone: '6281300000003', pushName: 'libwa unlink' })
    await sim.unlink(n.phone_)
    const state = await n.journal.wait('state', s => s.state === 'DISCONNECTED')
    assert.equal(state.reason, 'logged_out')
    assert.equal(n.journal.all('unlinked').length, 1)
  })
})

for (const version of VERSIONS) {
  describe(`with Baileys ${version}`, () => {
    let n, contact
    before(async () => {
      n = await number({ pushName: `number-${version}` })
      contact = await open({ version, pushName: `contact-${version}` })
      await n.journal.wait('push_name')
    })

    const fromContact = text => m => m.text === text && [contact.phone, contact.lid].includes(m.sender.pn ?? m.sender.lid)

    test('texts go both ways, once and in order, with the push name', async () => {
      const out = series('to baileys', 5), back = series('to libwa', 5)
      for (const text of out) await n.sendText(contact.jid, text)
      await receivedOnceInOrder(contact, out)
      await sendAll(contact, n, back)
      await receivedOnceInOrder(n, back)
      const last = await n.journal.wait('message', fromContact(back[4]))
      assert.equal(last.pushName, `contact-${version}`)
      assert.equal(last.fromMe, false)
    })

    test('receipts: delivered and read in both directions', async () => {
      const text = unique('ticks')
      const id = await n.sendText(contact.jid, text)
      const got = await contact.waitText(text)
      await n.waitStatus(id, STATUS.delivered)
      await contact.markRead(got)
      await n.waitStatus(id, STATUS.read)
      const back = unique('ticks back')
      const sent = await contact.sendText(n, back)
      const m = await n.waitText(back)
      await contact.waitStatus(sent.id, 'DELIVERED')
      n.cmd('read', { chat: m.chat.jid, sender: m.sender.jid, ids: [m.id] })
      await contact.waitStatus(sent.id, 'READ')
    })

    test('reply, reaction, edit and revoke from libwa', async () => {
      const asked = unique('question')
      await contact.sendText(n, asked)
      const q = await n.waitText(asked)
      const answer = unique('answer')
      const id = await n.send(q.chat.jid, { text: answer, quoted: { id: q.id, sender: q.sender.jid }, quotedText: asked })
      const got = await contact.waitText(answer)
      assert.equal(got.quotedId, q.id)
      assert.equal(got.quotedText, asked)
      await n.send(q.chat.jid, { kind: 'reaction', text: '👍', target: { id: q.id, sender: q.sender.jid } })
      const reaction = await contact.waitMessage(m => m.kind === 'reaction' && m.targetId === q.id)
      assert.equal(reaction.emoji, '👍')
      const better = unique('better answer')
      await n.send(q.chat.jid, { kind: 'edit', text: better, target: { id, fromMe: true } })
      await contact.journal.wait('update', u => u.id === id && JSON.stringify(u.update).includes(better), { what: 'the edit' }).catch(() =>
        contact.waitMessage(m => m.kind === 'edit' && m.targetId === id && m.text === better, { what: 'the edit' }))
      await n.send(q.chat.jid, { kind: 'revoke', target: { id, fromMe: true } })
      await contact.waitMessage(m => m.kind === 'revoke' && m.targetId === id, { what: 'the revoke' })
    })

    test('reply, reaction, edit and revoke from Baileys', async () => {
      const asked = unique('ask')
      const id = await n.sendText(contact.jid, asked)
      const q = await contact.waitText(asked)
      const answer = unique('reply')
      const sent = await contact.reply(n, answer, q)
      const got = await n.waitText(answer)
      assert.equal(got.quotedId, id)
      assert.equal(got.quotedText, asked)
      await contact.react(n, q, '🙏')
      const reaction = await n.journal.wait('reaction', e => e.targetId === id)
      assert.equal(reaction.text, '🙏')
      assert.equal(reaction.targetFromMe, true)
      const better = unique('better reply')
      await contact.edit(n, sent, better)
      const edit = await n.journal.wait('edit', e => e.targetId === sent.id)
      assert.equal(edit.text, better)
      await contact.revoke(n, sent)
      await n.journal.wait('revoke', e => e.targetId === sent.id)
    })

    test('typing in both directions', async () => {
      await n.sendText(contact.jid, unique('hello'))
      n.cmd('available', { on: true })
      n.cmd('subscribe', { person: contact.jid })
      await contact.subscribe(n)
      await contact.typing(n)
      await n.journal.wait('typing', e => e.typing === 1)
      n.cmd('typing', { chat: contact.jid, typing: 1 })
      await contact.journal.wait('presence', p => p.state === 'composing')
    })

    for (const addressing of ['pn', 'lid']) {
      test(`a group addressed by ${addressing}: both ways, then without one who left`, async () => {
        const group = await sim.addGroup({ subject: `g-${addressing}-${version}`, owner: contact.phone, members: [n.phone_], addressing })
        await n.journal.wait('group', g => g.chat.jid === group.jid)
        const out = series(`group ${addressing} out`, 3), back = series(`group ${addressing} back`, 3)
        for (const text of back) await contact.sendText(group.jid, text)
        await receivedOnceInOrder(n, back)
        for (const text of out) await n.sendText(group.jid, text)
        await receivedOnceInOrder(contact, out)
        const m = await n.waitText(back[0])
        assert.equal(m.chat.jid, group.jid)
        assert.ok([m.sender.pn, m.sender.lid].includes(contact.phone) || m.sender.lid === contact.lid)
        await sim.groupChange(group.jid, 'remove', [n.phone_])
        await n.journal.wait('group', g => g.chat.jid === group.jid && g.gone)
      })
    }

    test('after a restart from the saved keys, and after Baileys restarts', async () => {
      await n.restart()
      const a = unique('after restart')
      await n.sendText(contact.jid, a)
      await contact.waitText(a)
      await contact.restart()
      const b = unique('after its restart'), c = unique('back after its restart')
      await n.sendText(contact.jid, b)
      await contact.waitText(b)
      await contact.sendText(n, c)
      await n.waitText(c)
    })

    test('what came while we were away arrives once and in order', async () => {
      assert.equal(await n.quit(), 0)
      const texts = series('while away', 10)
      await sendAll(contact, n, texts)
      await n.start()
      await receivedOnceInOrder(n, texts)
      await n.journal.wait('offline_done')
    })

    test('a lost connection is made again, and messages follow', async () => {
      const mark = n.journal.mark()
      await sim.disconnect(n.phone_)
      await n.connected(mark)
      const text = unique('after the cut')
      await contact.sendText(n, text)
      await n.waitText(text)
      await n.sendText(contact.jid, `${text} back`)
      await contact.waitText(`${text} back`)
    })

    test('lost sessions heal by retry, both ways', async () => {
      n.cmd('wipe')
      await n.journal.wait('wiped')
      const text = unique('after the wipe')
      await contact.sendText(n, text)
      await n.waitText(text, { timeout: 20000 })
      await n.sendText(contact.jid, `${text} back`)
      await contact.waitText(`${text} back`)
      const texts = series('healed', 3)
      await sendAll(contact, n, texts)
      await receivedOnceInOrder(n, texts)
    })

    test('duplicates and replays are told once; what was dropped comes with the next login', async () => {
      const before = (await sim.stats()).faults
      await sim.setFault(n.phone_, { duplicate: 0.8, drop: 0.4, replay: 5 })
      const texts = series('disturbed', 20)
      await sendAll(contact, n, texts)
      await sleep(1000)
      await sim.clearFault(n.phone_)
      await sim.setFault(n.phone_, { replay: 5 })
      const mark = n.journal.mark()
      await sim.disconnect(n.phone_)
      await n.connected(mark)
      await Promise.all(texts.map(text => n.waitText(text)))
      await sleep(500)
      await sim.clearFault(n.phone_)
      const told = n.textsReceived().filter(text => texts.includes(text))
      assert.deepEqual([...told].sort(), [...texts].sort(), 'each once')
      const after = (await sim.stats()).faults
      for (const kind of ['duplicate', 'drop', 'replay']) assert.ok(after[kind] > before[kind], `the simulator did ${kind}`)
    })

    test('a message whose ack got lost is sent again under its id and arrives once', async () => {
      await sim.setFault(n.phone_, { loseAck: 1 })
      const text = unique('ack lost'), id = messageId()
      const mark = n.journal.mark()
      n.cmd('send', { id, to: contact.jid, kind: 'text', text })
      await n.journal.wait('unsent', e => e.id === id, { what: 'the message to be given back' })
      await sim.clearFault(n.phone_)
      await n.connected(mark)
      await n.send(contact.jid, { text }, id)
      await contact.waitText(text)
      await sleep(400)
      assert.equal(contact.textsReceived().filter(t => t === text).length, 1)
    })

    test('corrupted messages heal by retry', async () => {
      await sim.setFault(n.phone_, { corrupt: 0.3 }) // resends of Baileys 6 look like first sendings and may be hit again
      const texts = series('corrupted', 8)
      await sendAll(contact, n, texts)
      await Promise.all(texts.map(text => n.waitText(text, { timeout: 30000 })))
      await sim.clearFault(n.phone_)
      assert.ok((await sim.stats()).faults.corrupt > 0, 'the simulator did corrupt something')
    })
  })
}

describe('two numbers on libwa', () => {
  test('talk to each other, also after one lost its sessions', async () => {
    const a = await number({ pushName: 'left' }), b = await number({ pushName: 'right' })
    await a.sendText(b.jid, 'hello b')
    const m = await b.waitText('hello b')
    await b.sendText(m.chat.jid, 'hello a')
    await a.waitText('hello a')
    a.cmd('wipe')
    await a.journal.wait('wiped')
    await b.sendText(a.jid, 'are you there?')
    await a.waitText('are you there?', { timeout: 20000 })
    a.cmd('check', { digits: b.phone_ })
    const there = await a.journal.wait('number', e => e.digits === b.phone_)
    assert.equal(there.rc, 0)
    assert.ok([b.phone_, b.lid].includes(digits(there.jid)))
    a.cmd('check', { digits: '629999999999' })
    assert.notEqual((await a.journal.wait('number', e => e.digits === '629999999999')).rc, 0)
    await until(() => a.journal.all('state', s => s.state === 'DISCONNECTED').length === 0)
    await sleep(50)
  })
})

describe('history and app state', () => {
  test('the chat list is true after linking, and follows the phone', async () => {
    const phone = '6281300000044', friend = '6281300000045'
    await sim.addPhone({ phone, pushName: 'historian' })
    await sim.setHistory(phone, {
      chats: [{ chat: friend, name: 'Old Friend', unread: 2, pinned: true, t: 1700000000, messages: [{ id: 'H1', text: 'long ago', t: 1700000000 }] }],
      contacts: [{ phone: friend, fullName: 'Friend Of Old' }],
      pushnames: [{ phone: friend, pushName: 'friendly' }]
    })
    const n = await number({ phone, pushName: 'historian' })
    const chat = await n.journal.wait('chat', c => c.history && c.unread === 2)
    assert.equal(chat.chat.pn, friend)
    assert.equal((await n.journal.wait('message', m => m.id === 'H1')).origin, 2)
    await n.journal.wait('contact', c => c.fullName === 'Friend Of Old')
    await n.journal.wait('contact', c => c.pushName === 'friendly')
    await n.journal.wait('chat', c => !c.history && c.pinned === 2)
    await sim.setChat(phone, { chat: friend, archived: true })
    await n.journal.wait('chat', c => !c.history && c.archived === 2)
    await sim.setContact(phone, { phone: friend, fullName: 'Renamed' })
    await n.journal.wait('contact', c => c.fullName === 'Renamed')
  })
})
