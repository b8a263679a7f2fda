// WCAG: axe-core on every screen in both themes and on a phone, and the main work done with the keyboard alone.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { axe } from './lib/axe.mjs'
import { ADMIN_PASSWORD, House, readQr } from './lib/house.mjs'

const SUPPORT = '6281200000011'
let house

before(async () => {
  house = await House.open()
  await house.furnish({ users: [['anna', 'Anna Wijaya']], numbers: [['Support', SUPPORT]], grants: [['anna', 'Support']] })
  await house.api('POST', '/chat-templates', { name: 'Greeting', commands: '/halo', content: 'Halo {{name}}', isActive: true })
  for (const [phone, pushName] of [['6281300000011', 'Siti Rahma'], ['6281300000012', 'Rudi Hartono']]) {
    await house.sim.addPhone({ phone, pushName, receipts: 'read' })
    for (const text of ['Halo', 'Lihat https://example.com ya', '*penting* sekali']) await house.sim.phoneSend(phone, { to: SUPPORT, text })
  }
})
after(() => house?.close())

const screens = [
  ['/inbox', 'Siti Rahma'], ['/dashboard', 'Messages per hour'], ['/numbers', 'Support'], ['/templates', '/halo'], ['/users', 'Anna Wijaya'],
  ['/permissions', 'Anna Wijaya'], ['/api-keys', 'API keys'], ['/audit', 'login'], ['/profile', 'Change password'], ['/nowhere', 'Page not found']
]
const looks = [
  ['light', {}], ['dark', { colorScheme: 'dark' }], ['phone', { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }], ['tablet', { viewport: { width: 820, height: 1180 } }]
]

for (const [look, options] of looks) {
  describe(look, () => {
    let person
    before(async () => {
      person = await (await house.person(options)).sendAtOnce()
    })
    after(() => person.page.context().close())

    test('login', async () => {
      await person.page.goto('/')
      await person.page.getByRole('button', { name: 'Sign in' }).click()
      await person.page.getByText('First time here?').click()
      await axe(person.page, 'login with errors')
      await person.login('admin')
    })

    for (const [path, text] of screens) {
      test(path, async () => {
        await person.go(path)
        await person.page.locator('main').getByText(text).first().waitFor()
        await person.page.getByRole('heading', { level: 1 }).waitFor()
        await axe(person.page, path)
        await person.shot(`screen-${look}${path.replace('/', '-')}`)
      })
    }

    test('conversation, completion, emoji, details', async () => {
      await person.go('/inbox')
      await person.openChat('Siti Rahma')
      await person.page.locator('.bubble').first().waitFor()
      await person.write(`jawaban ${look}`)
      await person.message(`jawaban ${look}`).locator('.tick[data-status="READ"]').waitFor()
      await axe(person.page, 'conversation')
      await person.page.locator('.composer textarea').pressSequentially('/')
      await person.page.getByRole('option').first().waitFor()
      await axe(person.page, 'template completion')
      await person.page.locator('.composer textarea').fill('')
      await person.page.getByRole('button', { name: 'Emoji' }).click()
      await person.page.getByRole('region', { name: 'Faces' }).waitFor()
      await axe(person.page, 'emoji')
      await person.page.keyboard.press('Escape')
      await person.message('Halo').first().focus()
      await person.page.keyboard.press('i')
      await person.page.getByRole('dialog', { name: 'Message details' }).getByText('Sent').first().waitFor()
      await axe(person.page, 'message details')
      await person.page.keyboard.press('Escape')
    })

    test('search', async () => {
      await person.go('/inbox')
      await person.page.getByRole('searchbox').fill('penting')
      await person.page.locator('.hit').first().waitFor()
      await axe(person.page, 'search')
      await person.page.getByRole('searchbox').fill('tidakadasamasekali')
      await person.page.getByText('Nothing found').waitFor()
      await axe(person.page, 'nothing found')
      await person.page.getByRole('button', { name: 'Clear search' }).click()
    })

    test('dialogs', async () => {
      await person.go('/numbers')
      await person.page.getByRole('button', { name: 'Add number' }).click()
      await person.page.getByRole('button', { name: 'Save' }).click()
      await axe(person.page, 'number form')
      await person.page.keyboard.press('Escape')
      await person.page.getByRole('button', { name: 'Actions for Support' }).click()
      await person.page.getByRole('menuitem', { name: 'Delete' }).waitFor()
      await axe(person.page, 'row menu')
      await person.page.getByRole('menuitem', { name: 'Delete' }).click()
      await person.page.getByRole('alertdialog').waitFor()
      await axe(person.page, 'confirmation')
      await person.page.keyboard.press('Escape')
      await person.page.keyboard.press('Control+/')
      await person.page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
      await axe(person.page, 'shortcuts')
      await person.page.keyboard.press('Escape')
    })
  })
}

