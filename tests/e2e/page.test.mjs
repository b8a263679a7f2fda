// What agents do with chats beside reading and answering, and what the page says when there is nothing or something failed.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { axe } from './lib/axe.mjs'
import { House, readQr } from './lib/house.mjs'

const SHOP = '6281200000021'
const siti = '6281300000021', rudi = '6281300000022', maya = '6281300000023'
const past = 700
let house, admin, anna, made, group

const visible = locator => locator.first().waitFor({ state: 'visible' })
const say = (from, text, more = {}) => house.sim.phoneSend(from, { to: SHOP, text, ...more })

before(async () => {
  house = await House.open()
  for (const [phone, pushName] of [[siti, 'Siti Rahma'], [rudi, 'Rudi Hartono'], [maya, 'Maya Lestari']]) await house.sim.addPhone({ phone, pushName, receipts: 'read' })
  const now = Math.floor(Date.now() / 1000)
  const messages = Array.from({ length: past }, (_, i) => ({ fromMe: i % 3 === 0, text: i === past / 2 ? 'kata sandi pintu timur' : `catatan lama ${i}`, t: now - (past - i) * 60 - 600 }))
  await house.sim.setHistory(SHOP, { chats: [{ chat: maya, t: now - 660, messages }], contacts: [], pushnames: [{ phone: maya, pushName: 'Maya Lestari' }] })
  admin = await house.person()
  anna = await house.person()
})
after(() => house?.close())

describe('nothing there yet', () => {
  test('a number without chats says what to do, with a button', async () => {
    await house.adminToken()
    const { whatsappNumber } = await house.api('POST', '/whatsapp', { name: 'Shop', phoneNumber: SHOP })
    await admin.login('admin')
    await visible(admin.page.getByText('No chats yet'))
    await visible(admin.page.getByText('Link your number to receive messages.'))
    assert.equal(await admin.page.locator('.list-pane .skeleton').count(), 0)
    await axe(admin.page, 'an empty inbox')
    await admin.page.getByRole('button', { name: 'Archived' }).click()
    await visible(admin.page.getByText('Nothing archived'))
    await admin.page.getByRole('button', { name: 'All', exact: true }).click()
    await admin.page.getByRole('link', { name: 'Link your number' }).click()
    await admin.page.getByRole('button', { name: 'Link: Shop' }).click()
    await visible(admin.page.getByText('Scan with the phone of +62 812-0000-0021'))
    const qr = admin.page.getByTestId('qr')
    await visible(qr)
    await house.sim.scanQr(readQr(await qr.getAttribute('src')), { phone: SHOP, pushName: 'Shop' })
    await admin.page.getByRole('button', { name: 'Done' }).click()
    await house.linked(whatsappNumber.id)
    made = whatsappNumber
    const { user } = await house.api('POST', '/users', { name: 'Anna Wijaya', username: 'anna', email: 'anna@example.org', password: 'e2e-Passw0rd!', role: 'USER' })
    await house.api('POST', '/wapermission', { userId: user.id, whatsappNumberId: made.id })
    await anna.login('anna')
  })

  test('a pairing code counts down and is copied', async () => {
    const { whatsappNumber } = await house.api('POST', '/whatsapp', { name: 'Second', phoneNumber: '6281200000022' })
    await admin.go('/numbers')
    await admin.page.reload()
    await admin.page.getByRole('button', { name: 'Link: Second' }).click()
    await admin.page.getByRole('tab', { name: 'Pairing code' }).click()
    await visible(admin.page.getByTestId('pairing-code'))
    await visible(admin.page.getByText(/Valid for 1\d\d s/))
    await admin.shot('pair-code')
    await admin.page.getByRole('button', { name: 'Copy code' }).click()
    await visible(admin.page.getByText('Copied.'))
    await admin.page.keyboard.press('Escape')
    admin.expected.add(404) // lists of the number that goes
    await house.api('DELETE', `/whatsapp/${whatsappNumber.id}`)
    await admin.go('/inbox')
    await admin.page.getByRole('button', { name: /^Numbers shown/ }).waitFor()
  })
})

