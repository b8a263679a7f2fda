// Differential test of our Signal layer: the same conversations, drawn from a seed, with Baileys' signal repository (libsignal for Node)
// at one end and ours at the other. A model says of each delivery whether it must open; both ends are held to it.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Ours, Peer, Refused, Theirs, innerMessage } from './lib/signal.mjs'

const OUR_JID = '1001:3@lid'
const THEIR_JID = '2002:7@lid'
const AHEAD_MAX = 2000
const SEED = Number(process.env.SEED ?? 2024)

let peer
before(() => { peer = Peer.start() })
after(async () => assert.equal(await peer.stop(), 0))

/** The same numbers for the same seed. */
function dice(seed) {
  let state = seed >>> 0
  const below = n => { state = (Math.imul(state, 1664525) + 1013904223) >>> 0; return Math.floor((state / 2 ** 32) * n) }
  return { below, chance: p => below(1000) < p * 1000, pick: list => list[below(list.length)], take: list => list.splice(below(list.length), 1)[0] }
}

const pair = async version => [await Ours.make(peer, 'us', OUR_JID), await Theirs.make(version, THEIR_JID)]

/** Refused for the reason that we expect of ours; theirs has no names for them. */
async function refuses(side, work, name, what) {
  await assert.rejects(work, error => {
    assert.ok(error instanceof Refused, `${what}: ${error.stack}`)
    if (side.kind === 'ours') assert.match(error.message, new RegExp(`^${name}`), what)
    return true
  }, what)
}

/** A copy with a bit or more changed, so that nobody may open it. */
function damaged(message, rnd) {
  const { start, end } = innerMessage(message)
  const copy = Buffer.from(message.bytes)
  const flip = at => { copy[at] ^= 1 << rnd.below(8) }
  const how = rnd.pick(['mac', 'body', 'version', 'inner version', 'short'])
  if (how === 'mac') flip(end - 1 - rnd.below(8))
  if (how === 'body') flip(end - 9 - rnd.below(16))
  if (how === 'version') copy[0] = rnd.pick([0x13, 0x23])
  if (how === 'inner version') copy[start] = rnd.pick([0x13, 0x23])
  return { how, type: message.type, bytes: how === 'short' ? copy.subarray(0, rnd.below(9)) : copy }
}

/** Two ends, what flies between them, and what must become of it. */
class Talk {
  constructor(sides, rnd) {
    Object.assign(this, { sides, rnd, session: 0, prekey: 0, said: 0 })
    this.holds = [0, 0] // the session that each end has; 0: none
    this.flying = [[], []] // to that end
    this.heard = [[], []]
    this.chains = [[], []] // ratchet keys that an end saw in this session, oldest first
    this.counts = { opened: 0, replayed: 0, damaged: 0, tooOld: 0, lost: 0, sessions: 0, bare: 0 }
  }

  async begin(from) {
    const withPrekey = this.rnd.chance(0.7)
    const bundle = await this.sides[1 - from].bundle(withPrekey ? ++this.prekey : 0)
    await this.sides[from].start(this.sides[1 - from].jid, bundle)
    this.holds[from] = ++this.session
    this.chains = [[], []]
    this.heard = [[], []]
    this.hasPrekey = withPrekey
    this.counts.sessions++
    if (!withPrekey) this.counts.bare++
  }

  async send(from) {
    const text = `message ${++this.said} ${'x'.repeat(this.rnd.below(40))}`
    const message = await this.sides[from].encrypt(this.sides[1 - from].jid, Buffer.from(text))
    this.flying[1 - from].push({ text, ...message, chain: innerMessage(message).ratchetKey })
  }

  /** Ours keeps the five newest receiving chains of a session, as Signal's own library does; libsignal for Node all of them. */
  isTooOld(to, message) {
    const at = this.chains[to].indexOf(message.chain)
    return this.sides[to].kind === 'ours' && at >= 0 && at < this.chains[to].length - 5
  }

  decrypt(to, message) {
    return this.sides[to].decrypt(this.sides[1 - to].jid, message)
  }

