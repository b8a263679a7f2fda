// wabox-sim as a process, and its admin API (docs/SIMULATOR.md) as methods.
import { Server, commandLine } from './server.mjs'

let nextSeed = 1

export class Sim {
  #server = new Server('wabox-sim')

  /** Options: seed, settleMs, dataDir. */
  static async start({ seed = nextSeed++, settleMs = 100, dataDir, port = 0 } = {}) {
    const sim = new Sim()
    sim.options = { seed, settleMs, dataDir }
    const argv = [...commandLine('WABOX_SIM', 'build/src/cmd/wabox-sim'),
      '--port', String(port), '--seed', String(seed), '--settle-ms', String(settleMs)]
    if (dataDir) argv.push('--data-dir', dataDir)
    await sim.#server.start(argv)
    sim.port = sim.#server.port
    return sim
  }

  get url() {
    return `ws://127.0.0.1:${this.port}/ws/chat`
  }

  get secureUrl() {
    return `wss://127.0.0.1:${this.port}/ws/chat`
  }

  stop() {
    return this.#server.stop()
  }

  get log() {
    return this.#server.log
  }

  get pid() {
    return this.#server.pid
  }

  /** One admin call; throws with the simulator's own sentence when it is not 2xx. */
  call(method, path, body) {
    return adminCall(`http://127.0.0.1:${this.port}`, method, path, body)
  }

  // linking
  scanQr(text, account) { return scanQr(this.url, text, account) }
  enterCode(code, phone) { return enterCode(this.url, code, phone) }

  // accounts and scripted contacts
  async phones() { return (await this.call('GET', '/phones')).phones }
  async phone(p) { return (await this.call('GET', `/phone/${p}`)).phone }
  async addPhone(options = {}) { return (await this.call('POST', '/phones', options)).phone }
  async phoneSend(p, message) { return (await this.call('POST', `/phone/${p}/send`, message)).id }
  phoneRead(p, body) { return this.call('POST', `/phone/${p}/read`, body) }
  phonePresence(p, body) { return this.call('POST', `/phone/${p}/presence`, body) }
  phoneSaw(p) { return this.call('GET', `/phone/${p}/messages`) }

  // history and app state
  setHistory(p, history) { return this.call('PUT', `/phone/${p}/history`, history) }
  setChat(p, change) { return this.call('POST', `/phone/${p}/chat`, change) }
  setContact(p, contact) { return this.call('POST', `/phone/${p}/contact`, contact) }
  appState(p) { return this.call('GET', `/phone/${p}/appstate`) }

  // groups
  async addGroup(group) { return (await this.call('POST', '/groups', group)).group }
  groupChange(jid, verb, members) { return this.call('POST', `/group/${jid}/${verb}`, { members }) }

  // trouble; `p` may be undefined, which means everybody
  unlink(p, body = {}) { return this.call('POST', `/phone/${p}/unlink`, body) }
  streamError(p, body) { return this.call('POST', `/phone/${p}/stream-error`, body) }
  setFailure(p, body) { return this.call('PUT', `${scope(p)}/failure`, body) }
  clearFailure(p) { return this.call('DELETE', `${scope(p)}/failure`) }
  setFault(p, body) { return this.call('PUT', `${scope(p)}/fault`, body) }
  clearFault(p) { return this.call('DELETE', `${scope(p)}/fault`) }
  disconnect(p, body = {}) { return this.call('POST', `${scope(p)}/disconnect`, body) }

  // settings and looking inside
  async settings(change) {
    return (await this.call(change ? 'PATCH' : 'GET', '/settings', change)).settings
  }
  async stats() { return (await this.call('GET', '/stats')).stats }
  async dump(query = {}) {
    return (await this.call('GET', `/dump?${new URLSearchParams(query)}`)).stanzas
  }
}

const scope = p => (p === undefined ? '' : `/phone/${p}`)

/** http base of a simulator that is known by its WebSocket address. */
export const adminBase = simUrl => {
  const url = new URL(simUrl)
  return `${url.protocol === 'wss:' ? 'https:' : 'http:'}//${url.host}`
}

/** `account` may say which one scans: {phone} and / or, for clients that do not send one, {pushName}. */
export function scanQr(simUrl, text, account = {}) {
  const query = new URLSearchParams(Object.entries(account).filter(([, value]) => value))
  return adminCall(adminBase(simUrl), 'POST', `/mock-phone/scan-qr${query.size ? `?${query}` : ''}`, text)
}

export function enterCode(simUrl, code, phone) {
  return adminCall(adminBase(simUrl), 'POST', '/mock-phone/enter-code', phone ? { code, phone } : { code })
}

export async function adminCall(base, method, path, body) {
  const isText = typeof body === 'string'
  const answer = await fetch(`${base}/admin${path}`, {
    method,
    headers: body === undefined ? {} : { 'content-type': isText ? 'text/plain' : 'application/json' },
    body: body === undefined ? undefined : isText ? body : JSON.stringify(body),
    signal: AbortSignal.timeout(15000)
  })
  const text = await answer.text()
  let json
  try {
    json = JSON.parse(text)
  } catch {
    throw new Error(`${method} /admin${path}: answer is not JSON (${answer.status}): ${text.slice(0, 120)}`)
  }
  if (!answer.ok || json.ok !== true) {
    throw Object.assign(new Error(`${method} /admin${path}: ${answer.status} ${json.error}`), { status: answer.status })
  }
  return json
}
