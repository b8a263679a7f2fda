// Who the server is: waboxd links only when the simulator's chain (WABOX_WHATSAPP_ROOT) and TLS certificate (WABOX_WHATSAPP_CA)
// prove it, and says so when they do not.
import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { until } from './lib/journal.mjs'
import { Sim } from './lib/sim.mjs'
import { Wabox } from './lib/wabox.mjs'

let sim, trust, ca, next = 6281500000001n

before(async () => {
  sim = await Sim.start({ seed: 21 })
  trust = await sim.call('GET', '/trust')
  ca = path.join(mkdtempSync(path.join(tmpdir(), 'wabox-ca-')), 'sim.pem')
  writeFileSync(ca, trust.tls)
})

after(() => sim?.stop())

/** Asks a fresh waboxd to link a number; `use` gets the number's object and the session's row. */
async function linking(settings, use) {
  const wabox = await Wabox.start({ whatsapp: settings.url ?? sim.url, env: settings.env })
  try {
    const admin = await wabox.admin()
    await admin.connect()
    const phone = String(next++)
    const shop = await admin.addNumber('Shop', phone)
    await use({ admin, shop, session: async () => (await admin.call('GET', '/sessions')).data.find(one => one.whatsappNumberId === shop.id) })
    admin.close()
  } finally {
    await wabox.stop()
  }
}

/** Linking ends as DISCONNECTED, with a sentence that says why. */
async function refused({ admin, shop, session }) {
  admin.call('POST', `/sessions/${shop.id}`).catch(() => {})
  const row = await until(async () => {
    const now = await session()
    return now?.status === 'DISCONNECTED' && now.errorMessage ? now : undefined
  }, { timeout: 12000, every: 100, what: 'the link to be refused' })
  assert.match(row.errorMessage, /could not prove that it is WhatsApp/)
}

describe('the chain of the Noise handshake', () => {
  test('the root that the simulator names is accepted', () =>
    linking({ env: { WABOX_WHATSAPP_ROOT: trust.root } }, ({ shop }) => shop.link(sim)))

  test('another root is not', () => linking({ env: { WABOX_WHATSAPP_ROOT: 'ab'.repeat(32) } }, refused))

  for (const flaw of ['otherRoot', 'expired', 'notYet', 'badSignature', 'badSerial', 'otherKey']) {
    test(`a chain with the flaw "${flaw}" is not`, async () => {
      await sim.settings({ certificateFlaw: flaw })
      try {
        await linking({ env: { WABOX_WHATSAPP_ROOT: trust.root } }, refused)
      } finally {
        await sim.settings({ certificateFlaw: 'none' })
      }
    })
  }

  test('a root that is no key stops the start and is named', () =>
    assert.rejects(linking({ env: { WABOX_WHATSAPP_ROOT: 'zz' } }, () => {}), /WABOX_WHATSAPP_ROOT/))
})

describe('wss', () => {
  test('with the authority of the certificate the number is linked', () =>
    linking({ url: sim.secureUrl, env: { WABOX_WHATSAPP_CA: ca, WABOX_WHATSAPP_ROOT: trust.root } }, ({ shop }) => shop.link(sim)))

  test('without it the connection is refused', () => linking({ url: sim.secureUrl, env: { WABOX_WHATSAPP_ROOT: trust.root } }, refused))

  test('a file without certificates stops the start and is named', () =>
    assert.rejects(linking({ url: sim.secureUrl, env: { WABOX_WHATSAPP_CA: '/dev/null' } }, () => {}), /WABOX_WHATSAPP_CA/))
})