  async deliver(to, message) {
    if (this.isTooOld(to, message)) {
      this.counts.tooOld++
      return refuses(this.sides[to], () => this.decrypt(to, message), 'BX_E_CRYPTO', message.text)
    }
    assert.equal(String(await this.decrypt(to, message)), message.text)
    if (!this.chains[to].includes(message.chain)) this.chains[to].push(message.chain)
    this.holds[to] = this.session
    this.heard[to].push(message)
    this.counts.opened++
  }

  async replay(to) {
    const message = this.rnd.pick(this.heard[to])
    this.counts.replayed++
    const name = this.isTooOld(to, message) ? 'BX_E_CRYPTO' : 'BX_E_DUPLICATE'
    await refuses(this.sides[to], () => this.decrypt(to, message), name, `again: ${message.text}`)
  }

  async damage(to) {
    const bad = damaged(this.rnd.pick(this.flying[to]), this.rnd)
    this.counts.damaged++
    await refuses(this.sides[to], () => this.decrypt(to, bad), '(BX_E_CRYPTO|BX_E_INVALID|BX_E_NOT_FOUND)', bad.how)
  }

  /** An end loses its session: what flies towards it is refused, what it sent before still opens; then either end starts anew. */
  async lose(loser) {
    await this.sides[loser].forget(this.sides[1 - loser].jid)
    for (const message of this.flying[loser].splice(0)) {
      const opensAnew = message.type === 'pkmsg' && (!this.hasPrekey || this.heard[loser].length === 0)
      if (!opensAnew) await refuses(this.sides[loser], () => this.decrypt(loser, message), 'BX_E_NOT_FOUND', `without session: ${message.text}`)
    }
    for (const message of this.flying[1 - loser].splice(0)) await this.deliver(1 - loser, message)
    this.holds[loser] = 0
    this.counts.lost++
    await this.begin(this.rnd.below(2))
  }

  async step() {
    const { rnd } = this
    const end = rnd.below(2)
    const flies = this.flying[end].length > 0
    const what = rnd.below(100)
    if (what < 42) return this.holds[end] === this.session && this.send(end)
    if (what < 84) return flies && this.deliver(end, rnd.chance(0.6) ? this.flying[end].shift() : rnd.take(this.flying[end]))
    if (what < 87) return flies && void rnd.take(this.flying[end])
    if (what < 92) return this.heard[end].length && this.replay(end)
    if (what < 99) return flies && this.damage(end)
    return this.session && rnd.chance(0.5) && this.lose(end)
  }
}


/** What a walk must have gone through to count. */
function wentThrough(t, counts, least) {
  t.diagnostic(JSON.stringify(counts))
  for (const [what, n] of Object.entries(least)) assert.ok(counts[what] >= n, `${what}: ${JSON.stringify(counts)}`)
}

const say = (from, to, text) => from.encrypt(to.jid, Buffer.from(text))
const hears = async (to, from, message, text) => assert.equal(String(await to.decrypt(from.jid, message)), text)

/** A session between both, with an answer heard: no prekey messages any more. */
async function acquainted(from, to, prekeyId = 1) {
  await from.start(to.jid, await to.bundle(prekeyId))
  await hears(to, from, await say(from, to, 'hello'), 'hello')
  await hears(from, to, await say(to, from, 'hi'), 'hi')
}

