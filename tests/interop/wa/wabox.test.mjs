// Unmodified Baileys against a WaBox number: what customers send is stored and announced, what agents send arrives.
// Beyond contract.md the tests rely on the event `message:updated {whatsappNumberId, chatId, message, seq}` and on
// `message.reactions [{emoji, fromJid, isFromMe}]`, `message.editedAt`, `message.revokedAt`, as the realtime description has them.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Contact, VERSIONS, digits } from './lib/contact.mjs'
import { sleep, until } from './lib/journal.mjs'
import { receivedOnceInOrder, sendAll, series, unique } from './lib/say.mjs'
import { Sim } from './lib/sim.mjs'
import { Wabox } from './lib/wabox.mjs'

let sim, wabox, admin, shop
const people = {}

before(async () => {
  sim = await Sim.start({ seed: 5 })
  wabox = await Wabox.start({ whatsapp: sim.url })
  admin = await wabox.admin()
  await admin.connect()
  shop = await admin.addNumber('Shop', '6281200000001')
  await shop.link(sim)
  const opened = await Promise.all(VERSIONS.map(version => Contact.open({ version, simUrl: sim.url, pushName: `Customer ${version}` })))
  VERSIONS.forEach((version, i) => (people[version] = opened[i]))
})

after(async () => {
  admin?.close()
  await Promise.all(Object.values(people).map(contact => contact.close()))
  if (wabox) assert.deepEqual(await wabox.stop(), [0, null], 'waboxd ends cleanly on SIGTERM')
  await sim?.stop()
})

const unreadOf = async peer => (await shop.chatWith(peer))?.unreadCount ?? 0

/** The same texts, each once and in this order, in the store too. */
async function storedOnceInOrder(peer, texts) {
  const chat = await shop.chatWith(peer)
  const wanted = new Set(texts)
  const stored = (await shop.messages(chat.id)).map(m => m.content).filter(text => wanted.has(text))
  assert.deepEqual(stored, texts)
}

