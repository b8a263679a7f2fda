// Files that unmodified Baileys sends arrive at a WaBox number whole: bytes are compared by their hash.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { Contact, VERSIONS } from './lib/contact.mjs'
import { until } from './lib/journal.mjs'
import { Sim } from './lib/sim.mjs'
import { Wabox, WaboxClient } from './lib/wabox.mjs'

const sha256 = bytes => createHash('sha256').update(bytes).digest('hex')
const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')
const thumb = { jpegThumbnail: Buffer.alloc(64, 1).toString('base64') }
// The kinds, and a size at each border of a cipher block.
const kinds = {
  image: () => ({ image: png, mimetype: 'image/png', ...thumb }),
  video: () => ({ video: randomBytes(200_001), mimetype: 'video/mp4', ...thumb }),
  voice: () => ({ audio: randomBytes(65_536), mimetype: 'audio/ogg; codecs=opus', ptt: true, seconds: 1 }),
  document: () => ({ document: randomBytes(1_000_000), mimetype: 'application/pdf', fileName: '../a"b\u202e.pdf' }),
  sticker: () => ({ sticker: randomBytes(16) })
}

let sim, wabox, admin, shop, customer

before(async () => {
  sim = await Sim.start({ seed: 77 })
  wabox = await Wabox.start({ whatsapp: sim.url, env: { MEDIA_AUTO_MAX: '2M' } })
  admin = await wabox.admin()
  await admin.connect()
  shop = await admin.addNumber('Shop', '6281200000071')
  await shop.link(sim)
  customer = await Contact.open({ version: VERSIONS[0], simUrl: sim.url, pushName: 'Sender of files' })
})

after(async () => {
  admin?.close()
  await customer?.close()
  if (wabox) assert.deepEqual(await wabox.stop(), [0, null], 'waboxd ends cleanly on SIGTERM')
  await sim?.stop()
})

async function ready(id) {
  let found
  await until(async () => {
    const chat = await shop.chatWith(customer)
    found = chat && (await shop.messages(chat.id)).find(m => m.messageId === id)
    return found?.media?.state === 'ready'
  }, { timeout: 20000, what: `the file of ${id}; last: ${JSON.stringify(found?.media)}` })
  return found
}

for (const [kind, make] of Object.entries(kinds)) {
  test(`a ${kind} arrives, and its link serves the same bytes`, async () => {
    const content = make()
    const bytes = content.image ?? content.video ?? content.audio ?? content.document ?? content.sticker
    const sent = await customer.send(shop, content)
    const message = await ready(sent.id)
    assert.equal(message.media.kind, kind)
    assert.equal(message.media.size, bytes.length)
    assert.equal(message.media.sha256, sha256(bytes))
    const answer = await fetch(message.mediaUrl)
    assert.equal(answer.status, 200)
    assert.equal(sha256(Buffer.from(await answer.arrayBuffer())), sha256(bytes))
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
    assert.match(answer.headers.get('content-security-policy'), /sandbox/)
    assert.equal(answer.headers.get('etag'), `"${sha256(bytes)}"`)
    assert.doesNotMatch(answer.headers.get('content-disposition'), /\.\.|\u202e|"a"/)
    const part = await fetch(message.mediaUrl, { headers: { Range: 'bytes=3-9' } })
    assert.equal(part.status, 206)
    assert.deepEqual(Buffer.from(await part.arrayBuffer()), bytes.subarray(3, 10))
    const again = await fetch(message.mediaUrl, { headers: { 'If-None-Match': `"${sha256(bytes)}"` } })
    assert.equal(again.status, 304)
  })
}

test('what is larger than MEDIA_AUTO_MAX is fetched when somebody asks, whatever size its message announces', async () => {
  const content = { document: randomBytes(3_000_000), mimetype: 'application/pdf', fileName: 'large.pdf' }
  const sent = await customer.send(shop, content)
  const file = structuredClone(sent.message.message.documentMessage)
  const lies = []
  for (const fileLength of [10, 0]) {
    const messageId = `3EB0${randomBytes(9).toString('hex').toUpperCase()}`
    await customer.sock.relayMessage(shop.jid, { documentMessage: { ...file, fileLength } }, { messageId })
    lies.push(messageId)
  }
  const media = async id => (await shop.messages((await shop.chatWith(customer)).id)).find(m => m.messageId === id)?.media
  for (const id of lies) {
    await until(async () => (await media(id))?.state === 'failed', { timeout: 20000, what: 'the end of a file larger than announced' })
    assert.match((await media(id)).error, /larger/)
  }
  assert.equal((await media(sent.id)).state, 'waiting', 'nobody asked for it')
  const link = (await shop.messages((await shop.chatWith(customer)).id)).find(m => m.messageId === sent.id).mediaUrl
  const answer = await fetch(link)
  assert.deepEqual([answer.status, sha256(Buffer.from(await answer.arrayBuffer()))], [200, sha256(content.document)])
})

test('links that a socket answers with are of its user, and end with his permission', async () => {
  const message = await ready((await customer.send(shop, kinds.image())).id)
  const name = `agent${Date.now()}`, password = `pw-${name}`
  const { user } = await admin.call('POST', '/users', { name, username: name, email: `${name}@example.com`, password, role: 'USER' })
  const { data: { id: permission } } = await admin.call('POST', '/wapermission', { userId: user.id, whatsappNumberId: shop.id })
  const agent = new WaboxClient(wabox)
  await agent.login(name, password)
  await agent.connect()
  const { id } = await shop.chatWith(customer)
  const { messages } = await agent.emit('chat:get-history', { whatsappNumberId: shop.id, chatId: id })
  // Without PUBLIC_URL a socket's links name PORT, which is 0 here.
  const mediaUrl = messages.find(m => m.messageId === message.messageId).mediaUrl.replace(/^http:..[^/]+/, wabox.base)
  assert.equal((await fetch(mediaUrl)).status, 200)
  await admin.call('DELETE', `/wapermission/${permission}`)
  assert.equal((await fetch(mediaUrl)).status, 403)
  assert.equal((await fetch(message.mediaUrl)).status, 200, 'another user’s link')
  agent.close()
})

test('a link that was changed is refused, and one of a deleted message ends', async () => {
  const sent = await customer.send(shop, kinds.image())
  const message = await ready(sent.id)
  assert.equal((await fetch(message.mediaUrl.replace(/u=\d+/, 'u=999'))).status, 403)
  assert.equal((await fetch(message.mediaUrl.replace(/exp=\d+/, 'exp=99999999999'))).status, 403)
  await customer.revoke(shop, sent)
  await until(async () => (await fetch(message.mediaUrl)).status === 404, { timeout: 10000, what: '404 for a revoked message' })
})
