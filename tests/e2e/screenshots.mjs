#!/usr/bin/env node
// Makes the pictures of docs/images again, from a real waboxd and wabox-sim: `npm run screenshots` here, after the build.
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { checkout } from '../interop/wa/lib/server.mjs'
import { Scene, afternoon } from './lib/scene.mjs'

const out = path.join(checkout, 'docs/images')
const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true }
const scene = await Scene.open()

async function agent(username, options = {}) {
  const person = await scene.house.person({ timezoneId: afternoon(), ...options })
  // Pictures show the page itself, not the offer that a new browser is made once.
  await person.page.addInitScript(() => {
    const prefs = JSON.parse(localStorage.getItem('wabox.prefs') ?? '{}')
    localStorage.setItem('wabox.prefs', JSON.stringify({ ...prefs, notifyOffered: true }))
  })
  await person.login(username)
  return person
}

async function save(person, name) {
  await person.page.evaluate(() => Promise.all([document.fonts.ready, ...[...document.images].map(one => one.decode())]))
  await person.page.screenshot({ path: path.join(out, `${name}.png`), animations: 'disabled', caret: 'hide' })
  console.log(`docs/images/${name}.png`)
}

/** The conversation with its last message read, so that every tick and reaction is there. */
async function openSiti(person) {
  await person.openChat('Siti Rahma')
  await person.message('Terima kasih banyak!').waitFor()
  await person.message('Kurir menjemput').locator('.reactions').waitFor()
  await person.message('Kurir menjemput').locator('.tick[data-status="READ"]').waitFor()
}

/** A second number that waits to be linked, for the picture of its QR code. */
async function link(admin) {
  const { whatsappNumber } = await scene.house.api('POST', '/whatsapp', { name: 'Gudang', phoneNumber: '6281200000003' })
  await admin.go('/numbers')
  await admin.page.getByRole('button', { name: /Link.*Gudang/ }).click()
  await admin.page.getByTestId('qr').waitFor()
  await save(admin, 'link')
  await scene.house.api('DELETE', `/whatsapp/${whatsappNumber.id}`)
}

try {
  mkdirSync(out, { recursive: true })
  await scene.play()
  const anna = await agent('anna')
  const admin = await agent('admin')
  await openSiti(anna)
  await openSiti(admin)
  await admin.page.locator('.chat-agents', { hasText: 'Anna Wijaya' }).waitFor()
  await save(admin, 'inbox')
  const night = await agent('bagus', { colorScheme: 'dark', locale: 'id-ID' })
  await openSiti(night)
  await save(night, 'dark')
  await night.page.context().close()
  await link(admin)
  await admin.page.context().close()
  await anna.page.context().close()
  const pocket = await agent('bagus', phone)
  await openSiti(pocket)
  await save(pocket, 'phone')
} finally {
  await scene.close()
}
