// Unmodified Baileys against wabox-sim: each version alone, and each with the other.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { Agent } from 'node:https'
import { after, before, describe, test } from 'node:test'
import { Contact, VERSIONS, digits } from './lib/contact.mjs'
import { sleep, until } from './lib/journal.mjs'
import { receivedOnceInOrder, sendAll, series, unique } from './lib/say.mjs'
import { Sim } from './lib/sim.mjs'

const PAIRS = [['6', '6'], ['7', '7'], ['6', '7'], ['7', '6']]

let sim
const contacts = []

/** Opens a contact that is closed at the end of the file. */
async function open(options) {
  const contact = await Contact.open({ simUrl: sim.url, ...options })
  contacts.push(contact)
  return contact
}

before(async () => {
  sim = await Sim.start({ seed: 4 })
})

after(async () => {
  await Promise.all(contacts.map(contact => contact.close()))
  const [code] = await sim.stop()
  assert.equal(code, 0, 'wabox-sim ends cleanly on SIGTERM')
})

for (const version of VERSIONS) {
  describe(`Baileys ${version} alone`, () => {
    test('pairs by QR, restarts on 515 and opens under the account that scanned', async () => {
      const phone = `6281100000${version}1`
      const contact = await open({ version, pushName: `qr-${version}`, phone })
      assert.equal(contact.phone, phone)
      assert.ok(contact.lid && contact.lid !== phone, 'the LID is known and is another number')
      assert.equal(contact.journal.all('close').filter(c => c.code === 515).length, 1)
      const account = await sim.phone(phone)
      assert.deepEqual(account.devices.map(d => [d.id, d.connected]), [[1, true]])
      assert.equal(account.lid, contact.lid)
      assert.equal(contact.auth.creds.me.name, `qr-${version}`, 'the phone told its name through app state')
      await contact.close()
    })

    test('pairs over wss, too', async () => {
      const agent = new Agent({ rejectUnauthorized: false })
      const contact = await open({ version, simUrl: sim.secureUrl, pushName: `wss-${version}`, socket: { agent } })
      assert.ok(contact.phone)
      await contact.close()
    })

    test('pairs by code under the number that it asked with', async () => {
      const phone = `6281100000${version}2`
      const contact = await open({ version, pushName: `code-${version}`, phone, method: 'code' })
      assert.equal(contact.phone, phone)
      assert.match(contact.journal.all('code')[0].code, /^[1-9A-HJ-NP-TV-Z]{8}$/)
      await contact.close()
    })

    test('a QR text works once, and nonsense is refused', async () => {
      const contact = await Contact.create({ version, simUrl: sim.url, pushName: `twice-${version}`, method: 'by hand' })
      contacts.push(contact)
      const opened = contact.online()
      const { text } = await contact.journal.wait('qr')
      await assert.rejects(sim.scanQr('hello'), { status: 400 })
      await assert.rejects(sim.scanQr(text.replace(/[^#,]+,/, 'nobody,')), { status: 404 })
      await sim.scanQr(text, { pushName: `twice-${version}` })
      await assert.rejects(sim.scanQr(text), { status: 404 })
      await opened
      await contact.close()
    })

    test('a code that is shown to the phones stands among the pending ones until it is scanned', async () => {
      const contact = await Contact.create({ version, simUrl: sim.url, pushName: `shown-${version}`, method: 'by hand' })
      contacts.push(contact)
      const opened = contact.online()
      const { text } = await contact.journal.wait('qr')
      const pendingHere = async () => (await sim.call('GET', '/mock-phone/pending')).pending.filter(p => text.includes(p.ref))
      assert.deepEqual((await pendingHere()).map(p => p.qr), [undefined])
      await assert.rejects(sim.call('POST', '/mock-phone/show-qr', `x,y,z,${'A'.repeat(4000)}`), { status: 400 })
      await sim.call('POST', '/mock-phone/show-qr', text)
      const [shown] = await pendingHere()
      await sim.scanQr(shown.qr, { pushName: `shown-${version}` })
      assert.deepEqual(await pendingHere(), [])
      await opened
      await contact.close()
    })

    test('an unlinked device is told so and cannot come back', async () => {
      const contact = await open({ version, pushName: `unlink-${version}` })
      const mark = contact.journal.mark()
      await sim.unlink(contact.phone)
      const why = await contact.journal.wait('close', undefined, { after: mark })
      assert.equal(why.code, 401)
      await assert.rejects(contact.online(), /refused with 401/)
      assert.deepEqual((await sim.phone(contact.phone)).devices, [])
    })

    test('a second connection of the same device replaces the first', async () => {
      const contact = await open({ version, pushName: `replaced-${version}` })
      contact.auth.save()
      const twin = await open({ version, pushName: `replaced-${version}`, authDir: contact.authDir })
      const why = await contact.journal.wait('close', c => c.code === 440)
      assert.equal(why.code, 440)
      assert.equal(twin.phone, contact.phone)
      await twin.close()
    })

    test('failures carry their reason', async () => {
      const contact = await Contact.create({ version, simUrl: sim.url, pushName: `fail-${version}` })
      await sim.setFailure(undefined, { reason: 405, times: 1 })
      await assert.rejects(contact.online(), /refused with 405/)
      await sim.clearFailure()
    })

    test('a stream error closes with its code, and the client comes back', async () => {
      const contact = await open({ version, pushName: `stream-${version}` })
      for (const code of [503, 515]) {
        const mark = contact.journal.mark()
        await sim.streamError(contact.phone, { code })
        const why = await contact.journal.wait('close', undefined, { after: mark })
        assert.equal(why.code, code)
        await contact.journal.wait('open', undefined, { after: mark })
      }
      await contact.close()
    })

    test('two devices of one account see the same chat', async () => {
      const first = await open({ version, pushName: `twins-${version}` })
      const second = await open({ version: version === '6' ? '7' : '6', pushName: `twins-${version}` })
      assert.equal(first.phone, second.phone)
      assert.deepEqual((await sim.phone(first.phone)).devices.map(d => d.id), [1, 2])
      const peer = await open({ version, pushName: `twins-peer-${version}` })
      const [question, answer] = [unique('to both'), unique('from the first')]
      await peer.sendText(first, question)
      await Promise.all([first.waitText(question), second.waitText(question)])
      await first.sendText(peer, answer)
      await peer.waitText(answer)
      const copy = await second.waitText(answer)
      assert.equal(copy.fromMe, true)
      assert.ok(peer.is(copy.chat), 'the copy stands in the chat with the receiver')
      await Promise.all([first, second, peer].map(c => c.close()))
    })
  })
}

describe('two contacts', () => {
  const people = {}

  before(async () => {
    const names = ['a6', 'b6', 'a7', 'b7']
    const opened = await Promise.all(names.map(name => open({ version: name[1], pushName: name })))
    names.forEach((name, i) => (people[name] = opened[i]))
  })

  for (const [left, right] of PAIRS) {
    describe(`Baileys ${left} and ${right}`, () => {
      let a, b

      before(() => {
        a = people[`a${left}`]
        b = people[`b${right}`]
      })

      test('texts both ways arrive once and in order, under name and number of the sender', async () => {
        const [there, back] = [series('there', 6), series('back', 6)]
        await sendAll(a, b, there.slice(0, 1))
        const first = await b.waitText(there[0])
        assert.ok(a.is(first.sender), `${first.sender} is ${a.phone}`)
        assert.equal(first.pushName, a.pushName)
        assert.equal(first.fromMe, false)
        await Promise.all([sendAll(a, b, there.slice(1)), sendAll(b, a, back)])
        await receivedOnceInOrder(b, there)
        await receivedOnceInOrder(a, back)
      })

      test('delivered and read receipts come back', async () => {
        const sent = await a.sendText(b, unique('read me'))
        await a.waitStatus(sent.id, 'DELIVERED')
        const received = await b.waitMessage(m => m.id === sent.id)
        assert.equal(a.journal.all('status', s => s.id === sent.id && s.status === 'READ').length, 0)
        await b.markRead(received)
        await a.waitStatus(sent.id, 'READ')
      })

      test('reply, reaction, edit and revoke name the message they mean', async () => {
        const text = unique('the original')
        const sent = await a.sendText(b, text)
        const received = await b.waitText(text)

        await b.reply(a, unique('the reply'), received)
        const reply = await a.waitMessage(m => m.quotedId === sent.id)
        assert.equal(reply.quotedText, text)

        await b.react(a, received, '👍')
        const reaction = await a.waitMessage(m => m.kind === 'reaction' && m.targetId === sent.id)
        assert.equal(reaction.emoji, '👍')

        const edited = unique('edited')
        await a.edit(b, sent, edited)
        const edit = await b.waitMessage(m => m.kind === 'edit' && m.targetId === sent.id)
        assert.equal(edit.text, edited)

        await a.revoke(b, sent)
        await b.waitMessage(m => m.kind === 'revoke' && m.targetId === sent.id)
      })

      test('typing is seen', async () => {
        await b.subscribe(a)
        const mark = b.journal.mark()
        await a.typing(b)
        await b.journal.wait('presence', p => a.is(p.user) && p.state === 'composing', { after: mark })
        await a.typing(b, 'paused')
        await b.journal.wait('presence', p => a.is(p.user) && p.state !== 'composing', { after: mark, what: 'the end of typing' })
      })

      test('an image goes up, and comes down the same', async () => {
        const image = randomBytes(60_000)
        const caption = unique('a picture')
        await a.sendImage(b, image, caption)
        const received = await b.waitMessage(m => m.kind === 'image' && m.text === caption)
        const bytes = await b.download(received)
        assert.ok(image.equals(bytes), 'the same bytes after decryption')
      })

      test('what is sent to an offline device waits, is not called delivered, and comes in order', async () => {
        await b.offline()
        await until(async () => (await sim.phone(b.phone)).devices.every(d => !d.connected), { what: 'the device to be offline' })
        const texts = series('while you were away', 5)
        const sent = await sendAll(a, b, texts)
        await until(async () => (await sim.phone(b.phone)).devices[0].queued >= texts.length, { what: 'the queue to hold them' })
        await sleep(300)
        for (const { id } of sent) {
          const early = a.journal.all('status', s => s.id === id && ['DELIVERED', 'READ'].includes(s.status))
          assert.deepEqual(early, [], 'nobody received it yet')
        }
        await b.online()
        await receivedOnceInOrder(b, texts)
        for (const { id } of sent) await a.waitStatus(id, 'DELIVERED')
        await until(async () => (await sim.phone(b.phone)).devices[0].queued === 0, { what: 'the queue to be empty' })
      })

      test('sessions survive a restart of either side', async () => {
        await a.restart()
        const [one, two, three] = series('after restarts', 3)
        await a.sendText(b, one)
        await receivedOnceInOrder(b, [one])
        await b.restart()
        await a.sendText(b, two)
        await receivedOnceInOrder(b, [two])
        await b.sendText(a, three)
        await receivedOnceInOrder(a, [three])
      })
    })
  }

  for (const addressing of ['pn', 'lid']) {
    for (const [left, right] of PAIRS) {
      test(`a ${addressing} group made by Baileys ${left} with both others in it`, async () => {
        const [a, b] = [people[`a${left}`], people[`b${right}`]]
        const [c, d] = Object.values(people).filter(p => p !== a && p !== b)
        await sim.settings({ groupAddressing: addressing })
        const subject = unique(`group ${addressing}`)
        const known = [b, c].map(p => p.journal.wait('group', g => g.subject === subject, { what: 'the group' }))
        const group = await a.createGroup(subject, [b, c])
        await Promise.all(known)
        await sim.settings({ groupAddressing: 'pn' })
        assert.equal((await a.groupInfo(group)).participants.length, 3)

        const members = [a, b, c]
        for (const speaker of [a, a, b, c, a]) {
          const text = unique(`${speaker.pushName} speaks`)
          await speaker.sendText(group, text)
          for (const listener of members.filter(m => m !== speaker)) {
            const heard = await listener.waitText(text, { timeout: 25000 })
            assert.equal(heard.chat, group.jid)
            assert.ok(speaker.is(heard.sender) || speaker.is(heard.raw.key.participantAlt ?? heard.raw.key.participantPn), heard.sender)
          }
        }

        const added = d.journal.wait('group', g => g.jid === group.jid, { what: 'the group, as the one who was added' })
        const [result] = await a.groupMembers(group, 'add', [d])
        assert.equal(result.status, '200')
        await added
        const welcome = unique('welcome')
        await a.sendText(group, welcome)
        await Promise.all([b, c, d].map(p => p.waitText(welcome, { timeout: 25000 })))

        const [removal] = await a.groupMembers(group, 'remove', [c])
        assert.equal(removal.status, '200')
        const secret = unique('without you')
        await a.sendText(group, secret)
        await Promise.all([b, d].map(p => p.waitText(secret, { timeout: 25000 })))
        await sleep(800)
        assert.equal(c.textsReceived().includes(secret), false, 'who was removed hears nothing')
        for (const p of [b, d]) assert.equal(p.textsReceived().filter(t => t === secret).length, 1)
      })
    }
  }

  test('group messages are delivered and read member by member', async () => {
    const { a6, a7, b7 } = people
    const subject = unique('receipts')
    const known = [a6, b7].map(p => p.journal.wait('group', g => g.subject === subject))
    const group = await a7.createGroup(subject, [a6, b7])
    await Promise.all(known)
    const sent = await a7.sendText(group, unique('who reads this'))
    const [atSix, atSeven] = await Promise.all([a6, b7].map(p => p.waitMessage(m => m.id === sent.id)))
    await a7.waitStatus(sent.id, 'DELIVERED', { by: a6 })
    await a7.waitStatus(sent.id, 'DELIVERED', { by: b7 })
    await a6.markRead(atSix)
    await a7.waitStatus(sent.id, 'READ', { by: a6 })
    assert.equal(a7.journal.all('receipt', r => r.id === sent.id && r.read && b7.is(r.user)).length, 0)
    await b7.markRead(atSeven)
    await a7.waitStatus(sent.id, 'READ', { by: b7 })
  })

  test('a scripted contact talks, reacts, edits, revokes, reads and types', async () => {
    const bot = await sim.addPhone({ phone: '6281100009001', pushName: 'Busy Customer', receipts: 'delivery' })
    for (const contact of [people.a6, people.a7]) {
      const text = unique('from the script')
      const id = await sim.phoneSend(bot.phone, { to: contact.phone, text })
      const received = await contact.waitText(text)
      assert.equal(received.pushName, 'Busy Customer')
      assert.ok([bot.phone, bot.lid].includes(digits(received.sender)))
      await sim.phoneSend(bot.phone, { to: contact.phone, reaction: { id, from: bot.phone, emoji: '🙏' } })
      await contact.waitMessage(m => m.kind === 'reaction' && m.targetId === id && m.emoji === '🙏')
      await sim.phoneSend(bot.phone, { to: contact.phone, edit: { id, text: 'better' } })
      await contact.waitMessage(m => m.kind === 'edit' && m.targetId === id && m.text === 'better')
      await sim.phoneSend(bot.phone, { to: contact.phone, revoke: { id } })
      await contact.waitMessage(m => m.kind === 'revoke' && m.targetId === id)

      const sent = await contact.reply(bot.phone, unique('answer'), received)
      await contact.waitStatus(sent.id, 'DELIVERED')
      const saw = await until(async () => (await sim.phoneSaw(bot.phone)).messages.find(m => m.id === sent.id), { what: 'the answer' })
      assert.equal(saw.kind, 'text')
      assert.equal(saw.quotedId, id)
      await sim.phoneRead(bot.phone, { chat: contact.phone, ids: [sent.id] })
      await contact.waitStatus(sent.id, 'READ')

      await contact.subscribe(bot.phone)
      await sim.phonePresence(bot.phone, { chat: contact.phone, state: 'composing' })
      const says = state => contact.journal.wait('presence', p => [bot.phone, bot.lid].includes(digits(p.user)) && p.state === state, { what: state })
      await says('composing')
      await sim.phonePresence(bot.phone, { state: 'available' })
      await says('available')
      const mark = contact.journal.mark()
      await sim.phonePresence(bot.phone, { state: 'unavailable' })
      await contact.journal.wait('presence', p => [bot.phone, bot.lid].includes(digits(p.user)) && p.state === 'unavailable', { after: mark })
    }
  })

  test('an echo bot echoes once', async () => {
    const echo = await sim.addPhone({ phone: '6281100009002', pushName: 'Echo', echo: true, receipts: 'read' })
    const texts = series('echo', 3)
    for (const text of texts) {
      const sent = await people.a7.sendText(echo.phone, text)
      await people.a7.waitMessage(m => !m.fromMe && m.text === text)
      await people.a7.waitStatus(sent.id, 'READ')
    }
    await receivedOnceInOrder(people.a7, texts)
  })

  test('key bundles without one-time prekeys are enough to talk', async () => {
    const fresh = await open({ version: '7', pushName: 'no-prekeys' })
    await sim.setFault(fresh.phone, { prekeysExhausted: true })
    const text = unique('without a one-time prekey')
    await people.a6.sendText(fresh, text)
    await fresh.waitText(text)
    await sim.clearFault(fresh.phone)
  })

  test('a corrupted message heals by a retry receipt', async () => {
    const { a7, b6 } = people
    await sim.setFault(b6.phone, { corrupt: 1 })
    const text = unique('heal me')
    await a7.sendText(b6, text)
    await receivedOnceInOrder(b6, [text], { timeout: 30000 })
    await sim.clearFault(b6.phone)
    assert.ok((await sim.stats()).retries > 0, 'a retry receipt went by')
  })
})

describe('groups whose admins decide who joins', () => {
  for (const [admin, stranger] of [['6', '7'], ['7', '6']]) {
    test(`an admin with Baileys ${admin} lets in and turns away who comes with Baileys ${stranger}`, async () => {
      const owner = await open({ version: admin, pushName: `owner-${admin}` })
      const guest = await open({ version: stranger, pushName: `guest-${stranger}` })
      const asked = async after => new Promise(resolve => {
        const timer = setInterval(async () => (await owner.sock.groupRequestParticipantsList(after)).length && (clearInterval(timer), resolve()), 50)
      })
      const group = await owner.createGroup(unique('by approval'), [])
      await owner.sock.groupJoinApprovalMode(group.jid, 'on')
      const code = await owner.sock.groupInviteCode(group.jid)
      const requests = []
      owner.sock.ev.on('group.join-request', r => requests.push(r))

      for (const verdict of ['reject', 'approve']) {
        await guest.sock.groupAcceptInvite(code)
        await asked(group.jid)
        const [waiting] = await owner.sock.groupRequestParticipantsList(group.jid)
        assert.ok(guest.is(waiting.jid), `${waiting.jid} is the guest`)
        assert.equal((await owner.groupInfo(group)).participants.length, 1)
        const answer = await owner.sock.groupRequestParticipantsUpdate(group.jid, [waiting.jid], verdict)
        assert.deepEqual(answer.map(a => a.status), ['200'])
        assert.deepEqual(await owner.sock.groupRequestParticipantsList(group.jid), [])
        assert.equal((await owner.groupInfo(group)).participants.length, verdict === 'approve' ? 2 : 1)
      }
      await until(() => requests.filter(r => r.action === 'created').length === 2, { what: 'the requests to be announced' })
      const [again] = await owner.sock.groupRequestParticipantsUpdate(group.jid, [guest.jid], 'approve')
      assert.equal(again.status, '404', 'nobody waits any more')
      const text = unique('welcome')
      await owner.sendText(group, text)
      await guest.waitText(text)
    })
  }
})

test('what only the phone has is asked of the phone', async () => {
  const contact = await open({ version: '7', pushName: 'asks its phone' })
  const bot = await sim.addPhone({ pushName: 'Sender' })
  await sim.setFault(contact.phone, { unavailable: 1 })
  const text = unique('from the phone')
  const id = await sim.phoneSend(bot.phone, { to: contact.phone, text })
  const received = await contact.waitText(text)
  assert.equal(received.id, id)
  assert.ok((await sim.stats()).faults.unavailable > 0)
})

test('a time-locked account starts no chat, and answers', async () => {
  for (const version of VERSIONS) {
    const contact = await open({ version, pushName: `locked-${version}` })
    const [stranger, friend] = [await sim.addPhone({ pushName: 'Stranger' }), await sim.addPhone({ pushName: 'Friend' })]
    const hello = unique('hello')
    await sim.phoneSend(friend.phone, { to: contact.phone, text: hello })
    await contact.waitText(hello)
    await sim.setFault(contact.phone, { timeLock: true })
    const [refused, answered] = [unique('to a stranger'), unique('to a friend')]
    const { id } = await contact.sendText(stranger.phone, refused)
    await contact.journal.wait('status', s => s.id === id && s.status === 'ERROR', { what: 'the refusal' })
    await contact.sendText(friend.phone, answered)
    await until(async () => (await sim.phoneSaw(friend.phone)).messages.some(m => m.text === answered), { what: 'the answer' })
    assert.deepEqual((await sim.phoneSaw(stranger.phone)).messages, [])
  }
})

describe('the network itself', () => {
  test('one port answers http and https', async () => {
    for (const scheme of ['http', 'https']) {
      const answer = await fetch(`${scheme}://127.0.0.1:${sim.port}/admin/settings`)
      assert.equal((await answer.json()).ok, true)
    }
  })

  test('the same seed and the same calls make the same keys, numbers and ids', async () => {
    const story = async seed => {
      const network = await Sim.start({ seed })
      try {
        const people = [await network.addPhone({ pushName: 'One' }), await network.addPhone({ pushName: 'Two' })]
        const ids = [await network.phoneSend(people[0].phone, { to: people[1].phone, text: 'hello' })]
        const group = await network.addGroup({ subject: 'both', owner: people[0].phone, members: [people[1].phone] })
        ids.push(await network.phoneSend(people[0].phone, { to: group.jid, text: 'hello all' }))
        const { root } = await network.call('GET', '/trust')
        return { root, phones: people.map(p => [p.phone, p.lid]), ids, group: group.jid }
      } finally {
        await network.stop()
      }
    }
    const [one, again, other] = await Promise.all([story(31), story(31), story(32)])
    assert.deepEqual(one, again)
    assert.notEqual(one.root, other.root)
    assert.notDeepEqual(one.ids, other.ids)
  })

  test('the first frame waits as long as the settings say', async () => {
    const wait = async settleMs => {
      await sim.settings({ settleMs })
      const contact = await Contact.create({ version: '7', simUrl: sim.url, pushName: 'patient', method: 'none' })
      contacts.push(contact)
      const start = Date.now()
      contact.online().catch(() => {})
      await contact.journal.wait('qr')
      await contact.close()
      return Date.now() - start
    }
    try {
      const slow = await wait(900)
      assert.ok(slow >= 900, `${slow} ms`)
      const quick = await wait(0)
      assert.ok(quick < 900, `${quick} ms`)
    } finally {
      await sim.settings({ settleMs: 100 })
    }
  })

  test('what a call does not understand is refused in words, not ignored', async () => {
    const phone = await sim.addPhone({})
    const calls = [
      ['PATCH', '/settings', { groupAddressing: 'both' }], ['PATCH', '/settings', { certificateFlaw: 'none at all' }],
      ['PUT', '/fault', { drop: 2 }], ['PUT', `/phone/${phone.phone}/fault`, { drpo: 0.5 }], ['PUT', '/fault', { corrupt: 'often' }],
      ['POST', '/phones', { receipts: 'seen' }], ['POST', '/groups', { subject: 'x', owner: phone.phone, addressing: 'none' }]
    ]
    for (const [method, path, body] of calls)
      await assert.rejects(sim.call(method, path, body), { status: 400 }, `${method} ${path} ${JSON.stringify(body)}`)
  })
})

test('first frames are never lost in a race of connects', { skip: !process.env.RACE && 'set RACE=<number of connects>' }, async () => {
  const count = Number(process.env.RACE)
  for (const version of VERSIONS) {
    let missed = 0
    for (let done = 0; done < count; done += 4) {
      const batch = await Promise.all(Array.from({ length: 4 }, (_, i) => Contact.create({ version, simUrl: sim.url, pushName: `race-${version}-${done + i}`, method: 'none' })))
      for (const contact of batch) contact.online().catch(() => {})
      const got = await Promise.allSettled(batch.map(contact => contact.journal.wait('qr', undefined, { timeout: 4000 })))
      missed += got.filter(g => g.status === 'rejected').length
      await Promise.all(batch.map(contact => contact.close()))
    }
    assert.equal(missed, 0, `Baileys ${version}: ${missed} of ${count} connects saw no QR`)
  }
})