describe('an agent without rights', () => {
  test('sees what is denied, and empty places, in words', async () => {
    const person = await house.person()
    await person.login('anna')
    for (const path of ['/users', '/audit']) {
      await person.go(path)
      await person.page.getByText('No access').waitFor()
      await axe(person.page, `${path} denied`)
    }
    await person.go('/inbox/00000000-0000-4000-8000-000000000000')
    await person.page.getByText('Chat not found').waitFor()
    await axe(person.page, 'missing chat')
    await person.page.context().close()
  })
})

describe('keyboard alone', () => {
  /** Tabs on until the focus stands on what is wanted. */
  async function tabTo(page, test, limit = 60) {
    for (let i = 0; i < limit; i++) {
      await page.keyboard.press('Tab')
      const name = await page.evaluate(() => {
        const e = document.activeElement
        return `${e?.tagName} ${e?.getAttribute('aria-label') ?? ''} ${e?.textContent ?? ''}`.trim()
      })
      if (test.test(name)) return
    }
    assert.fail(`no ${test} within ${limit} tabs`)
  }

  test('login, choose a chat, send, reply', async () => {
    const { page, ...person } = await (await house.person()).sendAtOnce()
    await page.goto('/')
    await page.getByLabel('Username or email').waitFor()
    await page.keyboard.type('anna')
    await page.keyboard.press('Tab')
    await page.keyboard.type(ADMIN_PASSWORD)
    await page.keyboard.press('Enter')
    await page.locator('.chat-link').first().waitFor()
    await tabTo(page, /^A .*(Siti|Rudi)/)
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowUp')
    await page.waitForFunction(() => document.activeElement?.classList.contains('chat-link'))
    await page.keyboard.press('Enter')
    await page.locator('.bubble').first().waitFor()
    await page.waitForFunction(() => document.activeElement?.tagName === 'TEXTAREA')
    await page.keyboard.type('dengan papan ketik')
    await page.keyboard.press('Enter')
    await page.locator('.msg', { hasText: 'dengan papan ketik' }).locator('.tick[data-status="READ"]').waitFor()
    await page.keyboard.press('Alt+m')
    await page.waitForFunction(() => document.activeElement?.classList.contains('msg'))
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('r')
    await page.locator('.composer-reply').waitFor()
    await page.keyboard.press('Escape')
    await page.locator('.composer-reply').waitFor({ state: 'detached' })
    await page.keyboard.press('Escape')
    await page.getByText('Choose a chat').waitFor()
    await page.keyboard.press('Alt+ArrowDown')
    await page.locator('.chat-head').waitFor()
    await page.context().close()
    assert.deepEqual(person.errors, [])
  })

  test('link a number', async () => {
    const { page } = await house.person()
    await page.goto('/')
    await page.getByLabel('Username or email').waitFor()
    await page.keyboard.type('admin')
    await page.keyboard.press('Tab')
    await page.keyboard.type(ADMIN_PASSWORD)
    await page.keyboard.press('Enter')
    await page.locator('.chat-link').first().waitFor()
    await page.evaluate(() => document.body.focus())
    await tabTo(page, /^A .*Numbers/)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Numbers', level: 1 }).waitFor()
    await tabTo(page, /^BUTTON .*Add number/)
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    await page.waitForFunction(() => document.activeElement?.tagName === 'INPUT')
    await page.keyboard.type('Keyboard')
    await page.keyboard.press('Tab')
    await page.keyboard.type('0812 0000 0077')
    await page.keyboard.press('Enter')
    await page.getByRole('cell', { name: /^Keyboard/ }).waitFor()
    await tabTo(page, /^BUTTON Link: Keyboard/)
    await page.keyboard.press('Enter')
    await page.getByTestId('qr').waitFor()
    await axe(page, 'linking by QR')
    await house.sim.scanQr(readQr(await page.getByTestId('qr').getAttribute('src')), { phone: '6281200000077', pushName: 'Keyboard' })
    await page.getByRole('button', { name: 'Done' }).waitFor()
    await axe(page, 'linked')
    await tabTo(page, /^BUTTON .*Done/)
    await page.keyboard.press('Enter')
    await page.getByRole('row', { name: /Keyboard/ }).getByText('Connected').waitFor()
    await page.context().close()
  })

  test('no page complained in its console', () => {
    assert.deepEqual(house.complaints(), [])
  })
})
