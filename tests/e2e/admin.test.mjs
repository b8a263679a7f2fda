// Administration over a real server, without any WhatsApp number: users, templates, api keys, audit, profile, sessions.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ADMIN_PASSWORD, House } from './lib/house.mjs'

let house, admin, page

before(async () => {
  house = await House.open()
  admin = await house.person()
  page = admin.page
  await admin.login('admin')
})
after(() => house?.close())

const visible = locator => locator.first().waitFor({ state: 'visible' })
const row = text => page.getByRole('row', { name: text })
const dialog = name => page.getByRole('dialog', { name })

async function addUser(name, username, email, password = ADMIN_PASSWORD) {
  await page.getByRole('button', { name: 'Add user' }).click()
  const form = dialog('Add user')
  await form.getByLabel('Name', { exact: true }).fill(name)
  await form.getByLabel('Username').fill(username)
  await form.getByLabel('Email').fill(email)
  await form.getByLabel('Password').fill(password)
  await form.getByRole('button', { name: 'Save' }).click()
  return form
}

async function rowAction(name, action) {
  await page.getByRole('button', { name: `Actions for ${name}` }).click()
  await page.getByRole('menuitem', { name: action }).click()
}

describe('users', () => {
  before(() => admin.go('/users'))

  test('fields are checked before anything is sent', async () => {
    const form = await addUser('', 'x', 'no address', 'short')
    await visible(form.getByText('Please fill this in.'))
    await visible(form.getByText('This is not an email address.'))
    await visible(form.getByText('At least 8 characters.'))
    await page.keyboard.press('Escape')
  })

  test('are created, found, changed and deleted', async () => {
    await addUser('Anna Wijaya', 'anna', 'anna@example.org')
    await visible(row(/Anna Wijaya/))
    await addUser('Bagus Pratama', 'bagus', 'bagus@example.org')
    await visible(row(/Bagus Pratama/))
    await page.getByRole('searchbox').fill('anna')
    await row(/Bagus Pratama/).waitFor({ state: 'detached' })
    await visible(row(/Anna Wijaya/))
    await page.getByRole('searchbox').fill('')
    await rowAction('Bagus Pratama', 'Edit')
    await dialog('Edit user').getByLabel('Name', { exact: true }).fill('Bagus P.')
    await dialog('Edit user').getByRole('button', { name: 'Save' }).click()
    await visible(row(/Bagus P\./))
    await rowAction('Bagus P.', 'Delete')
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click()
    await row(/Bagus P\./).waitFor({ state: 'detached' })
  })

  test('a taken username is refused under its field', async () => {
    admin.expected.add(409)
    const form = await addUser('Another Anna', 'anna', 'other@example.org')
    await visible(form.locator('.field-bad', { hasText: 'Username' }).getByText('Username already exists'))
    await page.keyboard.press('Escape')
    admin.expected.delete(409)
  })

  test('one cannot delete oneself', async () => {
    await page.getByRole('button', { name: 'Actions for Administrator' }).or(page.getByRole('button', { name: 'Actions for Admin' })).click()
    await visible(page.getByRole('menuitem', { name: 'Edit' }))
    assert.equal(await page.getByRole('menuitem', { name: 'Delete' }).count(), 0)
    await page.keyboard.press('Escape')
  })
})

describe('templates', () => {
  before(() => admin.go('/templates'))

  test('are created with a preview, changed and deleted', async () => {
    await page.getByRole('button', { name: 'Add template' }).first().click()
    const form = dialog('Add template')
    await form.getByLabel('Name').fill('Greeting')
    await form.getByLabel('Command').fill('halo')
    await form.getByLabel('Text').fill('Halo {{name}}')
    await visible(form.getByText('Halo Siti Rahma'))
    await form.getByRole('button', { name: 'Save' }).click()
    await visible(row(/\/halo/))
    await rowAction('Greeting', 'Edit')
    await dialog('Edit template').getByRole('switch').click()
    await dialog('Edit template').getByRole('button', { name: 'Save' }).click()
    await visible(row(/\/halo/).getByText('Inactive'))
    await rowAction('Greeting', 'Delete')
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click()
    await row(/\/halo/).waitFor({ state: 'detached' })
    await visible(page.getByText('Nothing here yet'))
  })
})