for (const version of ['6', '7']) {
  describe(`ours and Baileys ${version}`, () => {
    test('a conversation of 1500 steps: order, gaps, repeats, damage, lost sessions', async t => {
      const rnd = dice(SEED + Number(version))
      const talk = new Talk(await pair(version), rnd)
      await talk.begin(rnd.below(2))
      for (let i = 0; i < 1500; i++) await talk.step()
      for (const to of [0, 1]) for (const message of talk.flying[to].splice(0)) await talk.deliver(to, message)
      wentThrough(t, talk.counts, { opened: 150, replayed: 30, damaged: 30, lost: 2, sessions: 3 })
    })

    for (const [who, first] of [['ours', 0], ['theirs', 1]]) {
      const sides = async () => {
        const both = await pair(version)
        return first ? both.reverse() : both
      }

      test(`${who} starts with a one-time prekey, which serves once`, async () => {
        const [a, b] = await sides()
        const bundle = await b.bundle(7)
        await a.start(b.jid, bundle)
        const messages = [await say(a, b, 'one'), await say(a, b, 'two')]
        assert.deepEqual(messages.map(m => m.type), ['pkmsg', 'pkmsg'])
        await hears(b, a, messages[1], 'two')
        await hears(b, a, messages[0], 'one')
        await a.forget(b.jid)
        await a.start(b.jid, bundle)
        const again = await say(a, b, 'with a used key')
        await refuses(b, () => b.decrypt(a.jid, again), 'BX_E_NOT_FOUND', 'a prekey used before')
      })

      test(`${who} starts without a one-time prekey`, async () => {
        const [a, b] = await sides()
        await acquainted(a, b, 0)
        assert.equal((await say(a, b, 'settled')).type, 'msg')
      })

      test(`${who} lost its session and heals by a new one; a late message of the old one opens too`, async () => {
        const [a, b] = await sides()
        await acquainted(a, b)
        const late = await say(a, b, 'late')
        await a.forget(b.jid)
        const unheard = await say(b, a, 'unheard')
        await refuses(a, () => a.decrypt(b.jid, unheard), 'BX_E_NOT_FOUND', 'no session')
        await a.start(b.jid, await b.bundle(2))
        await hears(b, a, await say(a, b, 'anew'), 'anew')
        await hears(a, b, await say(b, a, 'again'), 'again')
        await hears(b, a, late, 'late')
      })

      test(`what ${who} sent five turns ago still opens`, async () => {
        const [a, b] = await sides()
        await acquainted(a, b)
        const late = await say(a, b, 'late')
        const turn = async n => {
          await hears(b, a, await say(a, b, `there ${n}`), `there ${n}`)
          await hears(a, b, await say(b, a, `back ${n}`), `back ${n}`)
        }
        for (let n = 0; n < 5; n++) await turn(n)
        await hears(b, a, late, 'late')
        const older = await say(a, b, 'older')
        for (let n = 0; n < 6; n++) await turn(n)
        // Signal's own library forgets it now, and so do we; libsignal for Node forgets no chain.
        if (b.kind === 'theirs') await hears(b, a, older, 'older')
        else await refuses(b, () => b.decrypt(a.jid, older), 'BX_E_CRYPTO', 'six turns ago')
      })

      test(`up to ${AHEAD_MAX} messages that ${who} sent may be missing, no more`, async () => {
        const [a, b] = await sides()
        await acquainted(a, b)
        const messages = []
        for (let i = 0; i <= AHEAD_MAX + 2; i++) messages.push(await say(a, b, `message ${i}`))
        await hears(b, a, messages[0], 'message 0')
        await refuses(b, () => b.decrypt(a.jid, messages[AHEAD_MAX + 2]), 'BX_E_CRYPTO', 'too far ahead')
        for (const i of [AHEAD_MAX, 1, AHEAD_MAX / 2, AHEAD_MAX - 1]) await hears(b, a, messages[i], `message ${i}`)
      })
    }
  })
}

