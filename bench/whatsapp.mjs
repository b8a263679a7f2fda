// What WhatsApp costs: memory per idle number, reconnecting after an outage of the network, inbound messages per second, linking.
//   node bench/whatsapp.mjs memory|reconnect|inbound|link [NUMBERS=1000] [SCHEME=ws] …        (needs npm ci in tests/interop/wa)
// `memory` links NUMBERS numbers into DIR (kept, so that `reconnect` and a second `memory` start from it); every result is one JSON line.
// waboxd runs on core 0 and everything else on core 1 when PIN=1.
import { execSync } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { checkout } from '../tests/interop/wa/lib/server.mjs'
import { Sim } from '../tests/interop/wa/lib/sim.mjs'
import { Wabox } from '../tests/interop/wa/lib/wabox.mjs'

const env = (name, fallback) => Number(process.env[name] ?? fallback)
const what = process.argv[2] ?? 'memory'
const NUMBERS = env('NUMBERS', what === 'inbound' ? 10 : what === 'link' ? 20 : 1000), COUNT = env('COUNT', 50000), CONTACTS = env('CONTACTS', 20)
const SCHEME = process.env.SCHEME ?? 'ws', DIR = process.env.DIR, PIN = process.env.PIN === '1'
const sleep = ms => new Promise(done => setTimeout(done, ms))
const build = path.join(checkout, process.env.BUILD ?? 'build', 'src/cmd')
const prefix = core => (PIN ? `taskset -c ${core} ` : '')
process.env.WABOXD = prefix(0) + path.join(build, 'waboxd')
process.env.WABOX_SIM = prefix(1) + path.join(build, 'wabox-sim')
if (PIN) execSync(`taskset -cp 1 ${process.pid}`)

const phoneOf = i => `62811${String(10000000 + i)}`
const port = async () => {
  const net = await import('node:net')
  return new Promise(done => { const s = net.createServer().listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => done(port)) }) })
}
const proc = pid => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  const field = (file, name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/${file}`, 'utf8'))?.[1] ?? 0)
  return { cpuMs: (Number(stat[11]) + Number(stat[12])) * 10, rssKiB: field('status', 'VmRSS'), anonKiB: field('smaps_rollup', 'Anonymous'),
    fds: readdirSync(`/proc/${pid}/fd`).length }
}
function report(row) {
  console.log(JSON.stringify({ what, scheme: SCHEME, ...row, cores: 2, load: readFileSync('/proc/loadavg', 'utf8').split(' ')[0],
    commit: execSync('git rev-parse --short HEAD', { cwd: checkout }).toString().trim() }))
}

async function start(simPort) {
  const dirs = DIR && { sim: path.join(DIR, 'sim'), wabox: path.join(DIR, 'wabox') }
  if (dirs) Object.values(dirs).forEach(d => mkdirSync(d, { recursive: true }))
  const sim = await Sim.start({ seed: 7, port: simPort, dataDir: dirs?.sim })
  const whatsapp = `${SCHEME}://127.0.0.1:${sim.port}/ws/chat`
  const wabox = await Wabox.start({ whatsapp, dataDir: dirs?.wabox, env: { LOG_LEVEL: 'warn' } })
  return { sim, wabox, client: await wabox.admin() }
}
const numbersOf = async client => {
  const all = []
  for (let page = 1; ; page++) {
    const { whatsappNumbers, pagination } = await client.call('GET', `/whatsapp?page=${page}&limit=100`)
    all.push(...whatsappNumbers)
    if (!pagination.hasNextPage) return all
  }
}
async function link(sim, client, i) {
  const number = await client.addNumber(`bench ${i}`, phoneOf(i))
  return { number, ms: await number.link(sim) }
}
async function until(isSo, seconds, why) {
  for (let i = 0; i < seconds * 10; i++) { if (await isSo()) return; await sleep(100) }
  throw new Error(`not within ${seconds} s: ${why}`)
}
const connected = async (sim, n) => (await sim.stats()).connections >= n

