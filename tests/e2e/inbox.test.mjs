// One day in an inbox: an administrator, two agents with different rights, customers on simulated phones.
// The steps build on one another; each says what it is about.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ADMIN_PASSWORD, House, readQr } from './lib/house.mjs'

const SUPPORT = '6281200000001'
const SALES = '6281200000002'
let house, admin, anna, bagus, siti, rudi
let supportId

before(async () => {
  house = await House.open()
  admin = await (await house.person()).sendAtOnce()
  anna = await (await house.person()).sendAtOnce()
  bagus = await (await house.person()).sendAtOnce()
  siti = await house.sim.addPhone({ phone: '6281300000001', pushName: 'Siti Rahma', receipts: 'read' })
  rudi = await house.sim.addPhone({ phone: '6281300000002', pushName: 'Rudi Hartono', receipts: 'delivery' })
})
after(() => house?.close())

const visible = locator => locator.first().waitFor({ state: 'visible' })
const say = (from, to, text, more = {}) => house.sim.phoneSend(from.phone, { to, text, ...more })
const tick = (person, text, status) => visible(person.message(text).locator(`.tick[data-status="${status}"]`))

describe('setting up', () => {
  test('a wrong password is refused in words, the right one opens the house', async () => {
    admin.expected.add(401)
    await admin.page.goto('/')
    await admin.shot('login')
    await admin.page.getByLabel('Username or email').fill('admin')
    await admin.page.getByLabel('Password', { exact: true }).fill('wrong')
    await admin.page.getByRole('button', { name: 'Sign in' }).click()
    await visible(admin.page.getByText('Username or password is wrong.'))
    admin.expected.delete(401)
    await admin.login('admin')
    await visible(admin.page.getByText('Welcome to WaBox'))
  })

  test('the page is served under a policy that allows no inline scripts and no eval', async () => {
    const answer = await fetch(`${house.url}/`)
    const policy = answer.headers.get('content-security-policy') ?? ''
    const scripts = /script-src ([^;]*)|default-src ([^;]*)/.exec(policy)
    assert.ok(scripts, `a script-src in ${JSON.stringify(policy)}`)
    assert.doesNotMatch(scripts[0], /unsafe-inline|unsafe-eval|\*|https?:/)
  })

  test('a number is added and linked by QR', async () => {
    await admin.go('/numbers')
    await admin.page.getByRole('button', { name: 'Add number' }).first().click()
    const form = admin.page.getByRole('dialog', { name: 'Add number' })
    await form.getByRole('button', { name: 'Save' }).click()
    await visible(form.getByText('Please fill this in.'))
    await form.getByLabel('Name').fill('Support')
    await form.getByLabel('Phone number').fill('0812 0000 0001')
    await form.getByRole('button', { name: 'Save' }).click()
    await visible(admin.page.getByRole('cell', { name: /Support/ }))
    await admin.page.getByRole('button', { name: /Link.*Support/ }).click()
    const qr = admin.page.getByTestId('qr')
    await visible(qr)
    await admin.shot('link-qr')
    await visible(admin.page.getByText(/A new code comes in \d+ s/))
    await house.sim.scanQr(readQr(await qr.getAttribute('src')), { phone: SUPPORT, pushName: 'Support' })
    await visible(admin.page.getByText('Linked! Chats are being loaded.').last())
    await admin.shot('link-done')
    await admin.page.getByRole('button', { name: 'Done' }).click()
    await visible(admin.page.getByRole('row', { name: /Support/ }).getByText('Connected'))
    await house.adminToken()
    supportId = (await house.api('GET', '/whatsapp')).whatsappNumbers.find(one => one.name === 'Support').id
  })

  test('another number is linked by a pairing code', async () => {
    await admin.page.getByRole('button', { name: 'Add number' }).click()
    const form = admin.page.getByRole('dialog', { name: 'Add number' })
    await form.getByLabel('Name').fill('Sales')
    await form.getByLabel('Phone number').fill(`+${SALES}`)
    await form.getByRole('button', { name: 'Save' }).click()
    await admin.page.getByRole('button', { name: /Link.*Sales/ }).click()
    await admin.page.getByRole('tab', { name: 'Pairing code' }).click()
    const code = admin.page.getByTestId('pairing-code')
    await visible(code)
    const text = await code.innerText()
    assert.match(text, /^[0-9A-Z]{4}-[0-9A-Z]{4}$/)
    await admin.shot('link-code')
    await house.sim.enterCode(text, SALES)
    await visible(admin.page.getByText('Linked! Chats are being loaded.').last())
    await admin.page.getByRole('button', { name: 'Done' }).click()
  })

  test('the same number twice is refused under its field', async () => {
    admin.expected.add(409)
    await admin.page.getByRole('button', { name: 'Add number' }).click()
    const form = admin.page.getByRole('dialog', { name: 'Add number' })
    await form.getByLabel('Name').fill('Twin')
    await form.getByLabel('Phone number').fill(SUPPORT)
    await form.getByRole('button', { name: 'Save' }).click()
    await visible(form.getByText('This number exists already: Support'))
    await form.getByRole('button', { name: 'Cancel' }).click()
    admin.expected.delete(409)
  })

  test('agents are added and given their numbers', async () => {
    await admin.go('/users')
    for (const [name, username] of [['Anna Wijaya', 'anna'], ['Bagus Pratama', 'bagus']]) {
      await admin.page.getByRole('button', { name: 'Add user' }).click()
      const form = admin.page.getByRole('dialog', { name: 'Add user' })
      await form.getByLabel('Name', { exact: true }).fill(name)
      await form.getByLabel('Username').fill(username)
      await form.getByLabel('Email').fill(`${username}@example.org`)
      await form.getByLabel('Password').fill(ADMIN_PASSWORD)
      await form.getByRole('button', { name: 'Save' }).click()
      await visible(admin.page.getByRole('cell', { name: new RegExp(name) }))
    }
    await admin.shot('users')
    await admin.go('/permissions')
    for (const [name, number] of [['Anna Wijaya', 'Support'], ['Bagus Pratama', 'Sales']]) {
      await admin.page.getByRole('button', { name: new RegExp(name) }).click()
      await admin.page.getByRole('switch', { name: number }).click()
      await visible(admin.page.getByRole('switch', { name: number, checked: true }))
    }
    await admin.shot('permissions')
    await anna.login('anna')
    await bagus.login('bagus')
    await admin.go('/inbox')
  })
})

