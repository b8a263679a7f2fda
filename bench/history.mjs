// What linking a phone with much history costs the others: one number gets COUNT messages of history while another is written to.
//   node bench/history.mjs        [COUNT=100000] [CHATS=50]   (needs npm ci in tests/interop/wa); prints one JSON line
import { execSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { checkout } from '../tests/interop/wa/lib/server.mjs'
import { Sim } from '../tests/interop/wa/lib/sim.mjs'
import { Wabox } from '../tests/interop/wa/lib/wabox.mjs'

const COUNT = Number(process.env.COUNT ?? 100000), CHATS = Number(process.env.CHATS ?? 50)
const sleep = ms => new Promise(done => setTimeout(done, ms))
const sim = await Sim.start({ seed: 3 })
const wabox = await Wabox.start({ whatsapp: `ws://127.0.0.1:${sim.port}/ws/chat`, env: { LOG_LEVEL: 'warn' } })
const client = await wabox.admin()
await client.connect()
const cpuMs = () => { const f = readFileSync(`/proc/${wabox.pid}/stat`, 'utf8').split(') ')[1].split(' '); return (Number(f[11]) + Number(f[12])) * 10 }
const rssKiB = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${wabox.pid}/status`, 'utf8'))[1])
const now = Math.floor(Date.now() / 1000)
const phone = '6281100000001'
const chats = Array.from({ length: CHATS }, (_, c) => ({
  chat: `62814${String(10000000 + c)}`, t: now - c, unread: 3,
  messages: Array.from({ length: Math.ceil(COUNT / CHATS) }, (_, i) => ({ text: `message ${i} of chat ${c} about an order`, t: now - COUNT + i, fromMe: i % 3 === 0 }))
}))
await sim.addPhone({ phone })
await sim.setHistory(phone, { chats })
const other = await client.addNumber('Other', '6281100000002'), big = await client.addNumber('Big', phone)
const writes = [], healths = []
let goes = true
const timed = async (into, fn) => { const from = performance.now(); const what = await fn(); into.push(performance.now() - from); return what }
const writer = (async () => {
  for (let i = 0; goes; i++) { await timed(writes, () => client.call('PUT', `/whatsapp/${other.id}`, { name: `Other ${i}` })); await sleep(5) }
})()
const watcher = (async () => { while (goes) { await timed(healths, () => fetch(`${wabox.base}/health`)); await sleep(50) } })()
await sleep(1000)
writes.length = healths.length = 0
const cpu = cpuMs(), from = performance.now()
await big.link(sim)
const total = async () => {
  let sum = 0
  const { data } = await client.call('GET', `/chats/${big.id}?limit=1000`)
  for (const chat of data) sum += (await client.call('GET', `/chats/${chat.id}/messages?limit=1`)).pagination.total
  return sum
}
for (let stored = 0; stored < COUNT && performance.now() - from < 300000;) { await sleep(500); stored = await total() }
const seconds = (performance.now() - from) / 1000
goes = false
await Promise.all([writer, watcher])
const at = (list, q) => Math.round(list.sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * q))] * 10) / 10
console.log(JSON.stringify({ what: 'history', messages: COUNT, seconds: Math.round(seconds * 10) / 10, perSecond: Math.round(COUNT / seconds), cpuMs: cpuMs() - cpu, peakRssKiB: rssKiB(),
  otherWrites: writes.length, otherWriteMs: { p50: at(writes, 0.5), p99: at(writes, 0.99), max: at(writes, 1) }, healthMs: { p50: at(healths, 0.5), max: at(healths, 1) },
  load: readFileSync('/proc/loadavg', 'utf8').split(' ')[0], commit: execSync('git rev-parse --short HEAD', { cwd: checkout }).toString().trim() }))
await wabox.stop(); await sim.stop(); process.exit(0)