describe('a chat', () => {
  test('is started with a number that is not in the list', async () => {
    await anna.page.getByRole('button', { name: 'New chat' }).click()
    const form = anna.page.getByRole('dialog', { name: 'Start a chat' })
    await form.getByRole('button', { name: 'Open chat' }).click()
    await visible(form.getByText('Please fill this in.'))
    await form.getByLabel('Phone number').fill('0813 0000 0022')
    await axe(anna.page, 'new chat')
    await form.getByRole('button', { name: 'Open chat' }).click()
    await visible(anna.page.locator('.composer textarea'))
    await anna.write('Halo Pak Rudi')
    await visible(anna.message('Halo Pak Rudi').locator('.tick[data-status="READ"]'))
    await visible(anna.page.locator('.chat-link', { hasText: 'Halo Pak Rudi' }).locator('.tick[data-status="READ"]'))
    assert.equal((await house.sim.phoneSaw(rudi)).messages.filter(one => one.text === 'Halo Pak Rudi').length, 1)
  })

  test('is pinned, muted, archived, marked as unread, for everybody', async () => {
    await say(siti, 'Selamat pagi')
    await anna.openChat('Siti Rahma')
    const choose = async name => {
      await anna.page.getByRole('button', { name: 'Actions for this chat' }).click()
      await anna.page.getByRole('menuitem', { name }).click()
    }
    await choose('Pin chat')
    await visible(admin.chat('Siti Rahma').getByText('Pinned'))
    await choose('Mute for 8 hours')
    await visible(admin.chat('Siti Rahma').getByText('Muted'))
    await choose('Unmute')
    await choose('Archive chat')
    await admin.chat('Siti Rahma').first().waitFor({ state: 'detached' })
    await choose('Unarchive chat')
    await visible(admin.chat('Siti Rahma'))
    await choose('Mark as unread')
    await visible(anna.page.getByText('Choose a chat'))
    await visible(admin.chat('Siti Rahma').getByText('Marked as unread'))
    await anna.shot('marked-unread')
    await anna.openChat('Siti Rahma')
    await admin.chat('Siti Rahma').locator('.unread').waitFor({ state: 'detached' })
    await anna.page.getByRole('button', { name: 'Actions for this chat' }).click()
    await axe(anna.page, 'chat menu')
    await anna.page.keyboard.press('Escape')
  })

  test('of a group tells who spoke last, its members, and completes names behind @', async () => {
    group = await house.sim.addGroup({ subject: 'Tim Gudang', owner: rudi, members: [siti, SHOP] })
    await house.sim.phoneSend(siti, { to: group.jid, text: 'stok krem habis' })
    await visible(anna.chat('Tim Gudang').getByText('Siti Rahma: stok krem habis'))
    await anna.openChat('Tim Gudang')
    await anna.page.locator('.composer textarea').pressSequentially('tolong @sit')
    await visible(anna.page.getByRole('option', { name: /Siti Rahma/ }))
    await axe(anna.page, 'member completion')
    await anna.page.keyboard.press('Enter')
    assert.equal(await anna.page.locator('.composer textarea').inputValue(), 'tolong @Siti Rahma ')
    await anna.page.locator('.composer textarea').fill('')
    await anna.page.getByRole('button', { name: 'Tim Gudang' }).click()
    const panel = anna.page.getByRole('complementary', { name: 'Group details' })
    await visible(panel.getByText('3 members'))
    await visible(panel.getByText('Group owner'))
    await visible(panel.getByText('Your number'))
    await axe(anna.page, 'group panel')
    await anna.shot('group-panel')
    await panel.getByRole('button', { name: /Siti Rahma/ }).click()
    await anna.page.getByRole('heading', { level: 2, name: 'Siti Rahma' }).waitFor()
    await anna.page.getByRole('button', { name: 'Siti Rahma', exact: true }).click()
    const contact = anna.page.getByRole('complementary', { name: 'Contact details' })
    await visible(contact.getByRole('link', { name: '+62 813-0000-0021' }))
    await visible(contact.getByRole('button', { name: /Tim Gudang/ }))
    await axe(anna.page, 'contact panel')
    await anna.shot('contact-panel')
    await anna.page.keyboard.press('Escape')
    await contact.waitFor({ state: 'detached' })
  })
})