describe('talking', () => {
  test("a customer's message appears at those who may see it, and not at the others", async () => {
    await say(siti, SUPPORT, 'Selamat pagi, apakah masih buka?')
    await Promise.all([visible(admin.chat('Siti Rahma')), visible(anna.chat('Siti Rahma'))])
    await visible(anna.chat('Siti Rahma').getByText('Selamat pagi, apakah masih buka?'))
    await say(rudi, SALES, 'Berapa harganya?')
    await visible(bagus.chat('Rudi Hartono'))
    assert.equal(await bagus.chat('Siti Rahma').count(), 0)
    assert.equal(await anna.chat('Rudi Hartono').count(), 0)
    assert.match(await anna.page.title(), /^\(1\) /)
  })

  test('opening it reads it for everybody', async () => {
    await anna.openChat('Siti Rahma')
    await visible(anna.message('Selamat pagi, apakah masih buka?'))
    await anna.chat('Siti Rahma').locator('.unread').waitFor({ state: 'detached' })
    await admin.chat('Siti Rahma').locator('.unread').waitFor({ state: 'detached' })
  })

  test('the reply of one shows "sent by" at the other, and its ticks go to read', async () => {
    await admin.openChat('Siti Rahma')
    await anna.write('Selamat pagi! Ya, kami buka.')
    await visible(admin.page.getByText('Sent by Anna Wijaya'))
    await visible(admin.chat('Siti Rahma').filter({ has: admin.page.getByText('Written by the team:') }))
    await visible(admin.message('Selamat pagi! Ya, kami buka.'))
    await tick(anna, 'Selamat pagi! Ya, kami buka.', 'READ')
    await tick(admin, 'Selamat pagi! Ya, kami buka.', 'READ')
    assert.equal(await anna.message('Selamat pagi! Ya, kami buka.').count(), 1, 'the optimistic row gave way to the stored one')
    const { messages } = await house.sim.phoneSaw(siti.phone)
    assert.equal(messages.filter(one => one.text === 'Selamat pagi! Ya, kami buka.').length, 1)
    await admin.shot('inbox')
  })

  test('typing of the customer and of the other agent is shown, and who else looks', async () => {
    await house.sim.phonePresence(siti.phone, { chat: SUPPORT, state: 'composing' })
    await visible(anna.page.locator('.chat-head').getByText('typing…'))
    await visible(anna.page.locator('.chat-agents', { hasText: 'Admin' }))
    await anna.page.locator('.composer textarea').pressSequentially('sebentar')
    await visible(admin.page.locator('.chat-agents', { hasText: /Anna Wijaya is replying/ }))
    await anna.page.locator('.composer textarea').fill('')
  })

  test('replies, reactions, edits and revokes', async () => {
    const question = await say(siti, SUPPORT, 'Ukuran L ada?')
    await visible(anna.message('Ukuran L ada?'))
    await anna.message('Ukuran L ada?').hover()
    await anna.message('Ukuran L ada?').getByRole('button', { name: 'Reply' }).click()
    await anna.write('Ada, silakan.')
    await visible(admin.message('Ada, silakan.').locator('.quote', { hasText: 'Ukuran L ada?' }))
    await visible(anna.message('Ada, silakan.').locator('.tick[data-status="DELIVERED"], .tick[data-status="READ"]')) // the phone has it
    const mine = (await house.sim.phoneSaw(siti.phone)).messages.find(one => one.text === 'Ada, silakan.')
    assert.equal(mine.quotedId, question)
    await house.sim.phoneSend(siti.phone, { to: SUPPORT, reaction: { id: mine.id, from: SUPPORT, emoji: '👍' } })
    await visible(anna.message('Ada, silakan.').locator('.reactions', { hasText: '👍' }))
    await house.sim.phoneSend(siti.phone, { to: SUPPORT, edit: { id: question, text: 'Ukuran XL ada?' } })
    await visible(anna.message('Ukuran XL ada?').filter({ hasText: 'edited' }).filter({ hasNotText: 'silakan' }))
    const regret = await say(siti, SUPPORT, 'salah kirim')
    await visible(anna.message('salah kirim'))
    await house.sim.phoneSend(siti.phone, { to: SUPPORT, revoke: { id: regret } })
    await visible(anna.message('This message was deleted'))
    assert.equal(await anna.message('salah kirim').count(), 0)
  })

  test("a customer's text is never HTML, links are links", async () => {
    await say(siti, SUPPORT, '<img src=x onerror="document.title=1"><b>tebal</b> https://example.com/pesanan?id=1')
    const row = anna.message('<b>tebal</b>')
    await visible(row)
    assert.equal(await row.locator('b, img').count(), 0)
    const link = row.getByRole('link')
    assert.equal(await link.getAttribute('href'), 'https://example.com/pesanan?id=1')
    assert.match(await link.getAttribute('rel'), /noopener/)
  })

  test('a group shows who writes, and who is mentioned by the name that the number knows', async () => {
    const group = await house.sim.addGroup({ subject: 'Tim Gudang', owner: siti.phone, members: [rudi.phone, SUPPORT] })
    await house.sim.phoneSend(siti.phone, { to: group.jid, text: 'Stok sudah dihitung' })
    await house.sim.phoneSend(rudi.phone, { to: group.jid, text: `@${SUPPORT} mohon dicek`, mentions: [SUPPORT] })
    await anna.openChat('Tim Gudang')
    await visible(anna.page.locator('.sender', { hasText: 'Siti Rahma' }))
    await visible(anna.page.locator('.sender', { hasText: 'Rudi Hartono' }))
    await visible(anna.page.locator('.mention', { hasText: /^@Support$/ }))
    await visible(anna.chat('Tim Gudang').getByText('@Support mohon dicek'))
    const gap = await anna.page.getByTestId('messages').evaluate(pane => pane.getBoundingClientRect().bottom - [...pane.querySelectorAll('.msg')].at(-1).getBoundingClientRect().bottom)
    assert.ok(gap >= 0 && gap < 40, `a short conversation stands above the composer (${gap})`)
    await house.sim.setContact(SUPPORT, { phone: siti.phone, fullName: 'Bu Siti' })
    await visible(anna.chat('Bu Siti'))
    await house.sim.phoneSend(rudi.phone, { to: group.jid, text: `Tanya @${siti.phone} atau @6281399999999`, mentions: [siti.phone, '6281399999999'] })
    const asked = anna.message('Tanya @Bu Siti atau @+62 813-9999-9999')
    await visible(asked)
    assert.deepEqual(await asked.locator('.mention').allInnerTexts(), ['@Bu Siti', '@+62 813-9999-9999'])
    await house.sim.setContact(SUPPORT, { phone: siti.phone, fullName: '' })
    await visible(anna.chat('Siti Rahma'))
    await anna.shot('group')
    await anna.page.getByRole('button', { name: 'Groups' }).click()
    assert.equal(await anna.chat('Siti Rahma').count(), 0)
    await anna.page.getByRole('button', { name: 'All', exact: true }).click()
    await anna.openChat('Siti Rahma')
  })

  test('drafts are kept per chat', async () => {
    await anna.page.locator('.composer textarea').fill('belum selesai')
    await anna.openChat('Tim Gudang')
    await visible(anna.chat('Siti Rahma').getByText('belum selesai'))
    await anna.openChat('Siti Rahma')
    assert.equal(await anna.page.locator('.composer textarea').inputValue(), 'belum selesai')
    await anna.page.locator('.composer textarea').fill('')
  })

  test('templates: made by the admin, completed and filled in by an agent', async () => {
    await admin.go('/templates')
    await admin.page.getByRole('button', { name: 'Add template' }).first().click()
    const form = admin.page.getByRole('dialog', { name: 'Add template' })
    await form.getByLabel('Name').fill('Greeting')
    await form.getByLabel('Command').fill('/halo')
    await form.getByLabel('Text').fill('Halo {{name}}, dengan {{agent}}.\nAda yang bisa dibantu?')
    await form.getByRole('button', { name: 'Save' }).click()
    await visible(admin.page.getByRole('cell', { name: '/halo' }))
    await admin.shot('templates')
    const box = anna.page.locator('.composer textarea')
    await box.pressSequentially('/ha')
    await visible(anna.page.getByRole('option', { name: /Greeting/ }))
    await anna.shot('template-completion')
    await box.press('Enter')
    assert.equal(await box.inputValue(), 'Halo Siti Rahma, dengan Anna Wijaya.\nAda yang bisa dibantu?')
    await box.press('Enter')
    await tick(anna, 'Halo Siti Rahma, dengan Anna Wijaya.', 'READ')
    await admin.go('/inbox')
  })

  test('the undo window takes a message back before it leaves', async () => {
    const cici = await house.person()
    await cici.login('anna')
    await cici.openChat('Siti Rahma')
    await cici.write('jangan kirim ini')
    await visible(cici.page.getByText(/Sends in \d s/))
    await cici.page.getByRole('button', { name: 'Undo' }).click()
    await cici.page.getByText(/Sends in/).waitFor({ state: 'detached' })
    assert.equal(await cici.page.locator('.composer textarea').inputValue(), 'jangan kirim ini')
    await cici.page.locator('.composer textarea').fill('')
    await cici.page.waitForTimeout(3_500)
    assert.equal((await house.sim.phoneSaw(siti.phone)).messages.filter(one => one.text === 'jangan kirim ini').length, 0)
    await cici.page.context().close()
  })
})