describe('both start at once: all that crosses opens, and what does not later heals by one new session', () => {
  /** How often a message that followed did not open, by the end that refused it. */
  async function crossings(make) {
    const counts = { opened: 0, ours: 0, theirs: 0 }
    for (let round = 0; round < 15; round++) {
      const rnd = dice(SEED + 10 * round)
      const sides = await make()
      const bundles = [await sides[0].bundle(rnd.below(2)), await sides[1].bundle(rnd.below(2))]
      for (const i of [0, 1]) await sides[i].start(sides[1 - i].jid, bundles[1 - i])
      const flying = []
      for (let n = 1 + rnd.below(4); n; n--)
        for (const from of [0, 1]) flying.push({ from, text: `crossing ${n}`, message: await say(sides[from], sides[1 - from], `crossing ${n}`) })
      while (flying.length) {
        const { from, text, message } = rnd.take(flying)
        assert.equal(message.type, 'pkmsg')
        await hears(sides[1 - from], sides[from], message, text)
      }
      for (let n = 0; n < 10; n++) await later(sides, rnd.below(2), `later ${n}`, counts)
    }
    return counts
  }

  async function later(sides, from, text, counts) {
    const [a, b] = [sides[from], sides[1 - from]]
    const message = await say(a, b, text)
    try {
      await hears(b, a, message, text)
      counts.opened++
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      counts[b.kind]++
      await a.start(b.jid, await b.bundle(100))
      await hears(b, a, await say(a, b, text), text)
    }
  }

  test('ours with ours: nothing is refused', async () => {
    const counts = await crossings(async () => [await Ours.make(peer, 'us', OUR_JID), await Ours.make(peer, 'we', THEIR_JID)])
    assert.deepEqual(counts, { opened: 150, ours: 0, theirs: 0 })
  })

  // libsignal for Node tries its sessions in place: one that does not fit is spoilt by the attempt, and what it sends there cannot be
  // read by anybody, by itself neither. So here the peers refuse a little, and no more than they do among themselves.
  for (const version of ['6', '7'])
    test(`with Baileys ${version}: ours refuses no more than it does itself`, async t => {
      const mixed = await crossings(() => pair(version))
      const alone = await crossings(async () => [await Theirs.make(version, OUR_JID), await Theirs.make(version, THEIR_JID)])
      t.diagnostic(JSON.stringify({ mixed, alone }))
      assert.equal(mixed.theirs, 0)
      assert.ok(mixed.ours <= alone.theirs, JSON.stringify({ mixed, alone }))
    })
})

const GROUP = '120363000000000009@g.us'

/** A group of our and their devices. What a member can open is decided by the distribution messages it processed. */
class Circle {
  constructor(members, rnd) {
    Object.assign(this, { members, rnd, said: 0 })
    this.key = members.map(() => 0) // which sender key each one sends with
    this.fresh = members.map(() => true)
    this.knows = members.map(() => new Map()) // per member: "sender key" -> first message that opens
    this.again = new Set() // "member key" that was repeated
    this.flying = []
    this.heard = []
    this.counts = { opened: 0, replayed: 0, damaged: 0, rotated: 0, late: 0, repeated: 0 }
  }

  others(from) {
    return this.members.map((_, i) => i).filter(i => i !== from)
  }

  async send(from) {
    const text = `group message ${++this.said}`
    const sealed = await this.members[from].seal(GROUP, Buffer.from(text))
    const key = `${from} ${this.key[from]}`
    for (const to of this.others(from)) {
      const knows = this.knows[to]
      if (!knows.has(key) && (!this.fresh[from] || this.rnd.chance(0.7))) await this.introduce(to, from, key, sealed)
      else if (knows.has(key) && this.rnd.chance(0.1)) await this.repeat(to, from, key, sealed)
      this.flying.push({ from, to, key, text, said: this.said, bytes: sealed.bytes })
    }
    this.fresh[from] = false
  }

  async introduce(to, from, key, sealed) {
    if (!this.fresh[from]) this.counts.late++
    await this.members[to].process(GROUP, this.members[from].jid, sealed.distribution)
    this.knows[to].set(key, this.said)
  }

  /** The same key once more, at a later point: what is still on its way must open as before. (Baileys keeps five keys, repeated ones too.) */
  async repeat(to, from, key, sealed) {
    if (this.again.has(`${to} ${key}`)) return
    this.again.add(`${to} ${key}`)
    this.counts.repeated++
    await this.members[to].process(GROUP, this.members[from].jid, sealed.distribution)
  }

  open({ from, to, bytes }) {
    return this.members[to].open(GROUP, this.members[from].jid, bytes)
  }