// ---- memory -------------------------------------------------------------------------------------------------------

async function settle(pid) { // until the process does nothing for two seconds
  for (let last = -1; ;) { const { cpuMs } = proc(pid); if (cpuMs - last < 100) return; last = cpuMs; await sleep(2000) }
}
async function memory() {
  const { sim, wabox, client } = await start(DIR ? await port() : 0)
  const have = (await numbersOf(client)).length
  if (have < NUMBERS) {
    await client.connect()
    if (have === 0) { await link(sim, client, 0); await settle(wabox.pid) }
    const first = proc(wabox.pid)
    let next = Math.max(have, 1), slowest = 0
    const began = Date.now()
    const one = async () => { while (next < NUMBERS) slowest = Math.max(slowest, (await link(sim, client, next++)).ms) }
    await Promise.all([one(), one(), one(), one()])
    const ms = Date.now() - began
    client.close()
    await settle(wabox.pid)
    const rush = proc(wabox.pid)
    await sleep(80000) // the server's housekeeping comes once a minute
    const all = proc(wabox.pid)
    report({ phase: 'linked one after the other', numbers: NUMBERS, first, rush, all, kibPerNumberInTheRush: ((rush.rssKiB - first.rssKiB) / (NUMBERS - Math.max(have, 1))).toFixed(1), kibPerNumber: ((all.rssKiB - first.rssKiB) / (NUMBERS - Math.max(have, 1))).toFixed(1), ms, slowestLinkMs: slowest })
  }
  if (DIR) { // as after any restart: no trace of linking in the heap
    await wabox.stop()
    const one = await idle(wabox, sim, 1, client), began = Date.now()
    await wabox.startAgain()
    await until(() => connected(sim, NUMBERS), 120, 'all numbers are back')
    const ms = Date.now() - began
    await settle(wabox.pid)
    await sleep(3000)
    const all = proc(wabox.pid)
    await sleep(10000)
    const later = proc(wabox.pid)
    report({ phase: 'restarted', numbers: NUMBERS, first: one, all: later, kibPerNumber: ((later.rssKiB - one.rssKiB) / (NUMBERS - 1)).toFixed(1), anonKiBPerNumber: ((later.anonKiB - one.anonKiB) / (NUMBERS - 1)).toFixed(1), backMs: ms, idleCpuPercent: (later.cpuMs - all.cpuMs) / 100 })
  }
  if (process.env.WAIT) { console.log(wabox.pid, wabox.base); await sleep(Number(process.env.WAIT) * 1000) }
  await wabox.stop()
  await sim.stop()
}
/** waboxd with one number connected: all others are stopped first and started again afterwards. */
async function idle(wabox, sim) {
  const { mkdtempSync, rmSync } = await import('node:fs')
  const dir = mkdtempSync('/tmp/wabox-one-')
  const other = await Wabox.start({ whatsapp: wabox.whatsapp, dataDir: dir, env: { LOG_LEVEL: 'warn' } })
  const client = await other.admin()
  await client.connect()
  await (await client.addNumber('first', '62899900001')).link(sim)
  client.close()
  await other.restart()
  await settle(other.pid)
  await sleep(3000)
  const found = proc(other.pid)
  await other.stop()
  rmSync(dir, { recursive: true })
  return found
}

// ---- reconnecting -------------------------------------------------------------------------------------------------

async function reconnect() {
  const at = await port()
  let { sim, wabox } = await start(at)
  await until(() => connected(sim, NUMBERS), 120, 'all numbers are connected')
  await settle(wabox.pid)
  const down = Number(process.env.DOWN_MS ?? 3000)
  await sim.stop()
  await sleep(down)
  const before = proc(wabox.pid)
  sim = await Sim.start({ seed: 7, port: at, dataDir: sim.options.dataDir })
  const began = Date.now(), perSecond = []
  let last = 0
  for (let s = 1; last < NUMBERS && s <= 120; s++) {
    await sleep(began + s * 1000 - Date.now())
    const { logins } = await sim.stats()
    perSecond.push(logins - last)
    last = logins
  }
  const after = proc(wabox.pid)
  report({ numbers: NUMBERS, downMs: down, seconds: perSecond.length, logins: last, perSecond, busiestSecond: Math.max(...perSecond), waboxdCpuMs: after.cpuMs - before.cpuMs, simCpuMs: proc(sim.pid).cpuMs })
  await wabox.stop()
  await sim.stop()
}