describe('trouble', () => {
  test('a cut connection is told, and after it nothing is missing or doubled', async () => {
    await visible(anna.message('Halo Siti Rahma, dengan Anna Wijaya.'))
    anna.cut()
    await visible(anna.page.getByText('Connection lost. Trying to reconnect – nothing will be missed.'))
    await anna.shot('offline')
    const texts = Array.from({ length: 8 }, (_, i) => `saat putus nomor ${i + 1}`)
    for (const text of texts) await say(siti, SUPPORT, text)
    await admin.openChat('Siti Rahma')
    await visible(admin.message(texts.at(-1)))
    await anna.write('ditulis saat putus')
    await visible(anna.page.locator('.msg-outbox', { hasText: 'ditulis saat putus' }))
    anna.restore()
    await visible(anna.message(texts.at(-1)))
    const shown = await anna.page.locator('.msg-in .msg-text').allInnerTexts()
    assert.deepEqual(shown.filter(text => text.startsWith('saat putus')), texts, 'each once, in order')
    const failed = anna.page.locator('.msg-failed', { hasText: 'ditulis saat putus' })
    if (await failed.count()) await failed.getByRole('button', { name: 'Try again' }).click()
    await tick(anna, 'ditulis saat putus', 'READ')
    assert.equal((await house.sim.phoneSaw(siti.phone)).messages.filter(one => one.text === 'ditulis saat putus').length, 1)
    await anna.page.getByText('Connection lost').waitFor({ state: 'detached' })
    anna.isCut = false
  })

  test('search finds chats and messages, and jumps to the hit', async () => {
    for (let i = 1; i <= 90; i++) await say(siti, SUPPORT, `baris panjang ${i}`)
    await visible(anna.message('baris panjang 90'))
    await anna.page.keyboard.press('Control+k')
    await anna.page.keyboard.type('masih buka')
    const hit = anna.page.locator('.hit', { hasText: 'Selamat pagi, apakah masih buka?' })
    await visible(hit)
    await anna.shot('search')
    await hit.click()
    await visible(anna.page.locator('.messages .msg', { hasText: 'Selamat pagi, apakah masih buka?' }))
    assert.equal(await anna.message('baris panjang 90').count(), 0, 'the end is far away')
    await anna.page.getByRole('button', { name: /newest message|new message/ }).click()
    await visible(anna.message('baris panjang 90'))
    await anna.page.getByRole('button', { name: 'Clear search' }).click()
    await anna.page.getByRole('searchbox').fill('siti')
    await visible(anna.chat('Siti Rahma'))
    await anna.page.getByRole('button', { name: 'Clear search' }).click()
  })

  test('older messages come when scrolling up, and the place is kept', async () => {
    // The older page waits until it is let go, so that what is in view before and after it can be compared.
    let letGo, asked
    const held = new Promise(resolve => { letGo = resolve })
    const wasAsked = new Promise(resolve => { asked = resolve })
    await anna.page.route(/\/messages\?.*before=/, async route => { asked(); await held; await route.continue() })
    await anna.page.reload()
    await visible(anna.message('baris panjang 90'))
    const pane = anna.page.getByTestId('messages')
    const top = () => pane.evaluate(element => element.scrollTop)
    await pane.hover()
    // Up to the top of what is loaded. A turn of the wheel is over when the place no longer changes.
    for (let before = Infinity; await top() > 0 && (await top()) !== before;) {
      before = await top()
      await anna.page.mouse.wheel(0, -700)
      await anna.page.waitForFunction(([element, old]) => element.scrollTop !== old || old === 0, [await pane.elementHandle(), before])
    }
    await wasAsked
    /** Message id -> where it stands in the pane, of those in view. */
    const inView = () => pane.evaluate(element => {
      const box = element.getBoundingClientRect()
      return Object.fromEntries([...element.querySelectorAll('.msg[data-id]')].map(row => [row.dataset.id, row.getBoundingClientRect().top - box.top]).filter(([, y]) => y > 0 && y < box.height))
    })
    const before = await inView()
    assert.ok(Object.keys(before).length > 3)
    const upper = await top()
    letGo()
    await anna.page.waitForFunction(([element, old]) => element.scrollTop > old + 200, [await pane.elementHandle(), upper])
    await anna.page.evaluate(() => new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve))))
    const moved = Object.entries(await inView()).filter(([id]) => id in before).map(([id, y]) => Math.abs(y - before[id]))
    assert.equal(await anna.page.locator('.day-float').innerText(), 'Today')
    assert.ok(moved.length > 3 && Math.max(...moved) <= 2, `what was in view stands still (${moved.map(Math.round).join(' ')})`)
    await anna.page.unroute(/\/messages\?.*before=/)
    const oldest = anna.message('Selamat pagi, apakah masih buka?')
    for (let turns = 0; turns < 200 && !(await oldest.count()); turns++) {
      await anna.page.mouse.wheel(0, -700)
      await anna.page.evaluate(() => new Promise(requestAnimationFrame))
    }
    await visible(oldest)
  })

  test('a permission revoked while looking at the chat closes it at once', async () => {
    await admin.go('/permissions')
    await admin.page.getByRole('button', { name: /Anna Wijaya/ }).click()
    await admin.page.getByRole('switch', { name: 'Support' }).click()
    await visible(anna.page.getByText('You no longer have access to this chat.', { exact: false }))
    await anna.shot('denied')
    assert.equal(await anna.chat('Siti Rahma').count(), 0)
    assert.equal(await anna.page.getByText('baris panjang').count(), 0)
    await say(siti, SUPPORT, 'rahasia')
    await admin.page.getByRole('switch', { name: 'Support' }).click()
    await visible(admin.page.getByRole('switch', { name: 'Support', checked: true }))
    await anna.go('/inbox')
    await visible(anna.chat('Siti Rahma').getByText('rahasia'))
  })

  test('a session that ends brings the login page with the reason', async () => {
    anna.expected.add(401)
    await house.api('DELETE', `/users/${(await house.api('GET', '/users?search=anna')).users[0].id}`)
    await anna.page.getByText('Your session has ended. Please sign in again.').waitFor({ timeout: 40_000 })
  })
})