for (const version of VERSIONS) {
  describe(`Baileys ${version}`, () => {
    let customer

    before(() => {
      customer = people[version]
    })

    test('texts both ways arrive once and in order', async () => {
      const [questions, answers] = [series('question', 6), series('answer', 6)]
      if (version === '7') await shop.send(customer, answers[0]) // once, the shop speaks first
      else await customer.sendText(shop, questions[0])
      const rest = version === '7' ? [questions, answers.slice(1)] : [questions.slice(1), answers]
      await Promise.all([sendAll(customer, shop, rest[0]), sendAll(shop, customer, rest[1])])
      await receivedOnceInOrder(shop, questions)
      await receivedOnceInOrder(customer, answers)
      await storedOnceInOrder(customer, questions)
      await storedOnceInOrder(customer, answers)
    })

    test('an inbound text is a message row and a chat row with the names and counters of the contract', async () => {
      const unreadBefore = await unreadOf(customer)
      const text = unique('look at the row')
      const sent = await customer.sendText(shop, text)
      const { message, chatId } = await shop.waitText(text)
      assert.equal(message.messageId, sent.id)
      assert.equal(message.fromNumber, `+${customer.phone}`)
      assert.equal(message.fromName, customer.pushName)
      assert.equal(message.type, 'TEXT')
      assert.equal(message.isFromMe, false)
      const { chat } = await shop.wait('chat:updated', d => d.chat.id === chatId && d.chat.lastMessage === text)
      assert.equal(chat.contactName, customer.pushName)
      assert.equal(chat.contactNumber, `+${customer.phone}`)
      assert.equal(chat.isGroup, false)
      assert.equal(chat.unreadCount, unreadBefore + 1)
      const stored = await shop.message(chatId, sent.id)
      assert.equal(stored.content, text)
      assert.equal(stored.fromNumber, customer.phone, 'REST rows carry digits')
    })

    test('a text from the shop comes from the shop, and its announcement names the agent', async () => {
      const text = unique('hello customer')
      const sent = await shop.sendText(customer, text)
      const received = await customer.waitText(text)
      assert.equal(received.id, sent.id)
      assert.ok(shop.is(received.sender), `${received.sender} is ${shop.phone}`)
      const { message } = await shop.waitText(text)
      assert.equal(message.isFromMe, true)
      assert.equal(message.messageId, sent.id)
      const row = (await admin.call('GET', `/messages/${sent.rowId}`)).data
      assert.equal(row.sentBy.id, admin.user.id)
    })

    test('status goes SENT, DELIVERED, READ and never back', async () => {
      const sent = await shop.sendText(customer, unique('watch the ticks'))
      await shop.waitStatus(sent.id, 'DELIVERED')
      const received = await customer.waitMessage(m => m.id === sent.id)
      assert.equal(shop.statuses(sent.id).includes('READ'), false)
      await customer.markRead(received)
      await shop.waitStatus(sent.id, 'READ')
      const seen = shop.statuses(sent.id)
      const ladder = ['PENDING', 'SENT', 'DELIVERED', 'READ']
      assert.deepEqual(seen, ladder.filter(status => seen.includes(status)), 'each at most once, in the order of the ladder')
      assert.ok(['DELIVERED', 'READ'].every(status => seen.includes(status)))
      assert.equal((await shop.message((await shop.chatWith(customer)).id, sent.id)).status, 'READ')
    })

    test('reading the chat in WaBox tells the customer, and clears the counter', async () => {
      const sent = await customer.sendText(shop, unique('have you read this?'))
      const { chatId } = await shop.waitMessage(m => m.messageId === sent.id)
      await customer.waitStatus(sent.id, 'DELIVERED')
      await sleep(200)
      assert.equal(customer.journal.all('status', s => s.id === sent.id && s.status === 'READ').length, 0, 'delivered is not read')
      const mark = admin.journal.mark()
      await shop.markRead(chatId)
      await customer.waitStatus(sent.id, 'READ')
      await shop.wait('chat:read', d => d.chatId === chatId, { after: mark })
      assert.equal(await unreadOf(customer), 0)
    })

    test('replies quote the message they answer, both ways', async () => {
      const text = unique('quote me')
      const question = await customer.sendText(shop, text)
      const { message } = await shop.waitText(text)

      const answer = unique('quoting you')
      await shop.send(customer, answer, { quotedMessageId: message.id })
      const received = await customer.waitText(answer)
      assert.equal(received.quotedId, question.id)
      assert.equal(received.quotedText, text)

      const back = unique('quoting the quote')
      await customer.reply(shop, back, received)
      const { message: reply } = await shop.waitText(back)
      assert.equal(reply.quotedContent, answer)
      const { message: answerRow } = await shop.waitText(answer)
      assert.ok([answerRow.id, answerRow.messageId].includes(reply.quotedMessageId), 'it names the quoted message')
    })

    test('a reaction is put on its message, changes, and goes away', async () => {
      const sent = await shop.sendText(customer, unique('do you like it?'))
      const received = await customer.waitMessage(m => m.id === sent.id)
      const unread = await unreadOf(customer)
      for (const emoji of ['👍', '❤️']) {
        await customer.react(shop, received, emoji)
        const { message } = await shop.wait('message:updated', d => d.message.messageId === sent.id && d.message.reactions?.some(r => r.emoji === emoji))
        assert.equal(message.reactions.length, 1, 'one reaction per person')
        assert.equal(message.reactions[0].isFromMe, false)
        assert.ok(customer.is(message.reactions[0].fromJid))
      }
      const mark = admin.journal.mark()
      await customer.react(shop, received, '')
      await shop.wait('message:updated', d => d.message.messageId === sent.id && (d.message.reactions ?? []).length === 0, { after: mark })
      assert.equal(await unreadOf(customer), unread, 'reactions are not unread messages')
    })

    test('an edit changes the text in place', async () => {
      const sent = await customer.sendText(shop, unique('with a tpyo'))
      const { chatId } = await shop.waitMessage(m => m.messageId === sent.id)
      const count = (await shop.messages(chatId)).length
      const text = unique('without a typo')
      await customer.edit(shop, sent, text)
      const { message } = await shop.wait('message:updated', d => d.message.messageId === sent.id && d.message.content === text)
      assert.ok(message.editedAt)
      const rows = await shop.messages(chatId)
      assert.equal(rows.length, count, 'no new row')
      assert.equal(rows.find(m => m.messageId === sent.id).content, text)
    })

    test('a revoked message loses its text', async () => {
      const text = unique('I never said that')
      const sent = await customer.sendText(shop, text)
      const { chatId } = await shop.waitText(text)
      await customer.revoke(shop, sent)
      const { message } = await shop.wait('message:updated', d => d.message.messageId === sent.id && d.message.revokedAt)
      assert.equal(message.content.includes(text), false)
      assert.equal(JSON.stringify(await shop.messages(chatId)).includes(text), false)
      assert.notEqual((await shop.chatWith(customer)).lastMessage, text)
    })

    test('typing is seen on both sides', async () => {
      await customer.sendText(shop, unique('about to type'))
      const { id: chatId } = await until(() => shop.chatWith(customer), { what: 'the chat' })
      const mark = admin.journal.mark()
      await customer.typing(shop)
      await shop.wait('chat:presence', d => d.chatId === chatId && d.contact === 'composing', { after: mark })
      await customer.typing(shop, 'paused')
      await shop.wait('chat:presence', d => d.chatId === chatId && d.contact === 'paused', { after: mark })

      await customer.subscribe(shop)
      const here = customer.journal.mark()
      await shop.typing(chatId, true)
      await customer.journal.wait('presence', p => shop.is(p.user) && p.state === 'composing', { after: here, what: 'the agent typing' })
      await shop.typing(chatId, false)
      await customer.journal.wait('presence', p => shop.is(p.user) && p.state !== 'composing', { after: here, what: 'the agent pausing' })
    })

    test('a picture becomes a row with type and caption', async () => {
      const caption = unique('a picture')
      await customer.sendImage(shop, Buffer.alloc(5000, 7), caption)
      const { message } = await shop.waitMessage(m => m.type === 'IMAGE' && m.content.includes(caption))
      assert.equal(message.mediaCaption, caption)
    })

    test('what was sent while the customer was offline arrives later, once and in order, and is delivered only then', async () => {
      await customer.offline()
      await until(async () => (await sim.phone(customer.phone)).devices.every(d => !d.connected), { what: 'the customer to be offline' })
      const texts = series('while you were away', 4)
      const sent = await sendAll(shop, customer, texts)
      for (const { id } of sent) await shop.waitStatus(id, 'SENT')
      await sleep(300)
      for (const { id } of sent) assert.deepEqual(shop.statuses(id).filter(s => s === 'DELIVERED' || s === 'READ'), [])
      await customer.online()
      await receivedOnceInOrder(customer, texts)
      for (const { id } of sent) await shop.waitStatus(id, 'DELIVERED')
    })

    test('sessions survive a restart of the customer', async () => {
      await customer.restart()
      const [one, two] = series('after a restart of the customer', 2)
      await shop.send(customer, one)
      await receivedOnceInOrder(customer, [one])
      await customer.sendText(shop, two)
      await receivedOnceInOrder(shop, [two])
    })

    for (const hard of [false, true]) {
      test(`after WaBox ${hard ? 'was killed (kill -9)' : 'restarted'} the number is back without a QR and nothing is lost or doubled`, async () => {
        const [earlier, meanwhile, later] = [series('before', 3), series('meanwhile', 3), series('after', 2)]
        await sendAll(customer, shop, earlier)
        if (hard) await sendAll(shop, customer, series('crash soon', 2))
        const mark = admin.journal.mark()
        await (hard ? wabox.kill9() : wabox.stop())
        await sendAll(customer, shop, meanwhile)
        await wabox.startAgain()
        await admin.reconnect()
        await shop.connected({ after: mark, timeout: 30000 })
        await receivedOnceInOrder(shop, [...earlier, ...meanwhile])
        await storedOnceInOrder(customer, [...earlier, ...meanwhile])
        assert.equal(admin.journal.entries.slice(mark).some(e => e.kind === 'whatsapp:qr'), false)
        await sendAll(shop, customer, later)
        await receivedOnceInOrder(customer, later)
        const answer = unique('still there')
        await customer.sendText(shop, answer)
        await receivedOnceInOrder(shop, [answer])
      })
    }

    for (const addressing of ['pn', 'lid']) {
      test(`a group with ${addressing} addressing: everybody hears everybody`, async () => {
        const other = people[version === '6' ? '7' : '6']
        await sim.settings({ groupAddressing: addressing })
        const subject = unique(`team ${addressing}`)
        const known = other.journal.wait('group', g => g.subject === subject, { what: 'the group' })
        const group = await customer.createGroup(subject, [shop, other])
        await known
        await sim.settings({ groupAddressing: 'pn' })

        for (const speaker of [customer, other]) {
          const text = unique(`${speaker.pushName} to the group`)
          await speaker.sendText(group, text)
          const { message, chatId } = await shop.waitText(text, { timeout: 25000 })
          assert.equal(message.fromNumber, `+${speaker.phone}`, 'the phone number, whatever the group is addressed by')
          const chat = (await shop.chats()).find(c => c.id === chatId)
          assert.equal(chat.isGroup, true)
          assert.equal(chat.groupName, subject)
          assert.equal(chat.contactJid, group.jid)
        }
        for (const text of series('the shop to the group', 3)) {
          const sent = await shop.sendText(group, text)
          for (const listener of [customer, other]) {
            const heard = await listener.waitMessage(m => m.id === sent.id && m.kind === 'text', { timeout: 25000 })
            assert.equal(heard.text, text)
            assert.equal(heard.chat, group.jid)
          }
        }
        const last = unique('and once more')
        await customer.sendText(group, last)
        await shop.waitText(last)
        assert.equal((await shop.chats()).filter(c => c.contactJid === group.jid).length, 1)
        for (const listener of [customer, other]) {
          const ids = listener.journal.all('message', m => m.chat === group.jid && !m.fromMe && m.kind === 'text').map(m => m.id)
          assert.equal(ids.length, new Set(ids).size, 'nothing twice')
        }
      })
    }

    test('a group that WaBox was added to later, and removed from', async () => {
      const subject = unique('later')
      const group = await customer.createGroup(subject, [people[version === '6' ? '7' : '6']])
      await customer.sendText(group, unique('before the shop is here'))
      await customer.groupMembers(group, 'add', [shop])
      const hello = unique('welcome, shop')
      await customer.sendText(group, hello)
      await shop.waitText(hello, { timeout: 25000 })
      await customer.groupMembers(group, 'remove', [shop])
      const secret = unique('without the shop')
      await customer.sendText(group, secret)
      await sleep(1000)
      assert.equal(shop.textsReceived().includes(secret), false)
    })
  })
}