describe('messages', () => {
  test('a hit in a chat that was not open yet is shown where it is, and stays there', async () => {
    // The newest page is late: it must not take the place of what was sought.
    await anna.go('/inbox')
    await anna.page.reload()
    await anna.page.route(/\/messages\?limit=60$/, async route => { await new Promise(resolve => setTimeout(resolve, 600)); await route.continue() })
    await anna.page.getByRole('searchbox').fill('pintu timur')
    await anna.page.locator('.hit', { hasText: 'pintu timur' }).click()
    const hit = anna.page.locator('.messages .msg', { hasText: 'kata sandi pintu timur' })
    await visible(hit)
    const isInView = () => anna.page.evaluate(() => {
      const row = [...document.querySelectorAll('.messages .msg')].find(one => one.textContent.includes('kata sandi pintu timur'))
      if (!row) return 'gone'
      const [a, b] = [row.getBoundingClientRect(), document.querySelector('.messages').getBoundingClientRect()]
      return a.top >= b.top && a.bottom <= b.bottom ? 'in view' : `at ${Math.round(a.top - b.top)} of ${Math.round(b.height)}`
    })
    await anna.page.waitForFunction(() => document.querySelector('.msg-flash')?.textContent.includes('pintu timur'))
    for (let i = 0; i < 12; i++) {
      await anna.page.waitForTimeout(150)
      assert.equal(await isInView(), 'in view', `look ${i}`)
    }
    const days = await anna.page.locator('.messages .msg-text').allInnerTexts()
    const at = days.indexOf('kata sandi pintu timur')
    assert.deepEqual([days[at - 1], days[at + 1]], [`catatan lama ${past / 2 - 1}`, `catatan lama ${past / 2 + 1}`], 'between its neighbours')
    await anna.shot('search-hit')
    await anna.page.getByRole('button', { name: 'Go to the newest message' }).click()
    await visible(anna.message(`catatan lama ${past - 1}`))
    await anna.page.unroute(/\/messages\?limit=60$/)
    await anna.page.getByRole('button', { name: 'Clear search' }).click()
  })

  test('e-mail, phone, quotes, lists and long texts are shown as what they are', async () => {
    await anna.openChat('Siti Rahma')
    await say(siti, 'tulis ke toko@melati.example atau +62 812-3456-7890')
    const first = anna.message('tulis ke toko')
    assert.equal(await first.getByRole('link', { name: 'toko@melati.example' }).getAttribute('href'), 'mailto:toko@melati.example')
    assert.equal(await first.getByRole('link', { name: '+62 812-3456-7890' }).getAttribute('href'), 'tel:+6281234567890')
    await say(siti, '> kata Ibu\nbeli:\n- gula\n- kopi\n1. cuci\n2. masak')
    await visible(anna.page.locator('.msg blockquote', { hasText: 'kata Ibu' }))
    assert.deepEqual(await anna.page.locator('.msg ul li').allInnerTexts(), ['gula', 'kopi'])
    assert.equal(await anna.page.locator('.msg ol li').count(), 2)
    await say(siti, `panjang sekali ${'kata '.repeat(600)} tamat`)
    const long = anna.message('panjang sekali')
    await visible(long.getByRole('button', { name: 'Read more' }))
    assert.equal(await long.getByText('tamat').count(), 0)
    await anna.shot('rich')
    await axe(anna.page, 'rich messages')
    await long.getByRole('button', { name: 'Read more' }).click()
    await visible(long.getByText('tamat'))
    await visible(long.getByRole('button', { name: 'Show less' }))
  })

  test('a text that is too long is not sent, and says by how much', async () => {
    await anna.page.locator('.composer textarea').fill('x'.repeat(65_540))
    await visible(anna.page.getByText('4 characters too long'))
    assert.equal(await anna.page.getByRole('button', { name: 'Send', exact: true }).isDisabled(), true)
    await anna.page.locator('.composer textarea').fill('')
  })

  test('one that failed tells why, in the language of the reader, and is sent again', async () => {
    const session = (await house.api('GET', `/sessions/${made.id}`)).data.id
    await house.api('POST', `/sessions/${session}/send-message`, { to: '6289999999999', message: 'siapa di sana?' })
    const chat = anna.page.locator('.chat-link', { hasText: 'siapa di sana?' })
    await visible(chat.locator('.tick[data-status="FAILED"]'))
    await chat.click()
    const failed = anna.message('siapa di sana?').first()
    await visible(failed.getByText('This number is not on WhatsApp.'))
    await axe(anna.page, 'a failed message')
    await anna.shot('failed')
    await failed.getByRole('button', { name: 'Try again' }).click()
    await visible(anna.page.locator('.msg').nth(1))
    await visible(failed.getByText('Sent again below.'))
    await anna.page.evaluate(() => localStorage.setItem('wabox.prefs', JSON.stringify({ ...JSON.parse(localStorage.getItem('wabox.prefs') ?? '{}'), language: 'id' })))
    await anna.page.reload()
    await visible(anna.page.getByText('Nomor ini tidak terdaftar di WhatsApp.'))
  })

  test('what the server refuses is told in Bahasa too', async () => {
    anna.expected.add(400)
    await anna.go('/profile')
    await anna.page.getByLabel('Kata sandi sekarang').fill('bukan ini')
    await anna.page.getByLabel('Kata sandi baru', { exact: true }).fill('Another-Passw0rd')
    await anna.page.getByLabel('Kata sandi baru sekali lagi').fill('Another-Passw0rd')
    await anna.page.getByRole('button', { name: 'Ganti kata sandi' }).click()
    await visible(anna.page.getByText('Kata sandi sekarang salah.'))
    anna.expected.delete(400)
  })
})

describe('small windows', () => {
  test('at 400 % zoom there is room for chats, and the filters are one row', async () => {
    const zoomed = await house.person({ viewport: { width: 320, height: 256 } })
    await zoomed.login('admin')
    await visible(zoomed.chat('Siti Rahma'))
    const seen = await zoomed.page.evaluate(() => {
      const pane = document.querySelector('.list-pane')
      pane.scrollTop = pane.scrollHeight
      const bottom = pane.getBoundingClientRect().bottom
      const rows = [...document.querySelectorAll('.row-slot')].filter(one => { const r = one.getBoundingClientRect(); return r.top >= 0 && r.bottom <= bottom + 1 })
      const tops = new Set([...document.querySelectorAll('.chip')].map(one => Math.round(one.getBoundingClientRect().top)))
      return { rows: rows.length, lines: tops.size, width: document.documentElement.scrollWidth }
    })
    assert.ok(seen.rows >= 2, JSON.stringify(seen))
    assert.deepEqual([seen.lines, seen.width], [1, 320])
    await zoomed.shot('zoom-400')
    await axe(zoomed.page, 'the list at 400 %')
    await zoomed.page.context().close()
  })

  test('no page complained in its console', () => {
    assert.deepEqual(house.complaints(), [])
  })
})