// ---- inbound ------------------------------------------------------------------------------------------------------

async function inbound() {
  const { sim, wabox, client } = await start(0)
  await client.connect()
  const numbers = []
  for (let i = 0; i < NUMBERS; i++) numbers.push((await link(sim, client, i)).number)
  const contacts = []
  for (let i = 0; i < CONTACTS; i++) contacts.push((await sim.addPhone({ phone: `62857${String(1000000 + i)}`, pushName: `Contact ${i}` })).phone)
  // a word from each side: sessions stand, no prekey messages any more
  for (const n of numbers) for (const c of contacts) await n.send(c, 'hello')
  await until(async () => (await sim.stats()).messagesIn >= NUMBERS * CONTACTS, 60, 'hellos are out')
  for (const c of contacts) await sim.call('POST', `/phone/${c}/burst`, { to: numbers.map(n => n.phone), count: NUMBERS, text: 'warm' })
  await sleep(1500)
  let heard = 0, last = 0
  client.socket.offAny()
  for (const e of ['message:new', 'chat:updated', 'message:status', 'chat:read']) client.socket.off(e)
  client.socket.on('message:new', () => { heard++; last = performance.now() })
  await sim.call('PUT', '/hold')
  for (let left = COUNT; left > 0; left -= CONTACTS * 2000) {
    const each = Math.min(2000, Math.ceil(left / CONTACTS))
    for (const c of contacts) await sim.call('POST', `/phone/${c}/burst`, { to: numbers.map(n => n.phone), count: each, text: 'm' })
  }
  const total = CONTACTS * Math.ceil(COUNT / CONTACTS), before = proc(wabox.pid), simBefore = proc(sim.pid), began = performance.now()
  if (process.env.PERF) execSync(`perf record -o ${process.env.PERF} -F 499 -g -p ${wabox.pid} >/dev/null 2>&1 & echo $! > /tmp/perf.pid`, { shell: '/bin/bash' })
  await sim.call('DELETE', '/hold')
  await until(() => heard >= total, 120, `${heard} of ${total} announced`).catch(error => console.error(error.message, heard))
  const seconds = (last - began) / 1000
  const after = proc(wabox.pid)
  if (process.env.PERF) execSync('kill -INT $(cat /tmp/perf.pid); sleep 2', { shell: '/bin/bash' })
  report({ numbers: NUMBERS, contacts: CONTACTS, messages: total, heard, seconds: +seconds.toFixed(2), perSecond: Math.round(total / seconds), cpuMs: after.cpuMs - before.cpuMs, perCpuSecond: Math.round(total / (after.cpuMs - before.cpuMs) * 1000), simCpuMs: proc(sim.pid).cpuMs - simBefore.cpuMs, rssKiB: after.rssKiB, isPinned: PIN })
  client.close()
  await wabox.stop()
  await sim.stop()
}

// ---- linking ------------------------------------------------------------------------------------------------------

async function linking() {
  const { sim, wabox, client } = await start(0)
  await client.connect()
  const ms = []
  for (let i = 0; i < NUMBERS; i++) ms.push((await link(sim, client, i)).ms)
  ms.sort((a, b) => a - b)
  report({ numbers: NUMBERS, settleMs: 100, medianMs: ms[ms.length >> 1], slowestMs: ms.at(-1) })
  client.close()
  await wabox.stop()
  await sim.stop()
}

await { memory, reconnect, inbound, link: linking }[what]()
process.exit(0)