describe('one person, one chat', () => {
  test('a contact that writes from its phone identity and from its LID has one chat', async () => {
    const person = await sim.addPhone({ phone: '6281200009001', pushName: 'Two Names', receipts: 'read' })
    const texts = series('whoever I am', 4)
    const addressing = ['pn', 'lid', 'pn', 'lid']
    for (const [i, text] of texts.entries()) await sim.phoneSend(person.phone, { to: shop.phone, text, addressing: addressing[i] })
    await receivedOnceInOrder(shop, texts)
    const chats = await shop.chatsWith(person)
    assert.equal(chats.length, 1)
    assert.equal(digits(chats[0].contactNumber), person.phone)
    await storedOnceInOrder(person, texts)
  })

  test('the other way round: first heard under its LID', async () => {
    const person = await sim.addPhone({ phone: '6281200009002', pushName: 'Lid First', receipts: 'read' })
    const texts = series('lid first', 2)
    await sim.phoneSend(person.phone, { to: shop.phone, text: texts[0], addressing: 'lid' })
    await shop.waitText(texts[0])
    await sim.phoneSend(person.phone, { to: shop.phone, text: texts[1], addressing: 'pn' })
    await receivedOnceInOrder(shop, texts)
    assert.equal((await shop.chatsWith(person)).length, 1)

    const answer = await shop.sendText(person, unique('to either name'))
    await shop.waitStatus(answer.id, 'READ')
    const saw = (await sim.phoneSaw(person.phone)).messages.filter(m => m.id === answer.id)
    assert.deepEqual(saw.map(m => m.kind), ['text'])
  })

  test('what the owner writes on another device is shown as from me, by no agent', async () => {
    const desktop = await Contact.open({ version: '7', simUrl: sim.url, pushName: 'Shop', phone: shop.phone })
    await people[6].restart() // it keeps device lists for five minutes and reads no notification about them; 7 does
    const text = unique('from the other device')
    await desktop.sendText(people[6], text)
    const { message } = await shop.waitText(text)
    assert.equal(message.isFromMe, true)
    assert.equal(message.sentBy ?? null, null)
    const { chatId } = await shop.waitText(text)
    assert.equal((await shop.chatWith(people[6])).id, chatId, 'in the chat with the receiver')

    for (const version of VERSIONS) {
      const both = unique('both devices hear me')
      await people[version].sendText(shop, both)
      await Promise.all([desktop.waitText(both), shop.waitText(both)])
    }
    const own = unique('and WaBox tells the other device')
    await shop.send(people[6], own)
    const copy = await desktop.waitText(own)
    assert.equal(copy.fromMe, true)
    await desktop.logout()
  })
})

