// What clients ask of the network beside messages, and who may drive the simulator.
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { Contact, VERSIONS } from './lib/contact.mjs'
import { until } from './lib/journal.mjs'
import { Sim } from './lib/sim.mjs'
import { Wabox } from './lib/wabox.mjs'

let sim
const contacts = []
before(async () => { sim = await Sim.start({ seed: 77 }) })
after(async () => {
  await Promise.all(contacts.map(contact => contact.close()))
  assert.equal((await sim.stop())[0], 0)
})
async function open(version) {
  const contact = await Contact.open({ version, simUrl: sim.url, phone: `628118000000${version}`, pushName: `corner ${version}` })
  contacts.push(contact)
  return contact
}
const raw = (sock, tag, attrs, content) => sock.query({ tag, attrs: { id: sock.generateMessageTag(), ...attrs }, content })

for (const version of VERSIONS) {
  describe(`Baileys ${version}`, () => {
    let contact, sock
    before(async () => { contact = await open(version); sock = contact.sock })

    for (const to of ['s.whatsapp.net', 'g.us', 'nonsense', '6281180000001', 'x'.repeat(300)]) {
      test(`an iq to the plain text ${to.slice(0, 20)} is answered and the connection stays`, async () => {
        const closes = contact.journal.all('close').length
        await raw(sock, 'iq', { to, xmlns: 'w:biz', type: 'get' }, [{ tag: 'business_profile', attrs: { v: '244' } }])
        await assert.rejects(raw(sock, 'iq', { to, xmlns: 'no such namespace', type: 'get' }), /feature-not-implemented/)
        assert.equal(contact.journal.all('close').length, closes)
      })
    }

    test('getBusinessProfile answers, and the next call too', async () => {
      await sock.getBusinessProfile('6281180000001@s.whatsapp.net')
      assert.ok(await sock.fetchPrivacySettings(true))
    })

    test('a revoked invite has another code, and the old one leads nowhere', async () => {
      const group = await sock.groupCreate('Corner', [])
      const first = await sock.groupInviteCode(group.id), second = await sock.groupRevokeInvite(group.id)
      assert.notEqual(second, first)
      assert.equal(await sock.groupInviteCode(group.id), second)
      await assert.rejects(sock.groupGetInviteInfo(first))
      assert.equal((await sock.groupGetInviteInfo(second)).id, group.id)
    })

    test('a call link has a token of its own', async () => {
      const link = () => raw(sock, 'call', { to: '@call' }, [{ tag: 'link_create', attrs: { media: 'video' } }])
      const [one, other] = [await link(), await link()].map(answer => answer.content.find(n => n.tag === 'link_create').attrs.token)
      assert.match(one, /^[0-9a-z]{22}$/i)
      assert.notEqual(one, other)
    })

    test('an about that is not set is 401, one that is set is its text', async () => {
      const [unset] = await sock.fetchStatus(`${contact.phone}@s.whatsapp.net`)
      assert.equal(unset.status?.status ?? unset.status, '')
      await sock.updateProfileStatus('Open until six')
      const [set] = await sock.fetchStatus(`${contact.phone}@s.whatsapp.net`)
      assert.equal(set.status?.status ?? set.status, 'Open until six')
    })

    test('the time-lock and the cap on new chats are answered as they are; an unknown query is an error', async () => {
      const mex = async id => JSON.parse(Buffer.from((await raw(sock, 'iq', { to: '@s.whatsapp.net', xmlns: 'w:mex', type: 'get' },
        [{ tag: 'query', attrs: { query_id: id }, content: Buffer.from('{"variables":{}}') }])).content[0].content).toString())
      const lock = async () => (await mex('23983697327930364')).data.xwa2_fetch_account_reachout_timelock
      assert.deepEqual([(await lock()).is_active, (await lock()).time_enforcement_ends], [false, '0'])
      await sim.setFault(contact.phone, { timeLock: true })
      assert.equal((await lock()).is_active, true)
      assert.ok(Number((await lock()).time_enforcement_ends) > Date.now() / 1000)
      await sim.clearFault(contact.phone)
      const cap = async id => (await mex(id)).data.xwa2_message_capping_info
      const before = await cap('24503548349331633')
      assert.equal(before.capping_status, 'NONE')
      const stranger = (await sim.addPhone({})).phone
      await contact.send(stranger, { text: 'Hello' })
      await until(async () => (await cap('27910975521856601')).used_quota === before.used_quota + 1)
      assert.equal((await mex('1')).errors[0].extensions.error_code, 501)
    })
  })
}

test('a group member that missed the sender key gets it with the message sent again: the next one opens at once', async () => {
  const wabox = await Wabox.start({ whatsapp: sim.url })
  try {
    const client = await wabox.admin()
    await client.connect()
    const number = await client.addNumber('Member', '6281188800001')
    await number.link(sim)
    const person = (await sim.addPhone({})).phone
    const group = await sim.addGroup({ subject: 'Keys', owner: person, members: [number.phone] })
    const arrived = text => until(() => client.journal.all('message:new', e => e.message.content === text).length === 1)
    await sim.setFault(number.phone, { corrupt: 1 })
    await sim.phoneSend(person, { to: group.jid, text: 'its key is damaged' })
    await arrived('its key is damaged')
    await sim.clearFault(number.phone)
    const { retries } = await sim.stats()
    await sim.phoneSend(person, { to: group.jid, text: 'its key came' })
    await arrived('its key came')
    assert.equal((await sim.stats()).retries, retries, 'nothing was asked for again')
    client.close()
  } finally {
    await wabox.stop()
  }
})

/** Node's fetch sets Host and Origin itself; this one sends what it is told. */
const post = (headers, body = '{}', path = '/admin/disconnect', method = 'POST') => new Promise((done, fail) => {
  const r = request({ host: '127.0.0.1', port: sim.port, method, path, headers: { ...headers, 'content-length': Buffer.byteLength(body) } }, answer => {
    answer.resume()
    answer.on('end', () => done(answer.statusCode))
  })
  r.on('error', fail)
  r.end(body)
})
const json = { 'content-type': 'application/json' }
for (const [why, headers, status] of [
  ['the address', {}, 200],
  ['localhost', { host: 'localhost' }, 200],
  ['localhost with its port', { host: 'localhost:8080' }, 200],
  ['an IPv6 address', { host: '[::1]:8080' }, 200],
  ['its own page', { host: 'localhost:8080', origin: 'http://localhost:8080' }, 200],
  ['a name that points here', { host: 'evil.example:8080' }, 403],
  ['a name that begins like an address', { host: '127.0.0.1.evil.example' }, 403],
  ['a name that ends like localhost', { host: 'evillocalhost' }, 403],
  ['a page of another origin', { origin: 'https://evil.example' }, 403],
  ['a page of another port', { host: 'localhost:8080', origin: 'http://localhost:3000' }, 403],
  ['a sandboxed page', { origin: 'null' }, 403],
]) test(`the admin API, called by ${why}: ${status}`, async () => {
  assert.equal(await post({ ...json, ...headers }), status)
  assert.equal(await post(headers, '', '/admin/stats', 'GET'), status, 'reading, too')
})
for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', undefined])
  test(`a body of ${type ?? 'no type'} is refused with 415`, async () => assert.equal(await post(type ? { 'content-type': type } : {}), 415))
test('a JSON type with a charset is taken', async () => assert.equal(await post({ 'content-type': 'Application/JSON; charset=utf-8' }), 200))
