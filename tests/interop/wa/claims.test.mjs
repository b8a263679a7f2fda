// What a sender claims inside an encrypted message is checked: hostile contacts forge what the network cannot read. Also what comes before its
// message, sealed edits, votes, broadcast lists, and messages of companies. Contacts are unmodified Baileys; forged protocol messages go out
// through its relayMessage.
import assert from 'node:assert/strict'
import { createCipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { Contact, VERSIONS } from './lib/contact.mjs'
import { sleep, until } from './lib/journal.mjs'
import { unique } from './lib/say.mjs'
import { Sim } from './lib/sim.mjs'
import { Wabox } from './lib/wabox.mjs'

// Both versions share one protobuf root; that of the newer one, loaded last, knows every field that is forged here.
await import('baileys6')
const { proto } = await import('baileys7')

let sim, wabox, admin, shop

before(async () => {
  sim = await Sim.start({ seed: 12 })
  wabox = await Wabox.start({ whatsapp: sim.url })
  admin = await wabox.admin()
  await admin.connect()
  shop = await admin.addNumber('Shop', '6281200000001')
  await shop.link(sim)
})

after(async () => {
  if (process.env.CLAIMS_LOG) process.stderr.write(String(wabox?.log))
  admin?.close()
  if (wabox) assert.deepEqual(await wabox.stop(), [0, null], 'waboxd ends cleanly on SIGTERM')
  await sim?.stop()
})

const metric = async name => {
  const text = await (await fetch(`${wabox.base}/metrics`)).text()
  return Number(text.split('\n').find(line => line.startsWith(name))?.split(' ').at(-1) ?? 0)
}
const refused = () => metric('wabox_changes_total{result="refused"}')
const newId = () => `3EB0${randomBytes(9).toString('hex').toUpperCase()}`

/** Relays a Message protobuf as it is; resolves to its id. */
async function forge(contact, to, message, { id = newId(), attributes = {} } = {}) {
  await contact.sock.relayMessage(to, message, { messageId: id, additionalAttributes: attributes })
  return id
}

const revokeOf = key => ({ protocolMessage: { type: 0, key } })
const editOf = (key, text) => ({ protocolMessage: { type: 14, key, editedMessage: { conversation: text }, timestampMs: Date.now() } })

/** Waits until the server has counted one more refusal, then gives the row. */
async function rowAfterRefusal(before, chatId, id, isFromMe) {
  await until(async () => (await refused()) > before, { what: 'a refused change' })
  return (await shop.messages(chatId)).find(m => m.messageId === id && m.isFromMe === isFromMe)
}

/** An edit as newer phones seal it. */
function sealedEdit({ secret, id, author, editor, key, text, use = 'Message Edit', type = 2, message, bytes }) {
  const derived = Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), Buffer.concat([Buffer.from(id), Buffer.from(author), Buffer.from(editor), Buffer.from(use)]), 32))
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', derived, iv)
  const plain = bytes ?? message
  const encPayload = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  return { secretEncryptedMessage: { targetMessageKey: key, encPayload, encIv: iv, secretEncType: type } }
}