  async deliver(m) {
    const since = this.knows[m.to].get(m.key)
    if (since !== undefined && m.said >= since) {
      assert.equal(String(await this.open(m)), m.text)
      this.heard.push(m)
      this.counts.opened++
    } else await refuses(this.members[m.to], () => this.open(m), '(BX_E_NOT_FOUND|BX_E_DUPLICATE)', `not for it: ${m.text}`)
  }

  async replay() {
    this.counts.replayed++
    const m = this.rnd.pick(this.heard)
    await refuses(this.members[m.to], () => this.open(m), 'BX_E_DUPLICATE', `again: ${m.text}`)
  }

  async damage() {
    this.counts.damaged++
    const m = this.rnd.pick(this.flying)
    const bytes = Buffer.from(m.bytes)
    const how = this.rnd.pick(['signature', 'body', 'version', 'short'])
    if (how === 'signature') bytes[bytes.length - 2 - this.rnd.below(62)] ^= 1 << this.rnd.below(8)
    if (how === 'body') bytes[bytes.length - 65 - this.rnd.below(16)] ^= 1 << this.rnd.below(8)
    if (how === 'version') bytes[0] = 0x23
    const copy = { ...m, bytes: how === 'short' ? bytes.subarray(0, this.rnd.below(60)) : bytes }
    await refuses(this.members[m.to], () => this.open(copy), '(BX_E_CRYPTO|BX_E_INVALID|BX_E_NOT_FOUND)', how)
  }

  /** A new key, after a member left. What was sent with the one before may still fly; what is older is lost. */
  async rotate(from) {
    if (this.fresh[from]) return
    await this.members[from].rotate(GROUP)
    this.counts.rotated++
    this.key[from]++
    this.fresh[from] = true
    const alive = [this.key[from], this.key[from] - 1].map(k => `${from} ${k}`)
    const isAlive = m => m.from !== from || alive.includes(m.key)
    this.flying = this.flying.filter(isAlive)
    this.heard = this.heard.filter(isAlive)
  }

  async step() {
    const { rnd } = this
    const what = rnd.below(100)
    if (what < 25) return this.send(rnd.below(this.members.length))
    if (what < 85) return this.flying.length && this.deliver(rnd.chance(0.5) ? this.flying.shift() : rnd.take(this.flying))
    if (what < 88) return this.flying.length && void rnd.take(this.flying)
    if (what < 93) return this.heard.length && this.replay()
    if (what < 98) return this.flying.length && this.damage()
    return this.rotate(rnd.below(this.members.length))
  }
}

describe('groups of ours, Baileys 6 and Baileys 7', () => {
  const members = async () => [
    await Ours.make(peer, 'us', OUR_JID), await Theirs.make('6', '3003@lid'),
    await Ours.make(peer, 'we', '1001:4@lid'), await Theirs.make('7', THEIR_JID)
  ]

  test('1000 steps: order, gaps, repeats, damage, late members, rotated keys', async t => {
    const circle = new Circle(await members(), dice(SEED))
    for (let i = 0; i < 1000; i++) await circle.step()
    for (const m of circle.flying.splice(0)) await circle.deliver(m)
    wentThrough(t, circle.counts, { opened: 300, replayed: 20, damaged: 20, rotated: 5, late: 3, repeated: 5 })
  })

  test(`up to ${AHEAD_MAX} group messages may be missing, no more`, async () => {
    const [us, ...others] = await members()
    const sealed = []
    for (let i = 0; i <= AHEAD_MAX + 2; i++) sealed.push(await us.seal(GROUP, Buffer.from(`message ${i}`)))
    for (const to of others) {
      const opens = async i => assert.equal(String(await to.open(GROUP, us.jid, sealed[i].bytes)), `message ${i}`)
      await to.process(GROUP, us.jid, sealed[0].distribution)
      await opens(0)
      await refuses(to, () => to.open(GROUP, us.jid, sealed[AHEAD_MAX + 2].bytes), 'BX_E_CRYPTO', 'too far ahead')
      for (const i of [AHEAD_MAX + 1, 1, AHEAD_MAX / 2, AHEAD_MAX]) await opens(i)
    }
  })
})
