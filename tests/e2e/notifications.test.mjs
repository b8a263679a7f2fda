// Being told of a message while looking elsewhere: desktop notifications, and the unread count in the tab's title.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { House } from './lib/house.mjs'

const SUPPORT = '6281200000021'
const SALES = '6281200000022'
let house, made, anna, page, siti, rudi, elsewhere

before(async () => {
  house = await House.open()
  made = await house.furnish({ users: [['anna', 'Anna Wijaya']], numbers: [['Support', SUPPORT], ['Sales', SALES]], grants: [['anna', 'Support']] })
  siti = await house.sim.addPhone({ phone: '6281300000021', pushName: 'Siti Rahma' })
  rudi = await house.sim.addPhone({ phone: '6281300000022', pushName: 'Rudi Hartono' })
  for (const one of [siti, rudi]) await say(one, 'Halo')
  anna = await house.person({ permissions: ['notifications'] })
  page = anna.page
  await page.addInitScript(watchNotifications)
  await anna.login('anna')
})
after(() => house?.close())

/** In the page: notes each notification and lets it happen. */
function watchNotifications() {
  window.told = []
  window.Notification = new Proxy(window.Notification, {
    construct(target, [title, options]) {
      const shown = new target(title, options)
      window.told.push({ title, body: options?.body, shown })
      return shown
    }
  })
  const { showNotification } = ServiceWorkerRegistration.prototype
  ServiceWorkerRegistration.prototype.showNotification = function (title, options) {
    window.told.push({ title, body: options?.body })
    return showNotification.call(this, title, options)
  }
}

const say = (from, text, to = SUPPORT) => house.sim.phoneSend(from.phone, { to, text })
const isTold = body => page.waitForFunction(text => window.told.some(one => one.body.includes(text)), body)
const visible = locator => locator.first().waitFor({ state: 'visible' })
const titled = title => page.waitForFunction(wanted => document.title === wanted, title)

/** What was told since the last call. Events of a number come in order, so all before `last` has been dealt with. */
async function toldUpTo(last) {
  await isTold(last)
  return page.evaluate(() => window.told.splice(0).map(one => `${one.title}: ${one.body}`))
}

/** The page keeps its chat, but somebody looks at another window. */
async function lookElsewhere() {
  await (await page.context().newCDPSession(page)).send('Emulation.setFocusEmulationEnabled', { enabled: false })
  elsewhere ??= await page.context().newPage()
  await elsewhere.bringToFront()
  await page.waitForFunction(() => !document.hasFocus())
}