for (const version of VERSIONS) {
  describe(`Baileys ${version}: groups`, () => {
    let owner, member, group, chatId

    before(async () => {
      owner = await Contact.open({ version, simUrl: sim.url, pushName: `Owner ${version}` })
      member = await Contact.open({ version, simUrl: sim.url, pushName: `Member ${version}` })
      group = await owner.createGroup(`Claims ${version}`, [member, shop])
      const hello = unique('hello group')
      await owner.sendText(group, hello)
      chatId = (await shop.waitText(hello)).chatId
    })
    after(() => Promise.all([owner?.close(), member?.close()]))

    const fromShop = async text => {
      await shop.send({ jid: group.jid }, text)
      const { message } = await shop.waitText(text)
      await member.waitText(text)
      return message.messageId
    }

    test('a member cannot delete what the business said, in any form', async () => {
      const text = unique('the price is 100')
      const id = await fromShop(text)
      for (const attributes of [{ edit: '7' }, { edit: '8' }, {}]) {
        const count = await refused()
        await forge(member, group.jid, revokeOf({ remoteJid: group.jid, fromMe: false, id, participant: shop.jid }), { attributes })
        const row = await rowAfterRefusal(count, chatId, id, true)
        assert.equal(row.content, text)
        assert.equal(row.revokedAt ?? null, null)
      }
    })

    test('a member cannot delete or edit what another member said', async () => {
      const text = unique('I said this')
      const sent = await owner.sendText(group, text)
      await shop.waitText(text)
      const key = { remoteJid: group.jid, fromMe: false, id: sent.id, participant: owner.jid }
      let count = await refused()
      await forge(member, group.jid, revokeOf(key), { attributes: { edit: '8' } })
      assert.equal((await rowAfterRefusal(count, chatId, sent.id, false)).content, text)
      for (const claim of [key, { ...key, fromMe: true, participant: undefined }]) {
        count = await refused()
        await forge(member, group.jid, editOf(claim, 'I never said this'), { attributes: { edit: '1' } })
        assert.equal((await rowAfterRefusal(count, chatId, sent.id, false)).content, text)
      }
    })

    test('an administrator deletes what a member said, and the audit keeps it', async () => {
      const text = unique('rude words')
      const sent = await member.sendText(group, text)
      await shop.waitText(text)
      await owner.waitText(text)
      const key = { remoteJid: group.jid, fromMe: false, id: sent.id, participant: member.jid }
      await owner.send(group, { delete: key })
      await shop.wait('message:updated', d => d.message.messageId === sent.id && d.message.revokedAt)
      assert.equal(JSON.stringify(await shop.messages(chatId)).includes(text), false)
      const { data } = await admin.call('GET', '/audit?action=message.deleted')
      assert.equal(data.find(row => row.details?.content === text)?.whatsappNumberId, shop.id)
    })

    test('its author deletes it, and a policy keeps it out of the audit', async () => {
      await admin.call('PUT', `/whatsapp/${shop.id}`, { policies: { keepDeleted: false } })
      const text = unique('a slip')
      const sent = await member.sendText(group, text)
      await shop.waitText(text)
      await member.revoke(group, sent)
      await shop.wait('message:updated', d => d.message.messageId === sent.id && d.message.revokedAt)
      const { data } = await admin.call('GET', '/audit?action=message.deleted')
      assert.equal(JSON.stringify(data).includes(text), false)
      await admin.call('PUT', `/whatsapp/${shop.id}`, { policies: { keepDeleted: true } })
    })

    test('an id that another person uses again moves neither ticks nor texts', async () => {
      const text = unique('mine is first')
      const id = await fromShop(text)
      await forge(member, group.jid, { conversation: 'the same id' }, { id })
      await shop.waitMessage(m => m.messageId === id && !m.isFromMe)
      await forge(member, group.jid, editOf({ remoteJid: group.jid, fromMe: true, id }, 'edited by its author'), { attributes: { edit: '1' } })
      await shop.wait('message:updated', d => d.message.messageId === id && d.message.content === 'edited by its author')
      const rows = (await shop.messages(chatId)).filter(m => m.messageId === id)
      assert.equal(rows.length, 2)
      assert.equal(rows.find(m => m.isFromMe).content, text)
      const received = await owner.waitMessage(m => m.id === id && m.text === text)
      await owner.markRead(received)
      await member.markRead(await member.waitMessage(m => m.id === id && m.text === text))
      await shop.waitStatus(id, 'READ')
    })

    test('ticks count those who were in the group when the message was sent', async () => {
      const late = await Contact.open({ version, simUrl: sim.url, pushName: `Late ${version}` })
      const text = unique('before you came')
      const id = await fromShop(text)
      await shop.waitStatus(id, 'DELIVERED')
      await owner.groupMembers(group, 'add', [late])
      await until(async () => sim && (await owner.groupInfo(group)).participants.length === 4, { what: 'four members' })
      await sleep(300)
      await owner.markRead(await owner.waitMessage(m => m.id === id))
      await member.markRead(await member.waitMessage(m => m.id === id))
      await shop.waitStatus(id, 'READ', { timeout: 10000 })
      await late.close()
    })
  })

  describe(`Baileys ${version}: direct chats`, () => {
    let customer, chatId

    before(async () => {
      customer = await Contact.open({ version, simUrl: sim.url, pushName: `Customer ${version}` })
      const hello = unique('hello shop')
      await customer.sendText(shop, hello)
      chatId = (await shop.waitText(hello)).chatId
    })
    after(() => {
      if (process.env.CLAIMS_LOG) process.stderr.write(customer.problems.join('\n'))
      return customer?.close()
    })

    test('a customer cannot delete or edit what the business said', async () => {
      const text = unique('we promise nothing')
      const { id } = await shop.sendText(customer, text)
      await customer.waitText(text)
      for (const key of [{ remoteJid: shop.jid, fromMe: false, id }, { remoteJid: shop.jid, fromMe: true, id }]) {
        for (const message of [revokeOf(key), editOf(key, 'we promise everything')]) {
          const count = await refused()
          await forge(customer, shop.jid, message, { attributes: { edit: '7' } })
          assert.equal((await rowAfterRefusal(count, chatId, id, true)).content, text)
        }
      }
    })

    test('a quote shows what was said, not what the sender says was said', async () => {
      const text = unique('ten percent')
      const { id } = await shop.sendText(customer, text)
      const reply = unique('then I take it')
      await forge(customer, shop.jid, { extendedTextMessage: { text: reply, contextInfo: { stanzaId: id, participant: shop.jid, quotedMessage: { conversation: 'ninety percent' } } } })
      assert.equal((await shop.waitText(reply)).message.quotedContent, text)
    })

    test('several edits within a second: the last that arrived stays', async () => {
      const sent = await customer.sendText(shop, unique('first'))
      await shop.waitMessage(m => m.messageId === sent.id)
      const texts = ['second', 'third', 'fourth'].map(unique)
      for (const text of texts) await customer.edit(shop, sent, text)
      await shop.wait('message:updated', d => d.message.messageId === sent.id && d.message.content === texts[2])
      assert.equal((await shop.message(chatId, sent.id)).content, texts[2])
    })

    test('an edit, a reaction and a deletion that come before their message wait for it', async () => {
      const id = newId(), gone = newId()
      const text = unique('edited before it came')
      const kept = await metric('wabox_changes_total{result="kept"}')
      await forge(customer, shop.jid, editOf({ remoteJid: shop.jid, fromMe: true, id }, text), { attributes: { edit: '1' } })
      await forge(customer, shop.jid, { reactionMessage: { key: { remoteJid: shop.jid, fromMe: true, id }, text: '👍', senderTimestampMs: Date.now() } })
      await forge(customer, shop.jid, revokeOf({ remoteJid: shop.jid, fromMe: true, id: gone }), { attributes: { edit: '7' } })
      await until(async () => (await metric('wabox_changes_total{result="kept"}')) === kept + 3, { what: 'three that wait' })
      await wabox.restart()
      await admin.reconnect()
      await shop.connected()
      await forge(customer, shop.jid, { conversation: 'before the edit' }, { id })
      await forge(customer, shop.jid, { conversation: 'before the deletion' }, { id: gone })
      const row = await until(async () => (await shop.message(chatId, gone))?.revokedAt && shop.message(chatId, id), { what: 'both rows' })
      assert.equal(row.content, text)
      assert.deepEqual(row.reactions.map(r => r.emoji), ['👍'])
    })

    test('a sealed edit is opened, by LID or phone names, also when it comes first', { skip: version === '6' && 'Baileys 6 cannot write the field' }, async () => {
      for (const [names, isEarly] of [['phone', false], ['lid', false], ['phone', true]]) {
        const id = newId(), secret = randomBytes(32), text = unique(`sealed by ${names}`)
        const who = names === 'phone' ? customer.jid : `${customer.lid}@lid`
        const key = { remoteJid: shop.jid, fromMe: true, id }
        const bytes = proto.Message.encode({ protocolMessage: { type: 14, key, editedMessage: { conversation: text }, timestampMs: Date.now() } }).finish()
        const original = () => forge(customer, shop.jid, { conversation: unique('to be edited'), messageContextInfo: { messageSecret: secret } }, { id })
        const edit = () => forge(customer, shop.jid, sealedEdit({ secret, id, author: who, editor: who, key, bytes }), { attributes: { edit: '1' } })
        for (const step of isEarly ? [edit, original] : [original, edit]) await step()
        await shop.wait('message:updated', d => d.message.messageId === id && d.message.content === text)
      }
    })

    test('votes are counted, and those that the poll does not allow are not', async () => {
      const id = newId(), secret = randomBytes(32), question = unique('Lunch?')
      const options = ['Soto', 'Rendang', 'Gado-gado']
      await forge(customer, shop.jid, { messageContextInfo: { messageSecret: secret }, pollCreationMessage: { name: question, options: options.map(optionName => ({ optionName })), selectableOptionsCount: 1 } }, { id })
      const { message } = await shop.waitMessage(m => m.messageId === id)
      assert.equal(message.type, 'POLL')
      assert.deepEqual(message.poll.options.map(o => o.text), options)
      const vote = chosen => {
        const who = customer.jid
        const derived = Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), Buffer.concat([Buffer.from(id), Buffer.from(who), Buffer.from(who), Buffer.from('Poll Vote')]), 32))
        const iv = randomBytes(12)
        const cipher = createCipheriv('aes-256-gcm', derived, iv)
        cipher.setAAD(Buffer.concat([Buffer.from(id), Buffer.from([0]), Buffer.from(who)]))
        const plain = proto.Message.PollVoteMessage.encode({ selectedOptions: chosen.map(o => createHash('sha256').update(o).digest()) }).finish()
        const encPayload = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
        return forge(customer, shop.jid, { pollUpdateMessage: { pollCreationMessageKey: { remoteJid: shop.jid, fromMe: true, id }, vote: { encPayload, encIv: iv }, senderTimestampMs: Date.now() } })
      }
      await vote(['Rendang'])
      const { message: voted } = await shop.wait('message:updated', d => d.message.messageId === id && d.message.poll.options[1].votes === 1)
      assert.ok(customer.is(voted.poll.options[1].voters[0].jid))
      const count = await refused()
      await vote(['Soto', 'Rendang'])
      await until(async () => (await refused()) > count, { what: 'a refused vote' })
      await vote([])
      await shop.wait('message:updated', d => d.message.messageId === id && d.message.poll.options.every(o => o.votes === 0), { what: 'the vote taken back' })
    })

    test('a chat that is answered on the phone is read, and a mark of the phone is seen', async () => {
      await customer.sendText(shop, unique('are you there?'))
      await until(async () => (await shop.chatWith(customer)).unreadCount > 0, { what: 'unread' })
      await sim.phoneSend(shop.phone, { to: customer.phone, text: unique('yes, on the phone') })
      await until(async () => (await shop.chatWith(customer)).unreadCount === 0, { what: 'read by the answer' })
      assert.equal((await shop.chatWith(customer)).isMarkedUnread, false)
    })

    test('answers in a disappearing chat carry its timer', async () => {
      await forge(customer, shop.jid, { protocolMessage: { type: 3, ephemeralExpiration: 86400 } })
      await until(async () => (await shop.chatWith(customer)).ephemeralSeconds === 86400, { what: 'the timer' })
      const text = unique('this one disappears')
      await shop.send(customer, text)
      const received = await customer.waitText(text)
      assert.equal(received.raw.message.extendedTextMessage.contextInfo.expiration, 86400)
      await forge(customer, shop.jid, { protocolMessage: { type: 3, ephemeralExpiration: 12345 } })
      await forge(customer, shop.jid, { protocolMessage: { type: 3, ephemeralExpiration: 0 } })
      await until(async () => (await shop.chatWith(customer)).ephemeralSeconds === 0, { what: 'no timer' })
    })

    const company = [
      ['template', { templateMessage: { hydratedTemplate: { hydratedTitleText: 'Your parcel', hydratedContentText: 'arrives {} today', hydratedFooterText: 'Courier', hydratedButtons: [{ index: 0, urlButton: { displayText: 'Track', url: 'https://example.com/t' } }, { index: 1, quickReplyButton: { displayText: 'Thanks', id: 'ok' } }] } } }, ['arrives {} today', 'Track', 'https://example.com/t', 'Thanks']],
      ['buttons', { buttonsMessage: { contentText: 'Choose {}', footerText: 'foot', headerType: 1, buttons: [{ buttonId: 'a', buttonText: { displayText: 'Red' }, type: 1 }, { buttonId: 'b', buttonText: { displayText: 'Blue' }, type: 1 }] } }, ['Choose {}', 'Red', 'Blue']],
      ['list', { listMessage: { title: 'Menu {}', description: 'pick one', buttonText: 'Open', listType: 1, sections: [{ title: 'Drinks', rows: [{ title: 'Tea', description: 'hot', rowId: '1' }, { title: 'Coffee', rowId: '2' }] }] } }, ['Menu {}', 'Drinks', 'Tea', 'Coffee']],
      ['interactive', { interactiveMessage: { header: { title: 'Offer {}' }, body: { text: 'only now' }, nativeFlowMessage: { buttons: [{ name: 'cta_url', buttonParamsJson: '{"display_text":"Shop","url":"https://example.com/s"}' }] } } }, ['Offer {}', 'only now', 'Shop', 'https://example.com/s']],
      ['product', { productMessage: { product: { productId: '9', title: 'Lamp {}', description: 'bright', currencyCode: 'IDR', priceAmount1000: 150000000 }, businessOwnerJid: '1@s.whatsapp.net' } }, ['Lamp {}', 'bright', 'IDR 150000.00']],
      ['order', { orderMessage: { orderId: '7', itemCount: 3, message: 'please hurry {}', orderTitle: 'Order 7', totalAmount1000: 99000, totalCurrencyCode: 'USD' } }, ['Order 7', 'please hurry {}', '3 items', 'USD 99.00']],
      ['payment request', { requestPaymentMessage: { currencyCodeIso4217: 'IDR', amount1000: 5000000, noteMessage: { conversation: 'rent {}' } } }, ['IDR 5000.00', 'rent {}']],
      ['group invitation', { groupInviteMessage: { groupJid: '1@g.us', inviteCode: 'x', groupName: 'Friends', caption: 'join {}' } }, ['Friends', 'join {}']],
      ['a wrapped text', { groupMentionedMessage: { message: { conversation: 'inside {}' } } }, ['inside {}']],
      ['a text for a bot', { botInvokeMessage: { message: { conversation: 'ask {}' } } }, ['ask {}']]
    ]
    for (const [what, message, words] of company) {
      test(`${what}: readable, unread and found`, async () => {
        const mark = unique('w').replace(/\W/g, '')
        const own = JSON.parse(JSON.stringify(message).replaceAll('{}', mark))
        const unread = (await shop.chatWith(customer)).unreadCount
        const id = await forge(customer, shop.jid, proto.Message.fromObject(own))
        const { message: row } = await shop.waitMessage(m => m.messageId === id, { what })
        assert.equal(row.type, 'TEXT')
        for (const word of words) assert.ok(row.content.includes(word.replace('{}', mark)), `${JSON.stringify(row.content)} has ${word}`)
        assert.equal((await shop.chatWith(customer)).unreadCount, unread + 1)
        const found = (await admin.call('GET', `/messages/search?q=${mark}`)).data
        assert.deepEqual(found.map(hit => hit.message.messageId), [id])
      })
    }

    test('contacts, places and invitations have their details', async () => {
      const vcard = 'BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Budi Santoso\r\nitem1.TEL;type=CELL;waid=628123456789:+62 812-3456-789\r\nTEL;TYPE=work:021 555\r\nEND:VCARD'
      const card = await forge(customer, shop.jid, { contactMessage: { displayName: 'Budi', vcard } })
      const { message: c } = await shop.waitMessage(m => m.messageId === card)
      assert.equal(c.type, 'CONTACT')
      assert.deepEqual(c.contacts, [{ name: 'Budi', phones: [{ number: '+62 812-3456-789', waId: '628123456789' }, { number: '021 555', waId: null }] }])
      const place = await forge(customer, shop.jid, { locationMessage: { degreesLatitude: -6.2, degreesLongitude: 106.816666, name: 'Monas', address: 'Jakarta' } })
      const { message: l } = await shop.waitMessage(m => m.messageId === place)
      assert.deepEqual(l.location, { latitude: -6.2, longitude: 106.816666, name: 'Monas', address: 'Jakarta', isLive: false })
      const event = await forge(customer, shop.jid, { eventMessage: { name: 'Opening', description: 'with cake', startTime: 1900000000 }, messageContextInfo: { messageSecret: randomBytes(32) } })
      const { message: e } = await shop.waitMessage(m => m.messageId === event)
      assert.equal(e.type, 'EVENT')
      assert.equal(e.event.name, 'Opening')
      assert.equal(e.event.startsAt, '2030-03-17T17:46:40.000Z')
    })
  })
}