describe('the network misbehaves', () => {
  const count = 8

  before(async () => {
    // Sessions stand before trouble begins: two sides that start one at the same moment make Baileys ask again.
    for (const version of VERSIONS) {
      const [hello, answer, thanks] = series(`before the trouble ${version}`, 3)
      await people[version].sendText(shop, hello)
      await shop.waitText(hello)
      await shop.send(people[version], answer)
      await people[version].waitText(answer)
      await people[version].sendText(shop, thanks)
      await shop.waitText(thanks)
    }
  })

  /** The messages of ours that this person asked for again; they come late. */
  async function askedAgain(person, after) {
    const stanzas = await sim.dump({ phone: person.phone, after, limit: 10000 })
    return new Set(stanzas.filter(s => s.dir === 'in' && s.node.tag === 'receipt' && s.node.attrs.type === 'retry').map(s => s.node.attrs.id))
  }

  /** `order`: does the fault leave the order of arrival alone? */
  const faults = [
    { name: 'duplicates', fault: { duplicate: 1 }, order: true },
    { name: 'delays', fault: { delayMs: [5, 120] }, order: true },
    { name: 'replays after a reconnect', fault: { replay: 6 }, order: true, reconnect: true },
    { name: 'lost acks', fault: { loseAck: 0.5 }, order: false },
    { name: 'reordering', fault: { reorder: 0.5 }, order: false },
    { name: 'drops until a reconnect', fault: { drop: 0.4 }, order: false, reconnect: true },
    { name: 'corrupted ciphertext', fault: { corrupt: 0.6 }, order: false },
    { name: 'messages that only the phone has', fault: { unavailable: 0.8 }, order: false }
  ]

  for (const { name, fault, order, reconnect } of faults) {
    for (const version of VERSIONS) {
      test(`${name}: exactly once both ways with Baileys ${version}`, async () => {
        const customer = people[version]
        const [questions, answers] = [series(`${name} in`, count), series(`${name} out`, count)]
        const unread = await unreadOf(customer)
        const [kind] = Object.keys(fault)
        const times = async () => (await sim.stats()).faults?.[kind] ?? 0
        const timesBefore = await times()
        const seqBefore = (await sim.dump({ limit: 10000 })).at(-1)?.seq ?? 0
        let sent
        await sim.setFault(shop.phone, fault)
        try {
          sent = (await Promise.all([sendAll(customer, shop, questions), sendAll(shop, customer, answers)]))[1]
          if (reconnect) {
            await sleep(500)
            await sim.clearFault(shop.phone)
            if (fault.replay) await sim.setFault(shop.phone, fault)
            const mark = admin.journal.mark()
            await sim.disconnect(shop.phone)
            await shop.status('RECONNECTING', { after: mark })
            await shop.connected({ after: mark, timeout: 30000 })
          }
          // Baileys 6 asks again for one message at a time and waits 5 s for its phone before each.
          for (const text of questions) await shop.waitText(text, { timeout: 60000 })
          for (const text of answers) await customer.waitText(text, { timeout: 60000 })
          await sleep(800)
        } finally {
          await sim.clearFault(shop.phone)
        }
        assert.ok(await times() > timesBefore, `the simulator did ${kind}`)
        exactly(shop.textsReceived(), questions, order)
        exactly(customer.textsReceived(), answers, false)
        if (order) {
          const again = await askedAgain(customer, seqBefore)
          const atOnce = answers.filter((_, i) => !again.has(sent[i].id))
          exactly(customer.textsReceived(), atOnce, true)
        }
        assert.equal(await unreadOf(customer), unread + count, 'counted once each')
      })
    }
  }

  function exactly(got, wanted, inOrder) {
    const relevant = got.filter(text => wanted.includes(text))
    assert.deepEqual(inOrder ? relevant : relevant.toSorted(), inOrder ? wanted : wanted.toSorted())
  }

  test('what is sent while the number is cut off is PENDING, and arrives once after it is back', async () => {
    const customer = people[7]
    const mark = admin.journal.mark()
    await sim.disconnect(shop.phone, { forMs: 2500 })
    await shop.status('RECONNECTING', { after: mark })
    const texts = series('from the outbox', 3)
    const sent = await sendAll(shop, customer, texts)
    assert.deepEqual(sent.map(s => s.status), ['PENDING', 'PENDING', 'PENDING'])
    await shop.connected({ after: mark, timeout: 30000 })
    await receivedOnceInOrder(customer, texts)
    for (const { id } of sent) await shop.waitStatus(id, 'DELIVERED')
  })

  test('a time-locked number is refused by strangers, in words, and answers who wrote', async () => {
    const [stranger, customer] = [await sim.addPhone({ pushName: 'Stranger' }), people[7]]
    await sim.setFault(shop.phone, { timeLock: true })
    try {
      const { id, messageId } = await shop.send(stranger.phone, unique('cold call'))
      await shop.wait('message:status', s => s.messageId === messageId && s.status === 'FAILED', { what: 'the refusal' })
      assert.match((await admin.call('GET', `/messages/${id}`)).data.error, /code 463/)
      const text = unique('an answer')
      await shop.send(customer, text)
      await customer.waitText(text)
      assert.deepEqual((await sim.phoneSaw(stranger.phone)).messages, [])
    } finally {
      await sim.clearFault(shop.phone)
    }
  })

  test('who takes messages only with its token is answered after it wrote, not before', async () => {
    const shy = await sim.addPhone({ pushName: 'Shy', restricted: true })
    const { messageId } = await shop.send(shy.phone, unique('unasked'))
    await shop.wait('message:status', s => s.messageId === messageId && s.status === 'FAILED', { what: 'the refusal' })
    const [question, answer] = [unique('a question'), unique('its answer')]
    await sim.phoneSend(shy.phone, { to: shop.phone, text: question })
    await shop.waitText(question)
    await shop.send(shy.phone, answer)
    await until(async () => (await sim.phoneSaw(shy.phone)).messages.some(m => m.text === answer), { what: 'the answer' })
    assert.equal((await sim.phoneSaw(shy.phone)).messages.filter(m => !m.fromMe).length, 1)
  })

  test('the same Idempotency-Key never sends twice, not even across kill -9', async () => {
    const customer = people[6]
    const texts = series('with a key', 6)
    const key = text => `key-${text}`
    for (const text of texts.slice(0, 3)) await shop.send(customer, text, { key: key(text) })
    const hurried = shop.send(customer, texts[3], { key: key(texts[3]) }).catch(() => null) // may or may not be accepted
    const mark = admin.journal.mark()
    await wabox.kill9()
    await hurried
    await wabox.startAgain()
    await admin.reconnect()
    for (const text of texts) await shop.send(customer, text, { key: key(text) })
    await shop.connected({ after: mark, timeout: 30000 })
    await receivedOnceInOrder(customer, texts)
    await storedOnceInOrder(customer, texts)
  })

  test('killed in the middle of a storm, nothing is lost, doubled or out of order', async () => {
    const texts = Object.fromEntries(VERSIONS.map(version => [version, series(`storm ${version}`, 20)]))
    const mark = admin.journal.mark()
    const storm = VERSIONS.map(version => sendAll(people[version], shop, texts[version]))
    await shop.waitText(texts[7][4])
    await wabox.kill9()
    await Promise.all(storm)
    await wabox.startAgain()
    await admin.reconnect()
    await shop.connected({ after: mark, timeout: 30000 })
    for (const version of VERSIONS) {
      await receivedOnceInOrder(shop, texts[version], { timeout: 30000 })
      await storedOnceInOrder(people[version], texts[version])
    }
  })

  test('event sequence numbers counted up by one over all of this', () => {
    const seqs = admin.seqs(shop.id)
    assert.ok(seqs.length > 0)
    const jumps = seqs.flatMap((seq, i) => (i && seq !== seqs[i - 1] + 1 ? [[seqs[i - 1], seq]] : []))
    assert.deepEqual(jumps, [])
  })
})
