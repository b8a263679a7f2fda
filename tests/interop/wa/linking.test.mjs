// Linking WaBox numbers, and everything that ends or interrupts a link.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Contact } from './lib/contact.mjs'
import { sleep, until } from './lib/journal.mjs'
import { receivedOnceInOrder, series, unique } from './lib/say.mjs'
import { Sim } from './lib/sim.mjs'
import { Wabox, readQr } from './lib/wabox.mjs'

const servers = []

/** A simulator and a waboxd of their own, so that waiting tests can wait beside the others. */
async function house(simOptions) {
  const sim = await Sim.start(simOptions)
  servers.push(sim)
  const wabox = await Wabox.start({ whatsapp: sim.url })
  servers.push(wabox)
  const admin = await wabox.admin()
  await admin.connect()
  servers.push({ stop: async () => admin.close() })
  return { sim, wabox, admin }
}

after(async () => {
  for (const server of servers.reverse()) await server.stop()
})

describe('linking', { concurrency: true }, () => {
  describe('the quick ones', () => {
    let sim, admin
    let nextPhone = 6281300000001

    before(async () => {
      ({ sim, admin } = await house({ seed: 6 }))
    })

    const newNumber = name => admin.addNumber(name, String(nextPhone++))

    async function linked(name) {
      const number = await newNumber(name)
      await number.link(sim)
      return number
    }

    test('by QR: PAIRING, then CONNECTED', async () => {
      const number = await newNumber('By QR')
      await number.link(sim)
      const statuses = admin.journal.all('whatsapp:status', number.mine).map(s => s.status)
      assert.ok(statuses.indexOf('PAIRING') >= 0 && statuses.indexOf('PAIRING') < statuses.indexOf('CONNECTED'), statuses.join(' '))
      const session = await number.session()
      assert.equal(session.status, 'CONNECTED')
      assert.ok(session.lastConnected)
      assert.equal(session.qrCode ?? null, null, 'no QR of a linked number')
      const account = await sim.phone(number.phone)
      assert.deepEqual(account.devices.map(d => [d.id, d.connected]), [[1, true]])
      assert.ok(account.devices[0].prekeys >= 30, 'prekeys were uploaded')
    })

    test('the QR is the same in the answer, in the event and in GET …/qr', async () => {
      const number = await newNumber('Same QR')
      const data = await number.startLink()
      const event = await number.wait('whatsapp:qr')
      assert.equal(readQr(event.qrCode), readQr(data.qrCode))
      assert.ok(Date.parse(event.expiresAt) > Date.now())
      const live = (await admin.call('GET', `/sessions/${data.id}/qr`)).data
      assert.equal(readQr(live.qrCode), readQr(data.qrCode))
      assert.equal(live.isLive, true)
    })

    test('by pairing code', async () => {
      const number = await newNumber('By code')
      const mark = admin.journal.mark()
      const data = await number.startLink('code')
      assert.match(data.pairingCode, /^[1-9A-HJ-NP-TV-Z]{4}-[1-9A-HJ-NP-TV-Z]{4}$/)
      const answer = await sim.enterCode(data.pairingCode, number.phone)
      assert.equal(answer.phone, number.phone)
      await number.connected({ after: mark })
    })

    test('by pairing code, asked for while the QR is still on its way', async () => {
      const number = await newNumber('QR, then code')
      const mark = admin.journal.mark()
      const [, data] = await Promise.all([number.startLink(), number.startLink('code')])
      await sim.enterCode(data.pairingCode, number.phone)
      await number.connected({ after: mark })
    })

    test('asking for a code again gives another one, and that one links', async () => {
      const number = await newNumber('Code twice')
      const mark = admin.journal.mark()
      const first = await number.startLink('code')
      const second = await number.startLink('code')
      assert.notEqual(second.pairingCode, first.pairingCode)
      await sim.enterCode(second.pairingCode, number.phone)
      await number.connected({ after: mark })
    })

    test('a wrong pairing code does not link', async () => {
      const number = await newNumber('Wrong code')
      const data = await number.startLink('code')
      const wrong = data.pairingCode[0] === 'A' ? `B${data.pairingCode.slice(1)}` : `A${data.pairingCode.slice(1)}`
      await assert.rejects(sim.enterCode(wrong, number.phone), { status: 403 })
      await sleep(500)
      assert.notEqual((await number.session()).status, 'CONNECTED')
    })

    test('unlinked on the phone: DISCONNECTED(logged_out), sending is 409, linking again works', async () => {
      const number = await linked('Unlinked')
      const mark = admin.journal.mark()
      await sim.unlink(number.phone)
      const status = await number.status('DISCONNECTED', { after: mark })
      assert.equal(status.reason, 'logged_out')
      await assert.rejects(number.send('6281399999999', 'hello'), { status: 409 })
      await sleep(1500)
      assert.deepEqual((await sim.phone(number.phone)).devices, [], 'it does not come back by itself')
      await number.link(sim)
      assert.deepEqual((await sim.phone(number.phone)).devices.map(d => d.id), [2])
    })

    test('logged out in WaBox: the phone no longer lists the device', async () => {
      const number = await linked('Logged out')
      const { id } = await number.session()
      const mark = admin.journal.mark()
      await admin.call('DELETE', `/sessions/${id}`)
      await number.status('DISCONNECTED', { after: mark })
      await until(async () => (await sim.phone(number.phone)).devices.length === 0, { what: 'the device to be gone' })
    })

    test('logged out, and the answer is lost: DISCONNECTED(logged_out) all the same', async () => {
      const number = await linked('Answer lost'), { id } = await number.session()
      await sim.setFault(number.phone, { silent: true })
      const mark = admin.journal.mark()
      await admin.call('DELETE', `/sessions/${id}`)
      assert.equal((await number.status('DISCONNECTED', { after: mark })).reason, 'logged_out')
      await sim.clearFault(number.phone)
      assert.deepEqual((await sim.phone(number.phone)).devices, [])
      const told = admin.journal.entries.filter(e => e.at >= mark && e.kind === 'whatsapp:status' && number.mine(e.data))
      assert.deepEqual(told.map(e => e.data.status), ['DISCONNECTED'], 'no attempt to come back in between')
    })

    test('deleted in WaBox: the phone no longer lists the device', async () => {
      const number = await linked('Deleted')
      await admin.call('DELETE', `/whatsapp/${number.id}`)
      await until(async () => (await sim.phone(number.phone)).devices.length === 0, { what: 'the device to be gone' })
    })

    const gone = number => until(async () => (await sim.phone(number.phone)).devices.length === 0, { what: 'the device to be gone' })

    async function stopped(name) {
      const number = await linked(name), { id } = await number.session(), mark = admin.journal.mark()
      await admin.call('PATCH', `/sessions/${id}/status`, { status: 'DISCONNECTED' })
      await number.status('DISCONNECTED', { after: mark })
      await until(async () => (await sim.phone(number.phone)).devices.every(d => !d.connected), { what: 'the connection to be closed' })
      assert.equal((await sim.phone(number.phone)).devices.length, 1, 'a stopped device stays linked')
      return number
    }

    test('logged out while stopped: the phone no longer lists the device, nothing else is told, and the number links anew', async () => {
      const number = await stopped('Logged out while stopped'), { id } = await number.session()
      const contact = await sim.addPhone({ pushName: 'Too late' })
      await sim.phoneSend(contact.phone, { to: number.phone, text: 'nobody reads this any more' })
      const mark = admin.journal.mark()
      await admin.call('DELETE', `/sessions/${id}`)
      assert.equal((await number.status('DISCONNECTED', { after: mark })).reason, 'logged_out')
      await gone(number)
      await sleep(500)
      const told = admin.journal.entries.filter(e => e.at >= mark && number.mine(e.data))
      assert.deepEqual(told.map(e => [e.kind, e.data.status]), [['whatsapp:status', 'DISCONNECTED']])
      assert.deepEqual((await sim.phoneSaw(contact.phone)).receipts, [])
      await number.link(sim)
      assert.deepEqual((await sim.phone(number.phone)).devices.map(d => [d.id, d.connected]), [[2, true]])
    })

    test('session deleted permanently while stopped: the phone no longer lists the device', async () => {
      const number = await stopped('Erased while stopped'), { id } = await number.session()
      await admin.call('DELETE', `/sessions/${id}/permanent`)
      await gone(number)
    })

    test('number deleted while stopped: the phone no longer lists the device', async () => {
      const number = await stopped('Deleted while stopped')
      await admin.call('DELETE', `/whatsapp/${number.id}`)
      await gone(number)
    })

    test('logged out and then deleted while stopped: one does not cut the other short', async () => {
      const number = await stopped('Both while stopped'), { id } = await number.session()
      await Promise.all([admin.call('DELETE', `/sessions/${id}`), admin.call('DELETE', `/whatsapp/${number.id}`)])
      await gone(number)
    })

    test('started while it is being logged out: the old device goes, and a new one links', async () => {
      const number = await stopped('Started meanwhile'), { id } = await number.session()
      await Promise.all([admin.call('DELETE', `/sessions/${id}`), number.startLink().catch(() => {})]) // 503 when the end came in between
      await number.link(sim)
      await until(async () => (await sim.phone(number.phone)).devices.length === 1, { what: 'the old device to be gone' })
      assert.deepEqual((await sim.phone(number.phone)).devices.map(d => [d.id, d.connected]), [[2, true]])
    })

    test('deleted while RECONNECTING: the phone no longer lists the device', async () => {
      const number = await linked('Deleted while reconnecting'), mark = admin.journal.mark()
      await sim.setFailure(number.phone, { reason: 503 })
      await sim.disconnect(number.phone)
      await number.status('RECONNECTING', { after: mark })
      await sim.clearFailure(number.phone)
      await admin.call('DELETE', `/whatsapp/${number.id}`)
      await gone(number)
    })

    test('the status calls of old clients: PENDING lets a running session run, DISCONNECTED stops it, PENDING starts it again', async () => {
      const number = await linked('Old client'), { id } = await number.session()
      const set = async status => { const mark = admin.journal.mark(); await admin.call('PATCH', `/sessions/${id}/status`, { status }); return mark }
      await set('PENDING')
      assert.equal((await number.session()).status, 'CONNECTED')
      await number.status('DISCONNECTED', { after: await set('DISCONNECTED') })
      await number.status('CONNECTED', { after: await set('PENDING') })
      assert.equal((await sim.phone(number.phone)).devices.length, 1, 'the device is the same')
    })

    test('scanned by another phone: DISCONNECTED(wrong_phone), that phone lists no device, and the right one links after', async () => {
      const number = await newNumber('Wrong phone'), stranger = await sim.addPhone({ pushName: 'Somebody else' })
      const data = await number.startLink()
      assert.equal(data.expectedPhone, number.phone)
      const mark = admin.journal.mark()
      await sim.scanQr(readQr(data.qrCode), { phone: stranger.phone })
      const status = await number.status('DISCONNECTED', { after: mark })
      assert.deepEqual([status.reason, status.scannedPhone], ['wrong_phone', `+${stranger.phone}`])
      await until(async () => (await sim.phone(stranger.phone)).devices.every(d => d.id === 0), { what: 'the device to be gone' })
      const session = await number.session()
      assert.deepEqual([session.expectedPhone, session.scannedPhone], [number.phone, stranger.phone])
      assert.ok(!admin.journal.entries.some(e => e.at >= mark && e.kind === 'whatsapp:status' && number.mine(e.data) && e.data.status === 'CONNECTED'))
      await number.link(sim)
      assert.equal((await sim.phone(number.phone)).devices.length, 1)
    })

    test('scanned by another phone, which an ADMIN accepts: the number is that phone\'s', async () => {
      const number = await newNumber('Taken over'), other = await sim.addPhone({ pushName: 'New phone' })
      const data = await number.startLink()
      const mark = admin.journal.mark()
      await sim.scanQr(readQr(data.qrCode), { phone: other.phone })
      await number.status('DISCONNECTED', { after: mark })
      const again = (await admin.call('POST', `/sessions/${number.id}?accept=${other.phone}`)).data
      assert.equal(again.expectedPhone, other.phone)
      await sim.scanQr(readQr(again.qrCode), { phone: other.phone })
      const connected = await number.connected({ after: mark })
      assert.equal(connected.phoneNumber, `+${other.phone}`)
    })

    test('linking right after logging out links another device', async () => {
      const number = await linked('Anew at once'), { id } = await number.session()
      await admin.call('DELETE', `/sessions/${id}`)
      const data = await number.startLink()
      assert.deepEqual([data.status, typeof data.qrCode], ['PAIRING', 'string'])
      const mark = admin.journal.mark()
      await sim.scanQr(readQr(data.qrCode), { phone: number.phone })
      await number.connected({ after: mark })
      assert.deepEqual((await sim.phone(number.phone)).devices.map(d => d.id), [2])
    })

    // [failure at login, expected reason, does retryAt follow from `expire`?]
    const failures = [
      [{ reason: 401 }, 'logged_out'],
      [{ reason: 402, code: 101, expire: 600 }, 'banned', 600],
      [{ reason: 403 }, 'logged_out'],
      [{ reason: 405 }, 'outdated'],
      [{ reason: 406 }, 'banned'],
      [{ reason: 409 }, 'error']
    ]
    for (const [failure, reason, expire] of failures) {
      test(`failure ${failure.reason} at login ends as DISCONNECTED(${reason})`, async () => {
        const number = await linked(`Failure ${failure.reason}`)
        await sim.setFailure(number.phone, failure)
        const mark = admin.journal.mark()
        await sim.disconnect(number.phone)
        const status = await number.status('DISCONNECTED', { after: mark })
        assert.equal(status.reason, reason)
        if (expire) {
          const seconds = (Date.parse(status.retryAt) - Date.now()) / 1000
          assert.ok(seconds > expire - 30 && seconds <= expire + 5, `retry in ${seconds} s`)
        } else {
          assert.equal(status.retryAt ?? null, null)
        }
        assert.ok((await number.session()).errorMessage ?? true)
        await sim.clearFailure(number.phone)
        await sleep(1500)
        assert.ok((await sim.phone(number.phone)).devices.every(d => !d.connected), 'it does not come back by itself')
      })
    }

    for (const reason of [500, 503]) {
      test(`failure ${reason} at login is RECONNECTING, then CONNECTED`, async () => {
        const number = await linked(`Failure ${reason}`)
        await sim.setFailure(number.phone, { reason, times: 1 })
        const mark = admin.journal.mark()
        await sim.disconnect(number.phone)
        await number.status('RECONNECTING', { after: mark })
        await number.connected({ after: mark, timeout: 30000 })
      })
    }

    test('a temporary ban that ends: the number comes back at retryAt, not before', async () => {
      const number = await linked('Short ban')
      await sim.setFailure(number.phone, { reason: 402, code: 101, expire: 5, times: 1 })
      const mark = admin.journal.mark()
      await sim.disconnect(number.phone)
      const status = await number.status('DISCONNECTED', { after: mark })
      assert.ok(status.retryAt)
      await number.connected({ after: mark, timeout: 30000 })
      assert.ok(Date.now() >= Date.parse(status.retryAt) - 500, 'it waited')
    })

    test('stream error 515 restarts at once', async () => {
      const number = await linked('Restart required')
      const mark = admin.journal.mark()
      const start = Date.now()
      await sim.streamError(number.phone, { code: 515 })
      await number.connected({ after: mark })
      assert.ok(Date.now() - start < 5000, 'no backoff')
    })

    test('stream error 503 is a reconnect with a pause', async () => {
      const number = await linked('Unavailable')
      const mark = admin.journal.mark()
      await sim.streamError(number.phone, { code: 503 })
      await number.status('RECONNECTING', { after: mark })
      await number.connected({ after: mark, timeout: 30000 })
    })

    test('replaced: DISCONNECTED(replaced), and no fight for the connection', async () => {
      const number = await linked('Replaced')
      const mark = admin.journal.mark()
      await sim.streamError(number.phone, { conflict: 'replaced' })
      const status = await number.status('DISCONNECTED', { after: mark })
      assert.equal(status.reason, 'replaced')
      await sleep(2500)
      assert.ok((await sim.phone(number.phone)).devices.every(d => !d.connected))
      const { id } = await number.session()
      await admin.call('PATCH', `/sessions/${id}/status`, { status: 'PENDING' })
      await number.connected({ after: mark })
      assert.deepEqual((await sim.phone(number.phone)).devices.map(d => d.id), [1], 'same device, no new QR')
    })

    test('a socket cut without a word is a short RECONNECTING', async () => {
      const number = await linked('Cut')
      const mark = admin.journal.mark()
      await sim.disconnect(number.phone)
      await number.status('RECONNECTING', { after: mark })
      await number.connected({ after: mark, timeout: 30000 })
    })
  })

  describe('the patient ones', { concurrency: true }, () => {
    let sim, admin

    before(async () => {
      ({ sim, admin } = await house({ seed: 7 }))
      await sim.settings({ refs: 2 })
    })

    test('the QR rotates when the first one expires, and the new one works', async () => {
      const number = await admin.addNumber('Rotation', '6281300100001')
      const data = await number.startLink()
      const first = await number.wait('whatsapp:qr')
      const second = await number.wait('whatsapp:qr', q => q.qrCode !== first.qrCode, { timeout: 70000, what: 'a second QR' })
      assert.ok(Date.parse(second.expiresAt) > Date.parse(first.expiresAt))
      assert.notEqual(readQr(second.qrCode).split(',')[0], readQr(first.qrCode).split(',')[0], 'another ref')
      const live = (await admin.call('GET', `/sessions/${data.id}/qr`)).data
      assert.equal(readQr(live.qrCode), readQr(second.qrCode))
      await sim.scanQr(readQr(second.qrCode), { phone: number.phone, pushName: 'Rotation' })
      await number.connected()
    })

    test('when no QR is left the number is PENDING again, and can be linked anew', async () => {
      const number = await admin.addNumber('Out of refs', '6281300100002')
      const data = await number.startLink()
      await number.wait('whatsapp:qr')
      const mark = admin.journal.mark()
      await number.status('PENDING', { after: mark, timeout: 110000 })
      await assert.rejects(admin.call('GET', `/sessions/${data.id}/qr`), { status: 404 })
      await number.link(sim)
    })

    test('a dead but connected link is noticed', async () => {
      const number = await admin.addNumber('Dead link', '6281300100003')
      await number.link(sim)
      const mark = admin.journal.mark()
      await sim.setFault(number.phone, { silent: true })
      await number.status('RECONNECTING', { after: mark, timeout: 90000 })
      await sim.clearFault(number.phone)
      await number.connected({ after: mark, timeout: 70000 })
    })
  })

  describe('the network goes away', () => {
    test('the simulator restarts: numbers come back by themselves, and messages waited', async () => {
      const dataDir = mkdtempSync(path.join(tmpdir(), 'wabox-sim-'))
      const { sim, admin } = await house({ seed: 8, dataDir })
      const numbers = []
      for (let i = 1; i <= 3; i++) {
        const number = await admin.addNumber(`Number ${i}`, `628130020000${i}`)
        await number.link(sim)
        numbers.push(number)
      }
      const customer = await Contact.open({ version: '7', simUrl: sim.url, pushName: 'Patient' })
      servers.push({ stop: () => customer.close() })
      const mark = admin.journal.mark()
      await sim.stop()
      for (const number of numbers) await number.status('RECONNECTING', { after: mark })
      const texts = series('said to nobody', 2)
      for (const text of texts) assert.equal((await numbers[0].send(customer, text)).status, 'PENDING')
      servers.push(await Sim.start({ ...sim.options, port: sim.port }))
      for (const number of numbers) await number.connected({ after: mark, timeout: 60000 })
      await receivedOnceInOrder(customer, texts, { timeout: 40000 })
    })

    test('stopped, and waboxd restarted: who leaves then leaves the phone\'s list as well', async () => {
      const { sim, wabox, admin } = await house({ seed: 10 })
      const leave = {
        'Logged out': (number, id) => admin.call('DELETE', `/sessions/${id}`),
        'Erased': (number, id) => admin.call('DELETE', `/sessions/${id}/permanent`),
        'Deleted': number => admin.call('DELETE', `/whatsapp/${number.id}`)
      }
      const numbers = []
      for (const [i, name] of Object.keys(leave).entries()) {
        const number = await admin.addNumber(`${name} after a restart`, `628130050000${i}`)
        await number.link(sim)
        const { id } = await number.session(), mark = admin.journal.mark()
        await admin.call('PATCH', `/sessions/${id}/status`, { status: 'DISCONNECTED' })
        await number.status('DISCONNECTED', { after: mark })
        numbers.push({ number, id, leave: leave[name] })
      }
      await wabox.restart()
      for (const { number, id, leave } of numbers) await leave(number, id)
      for (const { number } of numbers) {
        await until(async () => (await sim.phone(number.phone)).devices.length === 0, { what: `${number.name}: the device to be gone` })
      }
    })

    test('deleted without a network, and with one that is dumb: calls answer at once, and waboxd stops as ever', async () => {
      const { sim, wabox, admin } = await house({ seed: 11 })
      const numbers = []
      for (const name of ['Stopped', 'Reconnecting', 'Dumb']) {
        const number = await admin.addNumber(name, `628130060000${numbers.length}`)
        await number.link(sim)
        numbers.push(number)
      }
      const [stopped, , dumb] = numbers, mark = admin.journal.mark()
      for (const number of [stopped, dumb]) {
        await admin.call('PATCH', `/sessions/${(await number.session()).id}/status`, { status: 'DISCONNECTED' })
        await number.status('DISCONNECTED', { after: mark })
      }
      await sim.stop()
      await numbers[1].status('RECONNECTING', { after: mark })
      const remove = async number => {
        const start = Date.now()
        await admin.call('DELETE', `/whatsapp/${number.id}`)
        assert.ok(Date.now() - start < 1000, `${Date.now() - start} ms`)
      }
      for (const number of numbers.slice(0, 2)) await remove(number)
      const sockets = []
      const hole = createServer(socket => sockets.push(socket.on('error', () => {}))).listen(sim.port, '127.0.0.1')
      await once(hole, 'listening')
      await remove(dumb)
      await until(() => sockets.length > 0, { what: 'the farewell to be on its way' })
      const start = Date.now()
      const end = await wabox.stop()
      assert.ok(Date.now() - start < 5000, `${Date.now() - start} ms`)
      assert.deepEqual(end, [0, null])
      for (const socket of sockets) socket.destroy()
      hole.close()
    })

    test('without a network linking says so and waits at most 15 s', async () => {
      const wabox = await Wabox.start({ whatsapp: 'ws://127.0.0.1:9/ws/chat' })
      servers.push(wabox)
      const admin = await wabox.admin()
      const number = await admin.addNumber('Nowhere', '6281300300001')
      const start = Date.now()
      const answer = await number.startLink().catch(error => error.body)
      assert.ok(Date.now() - start < 17000)
      assert.ok(!answer.qrCode)
      const session = await number.session()
      assert.equal(session.status, 'PENDING')
      assert.ok(session.errorMessage, 'a sentence says what is wrong')
    })
  })
})