describe('api keys', () => {
  test('are shown once, work, and are deleted', async () => {
    await admin.go('/api-keys')
    await page.getByRole('button', { name: 'Create key' }).first().click()
    await dialog('Create key').getByLabel('Name').fill('Reports')
    await dialog('Create key').getByRole('button', { name: 'Create' }).click()
    const key = await page.getByTestId('api-key').innerText()
    const answer = await fetch(`${house.url}/api/v1/chat-templates`, { headers: { 'x-api-key': key } })
    if (!process.env.WABOXD?.includes('mock')) assert.equal(answer.status, 200)
    // As over plain http in an own network.
    await page.evaluate(() => Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true }))
    await page.getByRole('button', { name: 'Copy key' }).click()
    await visible(page.getByText('Copied.'))
    await page.keyboard.press('Escape')
    await visible(row(/Reports/))
    await page.getByRole('button', { name: 'Create key' }).first().click()
    await dialog('Create key').getByLabel('Name').focus()
    await page.keyboard.press('Control+v')
    assert.equal(await dialog('Create key').getByLabel('Name').inputValue(), key)
    await page.keyboard.press('Escape')
    assert.equal(await page.getByText(key).count(), 0)
    await rowAction('Reports', 'Delete')
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click()
    await visible(page.getByText('Nothing here yet'))
  })
})

describe('numbers', () => {
  test('every policy of a number can be read and changed', async () => {
    const { numbers } = await house.furnish({ numbers: [['Policies', '6281200000055']] })
    await admin.go('/numbers')
    await rowAction('Policies', 'Edit')
    const pause = dialog('Edit number').getByLabel('Pause between messages (milliseconds)')
    await visible(pause)
    const { width } = await pause.boundingBox()
    assert.ok(width > 100, `the field is ${width} px wide`)
    await pause.fill('1500')
    await dialog('Edit number').getByRole('button', { name: 'Save' }).click()
    await dialog('Edit number').waitFor({ state: 'detached' })
    assert.equal((await house.api('GET', '/whatsapp')).whatsappNumbers.find(one => one.id === numbers.Policies.id).policies.minSendIntervalMs, 1500)
    await house.api('DELETE', `/whatsapp/${numbers.Policies.id}`)
  })
})

describe('on a phone', () => {
  test('what can be done with a row is in reach', async () => {
    const phone = await house.person({ viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true })
    await phone.login('admin')
    await phone.go('/users')
    const menu = phone.page.getByRole('button', { name: /^Actions for/ }).first()
    await visible(menu)
    const { x, width } = await menu.boundingBox()
    assert.ok(x + width <= 360, `the row's menu ends at ${x + width}`)
    assert.equal(await phone.page.evaluate(() => document.documentElement.scrollWidth), 360)
    await phone.page.context().close()
  })
})

describe('audit', () => {
  test('tells who did what, newest first, and is searched by action', async () => {
    await admin.go('/audit')
    await visible(row(/user\.create/))
    await page.getByLabel('Kind').selectOption('Sign-ins')
    await row(/user\.create/).first().waitFor({ state: 'detached' })
    await visible(row(/Signed in/))
    await page.getByLabel('Kind').selectOption('Users')
    await visible(row(/User added/).getByRole('link', { name: /Anna/ }))
    await page.getByLabel('Kind').selectOption('Everything')
    await admin.shot('audit')
  })
})

describe('audit in detail', () => {
  test('shows refused logins, and which api key acted', async () => {
    await fetch(`${house.url}/api/v1/auth/login`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ username: 'stranger', password: 'guess' }) })
    const { data } = await house.api('POST', '/api-keys', { name: 'Night bot', scopes: ['manage'] })
    await fetch(`${house.url}/api/v1/chat-templates`, { method: 'POST', headers: { 'content-type': 'application/json', 'x-api-key': data.key }, body: JSON.stringify({ name: 'By key', commands: '/bykey', content: 'x', isActive: true }) })
    await admin.go('/users')
    await admin.go('/audit')
    await page.getByLabel('Kind').selectOption('Refused sign-ins')
    await visible(row(/Sign-in refused.*stranger/s))
    await page.getByLabel('Kind').selectOption('Templates')
    await visible(row(/with the key Night bot/))
    await visible(row(/By key/).getByRole('link', { name: 'By key' }))
  })
})