describe('notifications', () => {
  test('are off until switched on, in the list or in the profile', async () => {
    await say(siti, 'belum menyala')
    await visible(anna.chat('Siti Rahma').getByText('belum menyala'))
    assert.deepEqual(await page.evaluate(() => window.told.length), 0)
    await page.getByRole('button', { name: 'Turn on' }).click()
    await page.getByText('Get notified of new messages').waitFor({ state: 'detached' })
    await anna.go('/profile')
    await visible(page.getByRole('switch', { name: 'Desktop notifications', checked: true }))
    await page.getByRole('switch', { name: 'Desktop notifications' }).click()
    await visible(page.getByRole('switch', { name: 'Desktop notifications', checked: false }))
    await page.getByRole('switch', { name: 'Desktop notifications' }).click()
    await visible(page.getByRole('switch', { name: 'Desktop notifications', checked: true }))
    await anna.go('/inbox')
  })

  test('a message to a chat that is not open is told once, with sender and text; one to the open chat is not', async () => {
    await anna.openChat('Siti Rahma')
    await visible(anna.message('belum menyala'))
    await say(siti, 'sudah terlihat')
    await visible(anna.message('sudah terlihat'))
    await say(rudi, 'Apakah masih ada?')
    assert.deepEqual(await toldUpTo('Apakah masih ada?'), ['Rudi Hartono: Apakah masih ada?'])
  })

  test('the open chat is told of too while somebody looks elsewhere', async () => {
    await lookElsewhere()
    await say(siti, 'Kamu di mana?')
    assert.deepEqual(await toldUpTo('Kamu di mana?'), ['Siti Rahma: Kamu di mana?'])
  })

  test('nothing is told of muted chats, of what the team writes, of numbers of others', async () => {
    await house.sim.setChat(SUPPORT, { chat: rudi.phone, muteUntilMs: -1 })
    await visible(anna.chat('Rudi Hartono').getByText('Muted'))
    await say(rudi, 'diam saja')
    await say(siti, 'untuk nomor lain', SALES)
    const session = (await house.api('GET', `/sessions/${made.numbers.Support.id}`)).data.id
    await house.api('POST', `/sessions/${session}/send-message`, { to: siti.phone, message: 'dari admin' })
    await house.sim.addPhone({ phone: SUPPORT, pushName: 'Support' })
    await house.sim.phoneSend(SUPPORT, { to: siti.phone, text: 'dari telepon' })
    await visible(anna.message('dari telepon'))
    await visible(anna.chat('Rudi Hartono').getByText('diam saja'))
    await say(siti, 'penanda')
    assert.deepEqual(await toldUpTo('penanda'), ['Siti Rahma: penanda'])
    await house.sim.setChat(SUPPORT, { chat: rudi.phone, muteUntilMs: 0 })
    await anna.chat('Rudi Hartono').getByText('Muted').waitFor({ state: 'detached' })
    await say(rudi, 'bersuara lagi')
    assert.deepEqual(await toldUpTo('bersuara lagi'), ['Rudi Hartono: bersuara lagi'])
  })

  test('a group is told with who writes and the names of who is mentioned; a click opens it', async () => {
    const group = await house.sim.addGroup({ subject: 'Tim Gudang', owner: siti.phone, members: [rudi.phone, SUPPORT], addressing: 'lid' })
    const { lid } = await house.sim.phone(SUPPORT)
    await house.sim.phoneSend(rudi.phone, { to: group.jid, text: `@${siti.lid} dan @${lid} tolong hitung`, mentions: [siti.phone, SUPPORT] })
    await isTold('tolong hitung')
    await page.evaluate(() => window.told.at(-1).shown.dispatchEvent(new Event('click')))
    await visible(page.getByRole('heading', { level: 2, name: 'Tim Gudang' }))
    assert.deepEqual(await toldUpTo('tolong hitung'), ['Tim Gudang: Rudi Hartono: @Siti Rahma dan @Support tolong hitung'])
  })

  test('many chats after a cut are told in one', async () => {
    anna.cut()
    await visible(page.getByText('Connection lost.', { exact: false }))
    for (let i = 1; i <= 5; i++) {
      const one = await house.sim.addPhone({ phone: `628130000003${i}`, pushName: `Pelanggan ${i}` })
      await say(one, `saat putus ${i}`)
    }
    anna.restore()
    await visible(anna.chat('Pelanggan 5'))
    await page.waitForFunction(() => window.told.length > 0)
    await say(siti, 'sesudah putus')
    const told = await toldUpTo('sesudah putus')
    assert.ok(told.length <= 3, told.join(' | '))
    assert.match(told[0], /^\d chats have new messages/)
    anna.isCut = false
  })
})

describe("the tab's title", () => {
  test('counts unread chats, keeps counting on other screens, and goes back when they are read', async () => {
    await page.bringToFront()
    await page.waitForFunction(() => document.hasFocus())
    await anna.go('/inbox')
    for (const row of await page.locator('.chat-unread .chat-name').allInnerTexts()) {
      await anna.openChat(row)
      await anna.chat(row).locator('.unread').waitFor({ state: 'detached' })
    }
    await titled('Inbox · WaBox')
    await anna.go('/templates')
    await titled('Templates · WaBox')
    for (const [one, count] of [[siti, 1], [siti, 1], [rudi, 2]]) {
      await say(one, `belum dibaca ${count}`)
      await titled(`(${count}) Templates · WaBox`)
    }
    await anna.go('/inbox')
    await titled('(2) Inbox · WaBox')
    await anna.openChat('Siti Rahma')
    await titled('(1) Inbox · WaBox')
    await anna.openChat('Rudi Hartono')
    await titled('Inbox · WaBox')
  })

  test('no page complained in its console', () => {
    assert.deepEqual(house.complaints(), [])
  })
})