test('refused as outdated: still so while the server runs, CONNECTED after a restart with the cure, outdated once more without it', async () => {
  const { sim, wabox, admin } = await house({ seed: 11 })
  const number = await admin.addNumber('Outdated', '6281300500001')
  await number.link(sim)
  await sim.setFailure(number.phone, { reason: 405 })
  const mark = admin.journal.mark()
  await sim.disconnect(number.phone)
  assert.equal((await number.status('DISCONNECTED', { after: mark })).reason, 'outdated')
  const state = async () => { const { status, reason } = await number.session(); return [status, reason] }
  for (const [what, want] of [['without the cure', ['DISCONNECTED', 'outdated']], ['with it', ['CONNECTED', null]]]) {
    if (want[0] === 'CONNECTED') await sim.clearFailure(number.phone)
    await wabox.restart()
    await until(async () => String(await state()) === String(want), { what: `${want} after a restart ${what}` })
  }
})

test('two numbers of one WaBox link quickly and talk to each other', async t => {
  const { sim, admin } = await house({ seed: 9 })
  const [left, right] = [await admin.addNumber('Left', '6281300400001'), await admin.addNumber('Right', '6281300400002')]
  for (const number of [left, right]) {
    const ms = await number.link(sim)
    t.diagnostic(`scan to CONNECTED: ${ms} ms`)
    assert.ok(ms < 3000, `${ms} ms; alone on a quiet machine it should be under 1 s`)
  }
  const [there, back] = [unique('to the right'), unique('to the left')]
  const sent = await left.sendText(right, there)
  await receivedOnceInOrder(right, [there])
  await left.waitStatus(sent.id, 'DELIVERED')
  await right.sendText(left, back)
  await receivedOnceInOrder(left, [back])
  const { chatId } = await right.waitText(there)
  await right.markRead(chatId)
  await left.waitStatus(sent.id, 'READ')
})