describe('looks', () => {
  test('a phone', async () => {
    const phone = await house.person({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true })
    await phone.login('admin')
    await visible(phone.chat('Siti Rahma'))
    await phone.shot('phone-list')
    await phone.openChat('Siti Rahma')
    await visible(phone.page.locator('.bubble'))
    await phone.shot('phone-chat')
    const wide = await phone.page.evaluate(() => document.documentElement.scrollWidth)
    assert.ok(wide <= 390, `nothing sticks out (${wide})`)
    await phone.page.getByRole('button', { name: 'Back to the list' }).click()
    await bagus.openChat('Rudi Hartono')
    await phone.chat('Rudi Hartono').filter({ hasText: 'Sales' }).click()
    await visible(phone.page.getByText('Bagus Pratama is also viewing'))
    await phone.go('/inbox/00000000-0000-4000-8000-000000000000')
    await visible(phone.page.getByText('Chat not found'))
    await phone.page.getByRole('button', { name: 'Back to the list' }).click()
    await phone.openChat('Siti Rahma')
    const lastIsSeen = () => phone.page.waitForFunction(() => [...document.querySelectorAll('.msg')].at(-1)?.getBoundingClientRect().bottom <= document.querySelector('.composer').getBoundingClientRect().top)
    await lastIsSeen()
    await phone.page.locator('.composer textarea').fill('satu\ndua\ntiga\nempat\nlima')
    await lastIsSeen()
    await phone.page.setViewportSize({ width: 390, height: 500 })
    await lastIsSeen()
    await phone.page.locator('.composer textarea').fill('')
    await phone.page.setViewportSize({ width: 390, height: 844 })
    await phone.page.getByRole('button', { name: 'Back to the list' }).click()
    await visible(phone.chat('Siti Rahma'))
    await phone.page.context().close()
  })

  test('Bahasa Indonesia', async () => {
    const page = await house.person({ language: 'id-ID' })
    await page.login('admin')
    await visible(page.page.getByRole('heading', { name: 'Kotak masuk' }))
    await page.openChat('Siti Rahma')
    await visible(page.page.getByPlaceholder('Tulis pesan'))
    assert.equal(await page.page.getAttribute('html', 'lang'), 'id')
    await page.shot('bahasa')
    // Longer words than English in the narrowest places, also with the wide letters of a bare Debian: nothing is cut off.
    const cut = () => page.page.evaluate(() => [...document.querySelectorAll('.list-head, .list-head *, .rail *')]
      .filter(one => one.children.length === 0 && one.getClientRects().length && !one.closest('.sr-only') && getComputedStyle(one).clipPath === 'none' && (one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0 && getComputedStyle(one).display !== 'inline' || one.getBoundingClientRect().right > (one.closest('.list-pane') ?? document.documentElement).getBoundingClientRect().right))
      .map(one => one.outerHTML.slice(0, 120)))
    for (const font of [null, '"DejaVu Sans", Verdana, sans-serif']) {
      for (const [width, height] of [[820, 1180], [390, 844], [360, 740]]) {
        await page.page.setViewportSize({ width, height })
        await page.page.evaluate(font => document.documentElement.style.setProperty('--font', font), font)
        await page.go('/inbox')
        await visible(page.chat('Siti Rahma'))
        assert.deepEqual(await cut(), [], `at ${width} px, ${font}`)
        await page.page.getByRole('searchbox').fill('siti')
        await visible(page.chat('Siti Rahma'))
        assert.deepEqual(await cut(), [], `searching at ${width} px, ${font}`)
        await page.page.getByRole('searchbox').fill('')
      }
    }
    await page.page.context().close()
  })

  test('dark', async () => {
    const page = await house.person({ colorScheme: 'dark' })
    await page.login('admin')
    await page.openChat('Siti Rahma')
    await visible(page.page.locator('.bubble'))
    const background = await page.page.evaluate(() => getComputedStyle(document.querySelector('.list-pane')).backgroundColor)
    assert.match(background, /rgb\((\d|1\d|2\d), /)
    await page.shot('dark')
    await page.go('/dashboard')
    await visible(page.page.getByText('Messages per hour').first())
    await page.shot('dark-dashboard')
    await page.page.context().close()
  })

  test('no page complained in its console', () => {
    assert.deepEqual(house.complaints(), [])
  })
})
