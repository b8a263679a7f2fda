// Differential test of the node codec: Baileys encodes random nodes, our decoder and encoder must give the same bytes.
import { createRequire } from 'node:module'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import assert from 'node:assert/strict'

const require = createRequire(import.meta.url)
const COUNT = Number(process.env.COUNT ?? 10000)
let seed = 20240917
const rnd = n => { seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0; return Math.floor((seed / 2 ** 32) * n) }
const pick = list => list[rnd(list.length)]
const chars = (alphabet, n) => Array.from({ length: n }, () => pick(alphabet)).join('')
const digits = '0123456789'

const codecs = {
    2: { ...require('baileys-v2/lib/WABinary/encode.js'), ...require('baileys-v2/lib/WABinary/decode.js'), ...require('baileys-v2/lib/WABinary/constants.js') },
    3: { ...(await import('baileys-v3/lib/WABinary/encode.js')), ...(await import('baileys-v3/lib/WABinary/decode.js')), ...(await import('baileys-v3/lib/WABinary/constants.js')) }
}

const jid = dict => pick([
    () => `${chars(digits, 5 + rnd(10))}@s.whatsapp.net`,
    () => `${chars(digits, 5 + rnd(10))}:${1 + rnd(99)}@s.whatsapp.net`,
    () => `${chars(digits, 15)}@lid`,
    () => `${chars(digits, 15)}:${1 + rnd(250)}@lid`,
    () => `120363${chars(digits, 12)}@g.us`,
    () => `${chars(digits, 10)}-${chars(digits, 10)}@g.us`,
    () => 'status@broadcast',
    () => '@s.whatsapp.net',
    () => `${chars(digits, 18)}@newsletter`
])()
const text = (dict, tokens) => pick([
    () => pick(tokens) || 'x',
    () => chars(digits + '-.', 1 + rnd(140)),
    () => chars('0123456789ABCDEF', 1 + rnd(140)),
    () => chars('abcdefghijklmnop-_ :/', 1 + rnd(60)),
    () => 'é✓😀'.repeat(1 + rnd(120)),
    () => jid(dict),
    () => ''
])()
const node = (dict, tokens, depth) => {
    const attrs = {}
    for (let i = rnd(6); i; i--) attrs[pick([() => pick(tokens) || 'k', () => chars('abcdefgh_', 1 + rnd(12))])()] = text(dict, tokens)
    const n = { tag: pick([() => pick(tokens) || 't', () => chars('abcdefgh', 1 + rnd(10))])(), attrs }
    const kind = rnd(5)
    if (kind === 0) n.content = Buffer.from(Array.from({ length: (rnd(200) ? pick([0, 1, 17, 255, 256, 300]) : 5000) }, () => rnd(256)))
    if (kind === 1) n.content = text(dict, tokens) || 'text'
    if (kind >= 3 && depth < 4) n.content = Array.from({ length: (depth < 1 && rnd(200) === 0 ? 260 : rnd(4)) }, () => node(dict, tokens, depth + 1))
    return n
}

const peer = spawn(process.argv[2], { stdio: ['pipe', 'pipe', 'inherit'] })
const lines = createInterface({ input: peer.stdout })[Symbol.asyncIterator]()
for (const dict of [2, 3]) {
    const c = codecs[dict]
    const tokens = [...c.SINGLE_BYTE_TOKENS, ...c.DOUBLE_BYTE_TOKENS.flat()]
    let bytes = 0
    for (let i = 0; i < COUNT; i++) {
        const hex = Buffer.from(c.encodeBinaryNode(node(dict, tokens, 0))).toString('hex')
        peer.stdin.write(`${dict} ${hex}\n`)
        const { value: answer } = await lines.next()
        assert.equal(answer, hex, `node ${i} of dictionary ${dict}`)
        if (i % 50 === 0) await c.decodeBinaryNode(Buffer.from(answer, 'hex'))
        bytes += hex.length / 2
    }
    console.log(`ok ${dict - 1} - dictionary ${dict}: ${COUNT} nodes, ${bytes} bytes, all the same`)
}
peer.stdin.end()
