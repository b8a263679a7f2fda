// The dashboard: what GET /stats counted, drawn; and what it says when there is nothing, no right, or no server.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { House } from './lib/house.mjs'

const SUPPORT = '6281200000031'
const SALES = '6281200000032'
let house, made, admin, page, siti

before(async () => {
  house = await House.open()
  made = await house.furnish({ users: [['anna', 'Anna Wijaya'], ['bagus', 'Bagus Pratama']], numbers: [['Support', SUPPORT], ['Sales', SALES]], grants: [['anna', 'Sales']] })
  siti = await house.sim.addPhone({ phone: '6281300000031', pushName: 'Siti Rahma' })
  admin = await house.person()
  page = admin.page
})
after(() => house?.close())

const visible = locator => locator.first().waitFor({ state: 'visible' })
const say = (text, to = SUPPORT) => house.sim.phoneSend(siti.phone, { to, text })
const tile = (name, value) => visible(page.locator('.tile').filter({ has: page.getByText(name, { exact: true }) }).getByText(value, { exact: true }))
const card = name => page.getByRole('region', { name, exact: true }).first()
const choose = number => page.getByLabel('Number', { exact: true }).selectOption(number)

describe('dashboard', () => {
  test('says what there is not yet, in words', async () => {
    await admin.login('admin')
    await admin.go('/dashboard')
    await visible(card('Messages per hour').getByText('No messages in this period'))
    await visible(card('Response times').getByText('Nobody was answered in this period'))
    await tile('Average response', '–')
    await tile('Users connected', '1')
  })

  test('follows the messages: received, sent and answered per hour, as bars and as a table', async () => {
    for (const [text, to] of [['Halo', SUPPORT], ['Masih ada?', SUPPORT], ['Halo Sales', SALES]]) await say(text, to)
    await tile('Received', '3')
    const session = (await house.api('GET', `/sessions/${made.numbers.Support.id}`)).data.id
    await house.api('POST', `/sessions/${session}/send-message`, { to: siti.phone, message: 'Ada.' })
    await tile('Sent', '1')
    await tile('Customers answered', '1')
    const [hour] = (await house.api('GET', '/stats')).data.slice(-1)
    await card('Messages per hour').getByText('Show as table').click()
    const figures = await card('Messages per hour').locator('tbody tr').evaluateAll(rows => rows.map(row => [...row.cells].slice(1).map(cell => Number(cell.textContent))))
    assert.equal(figures.length, 24)
    assert.deepEqual(figures.reduce(([a, b], [c, d]) => [a + c, b + d]), [3, 1])
    assert.ok(figures.some(([received]) => received === hour.received), 'the newest hour is the one of the server')
    assert.ok(await card('Messages per hour').locator('.bar-0').count() > 0)
    await visible(card('Response times').getByText('1 answer'))
    assert.ok(await card('Response times').locator('.bar').count() > 0)
    await admin.shot('dashboard')
  })

  test('shows one number, or more days', async () => {
    await choose('Sales')
    await tile('Received', '1')
    await tile('Sent', '0')
    await choose('All numbers')
    await page.getByRole('button', { name: '7 days' }).click()
    await visible(card('Messages per day'))
    await tile('Received', '3')
    assert.equal(await card('Messages per day').locator('.slot').count(), 7)
    await page.getByRole('button', { name: '24 hours' }).click()
  })

  test('numbers by state follow their links; users connected are counted', async () => {
    const states = card('Numbers by state')
    await visible(states.getByRole('listitem').filter({ hasText: 'Connected' }).getByText('2'))
    const session = (await house.api('GET', `/sessions/${made.numbers.Sales.id}`)).data.id
    await house.api('PATCH', `/sessions/${session}/status`, { status: 'DISCONNECTED' })
    await visible(states.getByRole('listitem').filter({ hasText: 'Disconnected' }).getByText('1'))
    const anna = await (await house.person()).login('anna')
    await admin.go('/inbox')
    await admin.go('/dashboard')
    await page.reload()
    await tile('Users connected', '2')
    await anna.page.context().close()
  })
})

describe('without figures', () => {
  test('a server that fails is told, and asked again on demand', async () => {
    const anna = await (await house.person()).login('anna')
    await visible(anna.page.getByRole('heading', { name: 'Inbox' }))
    anna.expected.add(503)
    await anna.page.route('**/stats*', route => route.fulfill({ status: 503, json: { success: false, error: 'Service Unavailable', message: 'The store is busy.' } }))
    await anna.go('/dashboard')
    await visible(anna.page.getByText('The store is busy.'))
    await anna.page.unroute('**/stats*')
    await anna.page.getByRole('button', { name: 'Try again' }).click()
    await visible(anna.page.getByRole('heading', { name: 'Messages per hour' }))
    await anna.page.context().close()
  })

  test('a number that is not theirs is refused by the server and said so', async () => {
    const anna = await (await house.person()).login('anna')
    await visible(anna.page.getByRole('heading', { name: 'Inbox' }))
    anna.expected.add(403)
    await anna.page.route('**/stats*', route => route.continue({ url: `${route.request().url()}&whatsappNumberId=${made.numbers.Support.id}` }))
    await anna.go('/dashboard')
    await visible(anna.page.getByText('No access'))
    await anna.page.context().close()
  })

  test('somebody without a number reads why the page is empty', async () => {
    const bagus = await (await house.person()).login('bagus')
    await bagus.go('/dashboard')
    await visible(bagus.page.getByText('No numbers yet'))
    await house.api('POST', '/wapermission', { userId: made.users.bagus.id, whatsappNumberId: made.numbers.Sales.id })
    await visible(bagus.page.getByRole('heading', { name: 'Messages per hour' }))
    await bagus.page.context().close()
  })

  test('no page complained in its console', () => {
    assert.deepEqual(house.complaints(), [])
  })
})
