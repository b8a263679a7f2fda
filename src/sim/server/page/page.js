// The page of the simulated phones. It uses the admin API (docs/SIMULATOR.md) and nothing else.
const $ = id => document.getElementById(id)
const state = { phones: [], groups: [], pending: [], phone: location.hash.slice(1) || null, chat: null, messages: [] }

async function api(method, path, body) {
  const isText = typeof body === 'string'
  const answer = await fetch(`admin${path}`, {
    method,
    headers: body === undefined ? {} : { 'content-type': isText ? 'text/plain' : 'application/json' },
    body: body === undefined || isText ? body : JSON.stringify(body)
  })
  const json = await answer.json()
  if (!answer.ok) throw new Error(json.error)
  return json
}

function notice(text, isBad = false) {
  $('notice').textContent = text
  $('notice').classList.toggle('bad', isBad)
}

/** Does something, says how it went, and looks again. */
async function act(what, done) {
  try {
    const answer = await what()
    notice(typeof done === 'function' ? done(answer) : done)
  } catch (error) {
    notice(error.message, true)
  }
  await refresh()
}

// --- drawing ---

function element(tag, props = {}, ...children) {
  const node = Object.assign(document.createElement(tag), props)
  node.append(...children)
  return node
}

const drawn = new Map()

/** Draws a list anew only when it changed, so that focus and scroll position stay where they are. */
function draw(id, rows, toNode, whenEmpty) {
  const list = $(id)
  const key = JSON.stringify([rows, state.phone, state.chat])
  if (drawn.get(id) === key) return
  drawn.set(id, key)
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.id : null
  list.replaceChildren(...(rows.length ? rows.map(toNode) : [element('li', { className: 'empty', textContent: whenEmpty })]))
  if (focused) [...list.querySelectorAll('[data-id]')].find(n => n.dataset.id === focused)?.focus()
}

function choice(id, isCurrent, title, detail, onclick) {
  const button = element('button', { type: 'button', onclick }, title, element('small', { textContent: detail }))
  button.dataset.id = id
  if (isCurrent) button.setAttribute('aria-current', 'true')
  return element('li', {}, button)
}

const nameOf = digits => state.phones.find(p => p.phone === digits)?.pushName || digits
const titleOf = chat => state.groups.find(g => g.jid === chat)?.subject || nameOf(chat)

function phoneNode(p) {
  const linked = p.devices.filter(d => d.id)
  const online = linked.filter(d => d.connected).length
  const detail = linked.length ? `${linked.length} linked, ${online} online` : p.echo ? 'echo bot' : 'contact'
  return choice(p.phone, p.phone === state.phone, p.pushName || p.phone, `${p.phone} · ${detail}`, () => {
    state.phone = p.phone
    history.replaceState(null, '', `#${p.phone}`)
    state.chat = null
    refresh()
  })
}

function chatNode([chat, last]) {
  return choice(chat, chat === state.chat, titleOf(chat), last.text ?? last.kind, () => {
    state.chat = chat
    $('say').elements.to.value = chat
    refresh()
  })
}

function messageNode(m) {
  const text = m.kind === 'text' ? m.text : `${m.kind}${m.text ? ` ${m.text}` : ''}`
  return element('li', { className: m.fromMe ? 'mine' : '' }, text,
    element('small', { textContent: `${m.fromMe ? 'this phone' : nameOf(m.from)}, ${new Date(m.t * 1000).toLocaleTimeString()}` }))
}

function pendingNode(p) {
  const who = p.pushName || p.platform || 'A device'
  if (!p.qr) return element('li', {}, `${who} shows a QR code: paste its text below.`)
  const button = element('button', { type: 'button', textContent: 'Scan', onclick: () => scan(new URLSearchParams(accountFields()), p.qr) })
  button.dataset.id = p.ref
  button.setAttribute('aria-label', `Scan the code of ${who}`)
  return element('li', {}, button, p.phone ? `${who} shows a QR code to the phone ${p.phone}.` : `${who} shows a QR code.`)
}

function redraw() {
  draw('pending', state.pending, pendingNode, 'No device waits. Press Link in the program that you want to link, or look at the inbox.')
  draw('phones', state.phones, phoneNode, 'None yet.')
  const chats = new Map()
  for (const m of state.messages) if (m.chat) chats.set(m.chat, m)
  draw('chats', [...chats], chatNode, state.phone ? 'No chat yet.' : 'Choose a phone.')
  const shown = state.messages.filter(m => m.chat && (!state.chat || m.chat === state.chat)).slice(-200)
  const list = $('messages')
  const before = drawn.get('messages')
  draw('messages', shown, messageNode, state.phone ? 'Nothing said yet.' : 'Choose a phone.')
  if (before !== drawn.get('messages')) list.scrollTop = list.scrollHeight
  $('say').hidden = !state.phone
  draw('people', [...state.phones.map(p => [p.phone, p.pushName]), ...state.groups.map(g => [g.jid, g.subject])],
    ([value, label]) => element('option', { value, label }), '')
}

// --- looking ---

let isLooking = false

async function refresh() {
  if (isLooking) return
  isLooking = true
  try {
    const [phones, groups, pending] = await Promise.all([api('GET', '/phones'), api('GET', '/groups'), api('GET', '/mock-phone/pending')])
    Object.assign(state, { phones: phones.phones, groups: groups.groups, pending: pending.pending })
    state.messages = state.phone ? (await api('GET', `/phone/${state.phone}/messages`)).messages : []
    redraw()
  } catch (error) {
    notice(`The simulator does not answer: ${error.message}`, true)
  } finally {
    isLooking = false
  }
}

// --- acting ---

/** Which phone scans, when the form says so. */
const accountFields = () => {
  const { qr, ...account } = fieldsOf($('scan'))
  return account
}


const scan = (query, text) => act(() => api('POST', `/mock-phone/scan-qr?${query}`, text), a => `Device ${a.device} of ${a.phone} is linked.`)

/** Fields of a form that are not empty. */
const fieldsOf = form => Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ''))

function onSubmit(id, handle) {
  $(id).addEventListener('submit', event => {
    event.preventDefault()
    handle(fieldsOf(event.target), event.target)
  })
}

onSubmit('scan', ({ qr, ...account }, form) => scan(new URLSearchParams(account), qr).then(() => { form.elements.qr.value = '' }))
onSubmit('code', (fields, form) => act(() => api('POST', '/mock-phone/enter-code', fields), a => `Device ${a.device} of ${a.phone} is linked.`)
  .then(() => { form.elements.code.value = '' }))
onSubmit('add', (fields, form) => act(() => api('POST', '/phones', { pushName: fields.pushName, echo: 'echo' in fields, receipts: 'read' }),
  a => `${a.phone.pushName} has the number ${a.phone.phone}.`).then(() => form.reset()))
onSubmit('say', (fields, form) => act(() => api('POST', `/phone/${state.phone}/send`, fields), 'Sent.')
  .then(() => { form.elements.text.value = '' }))

refresh()
setInterval(() => document.hidden || refresh(), 2000)