describe('permissions', () => {
  test('stand in one matrix, and are reached from the row of a number', async () => {
    const { whatsappNumber } = await house.api('POST', '/whatsapp', { name: 'Gudang', phoneNumber: '6281200000066' })
    await admin.go('/permissions')
    const cell = page.getByRole('switch', { name: 'Anna Wijaya (anna): Gudang' })
    await cell.click()
    await visible(page.getByRole('switch', { name: 'Anna Wijaya (anna): Gudang', checked: true }))
    await admin.shot('matrix')
    await admin.go('/numbers')
    await page.reload()
    await rowAction('Gudang', 'Access of agents')
    const access = dialog('Who may use Gudang')
    await visible(access.getByRole('switch', { name: 'Anna Wijaya', checked: true }))
    await access.getByRole('switch', { name: 'Anna Wijaya' }).click()
    await visible(access.getByRole('switch', { name: 'Anna Wijaya', checked: false }))
    await page.keyboard.press('Escape')
    assert.deepEqual((await house.api('GET', '/wapermission?limit=100')).data.filter(one => one.whatsappNumberId === whatsappNumber.id), [])
    await visible(row(/Gudang/).getByText('Not linked'))
    await house.api('DELETE', `/whatsapp/${whatsappNumber.id}`)
  })
})

describe('oneself', () => {
  test('an agent sees what is theirs and is told what is not', async () => {
    const anna = await house.person()
    await anna.login('anna')
    await anna.go('/users')
    await visible(anna.page.getByText('No access'))
    assert.equal(await anna.page.getByRole('link', { name: 'Users' }).count(), 0)
    await anna.page.context().close()
  })

  test('changes name and password; the wrong present one is refused under its field', async () => {
    const anna = await house.person()
    await anna.login('anna')
    await anna.go('/profile')
    await anna.page.getByLabel('Name', { exact: true }).fill('Anna W.')
    await anna.page.getByRole('button', { name: 'Save' }).click()
    await visible(anna.page.getByRole('button', { name: 'Account of Anna W.' }))
    anna.expected.add(400)
    const change = async (present, next) => {
      await anna.page.getByLabel('Current password').fill(present)
      await anna.page.getByLabel('New password', { exact: true }).fill(next)
      await anna.page.getByLabel('New password again').fill(next)
      await anna.page.getByRole('button', { name: 'Change password' }).click()
    }
    await change('not this one', 'Another-Passw0rd')
    await visible(anna.page.locator('.field-bad', { hasText: 'Current password' }).locator('.field-error'))
    await change(ADMIN_PASSWORD, 'Another-Passw0rd')
    await visible(anna.page.getByText('Your password is changed.'))
    await anna.page.reload()
    await visible(anna.page.getByRole('heading', { name: 'Profile and settings' }))
    await anna.page.context().close()
    const again = await house.person()
    await again.login('anna', 'Another-Passw0rd')
    await again.page.context().close()
  })

  test('logging out ends the session; a session ended elsewhere says so', async () => {
    const anna = await house.person()
    await anna.login('anna', 'Another-Passw0rd')
    const token = await anna.page.evaluate(() => JSON.parse(localStorage.getItem('wabox.session')).token)
    await anna.page.getByRole('button', { name: /^Account of/ }).click()
    await anna.page.getByRole('menuitem', { name: 'Sign out' }).click()
    await visible(anna.page.getByText('You are signed out.'))
    await assert.rejects(house.api('GET', '/auth/me', undefined, token), { status: 401 })
    await anna.login('anna', 'Another-Passw0rd')
    anna.expected.add(401)
    const other = await anna.page.evaluate(() => JSON.parse(localStorage.getItem('wabox.session')).token)
    await house.api('POST', '/auth/logout', undefined, other)
    await anna.go('/templates')
    await visible(anna.page.getByText('Your session has expired. Please sign in again.'))
    await anna.login('anna', 'Another-Passw0rd')
    await anna.page.context().close()
  })

  test('no page complained in its console', () => {
    assert.deepEqual(house.complaints(), [])
  })
})