describe('two writings of one number', () => {
  for (const [country, account, typed] of [['Brazil', '5511987650001', '551187650001'], ['Brazil, old account', '551187650002', '5511987650002'], ['Mexico', '5215512340003', '525512340003'], ['Argentina', '5491123450004', '541123450004']]) {
    test(`${country}: one chat, and the message arrives`, async () => {
      await sim.addPhone({ phone: account, pushName: `Person ${country}` })
      const text = unique('to the other writing')
      const { id } = await shop.sendText({ phone: typed }, text)
      await shop.waitStatus(id, 'SENT')
      const chats = await until(async () => (await shop.chats()).filter(c => [account, typed].includes(c.contactNumber)), { what: 'the chat' })
      assert.deepEqual(chats.map(c => c.contactNumber), [account])
      const again = await shop.sendText({ phone: typed }, unique('again'))
      await shop.waitStatus(again.id, 'SENT')
      assert.deepEqual((await shop.chats()).filter(c => [account, typed].includes(c.contactNumber)).map(c => c.contactNumber), [account])
      await sim.phoneSend(account, { to: shop.phone, text: unique('got it') })
      await until(async () => (await shop.chats()).find(c => c.contactNumber === account)?.unreadCount === 1, { what: 'the answer in the same chat' })
    })
  }

  test('a customer who wrote first is answered in the same chat', async () => {
    const account = '5511987650009', typed = '551187650009'
    await sim.addPhone({ phone: account, pushName: 'First' })
    const hello = unique('oi')
    await sim.phoneSend(account, { to: shop.phone, text: hello })
    const { chatId } = await shop.waitText(hello)
    const { id } = await shop.sendText({ phone: typed }, unique('answer'))
    await shop.waitStatus(id, 'SENT')
    const chats = (await shop.chats()).filter(c => [account, typed].includes(c.contactNumber))
    assert.deepEqual(chats.map(c => [c.id, c.contactNumber]), [[chatId, account]])
    assert.equal((await shop.messages(chatId)).length, 2)
  })
})
