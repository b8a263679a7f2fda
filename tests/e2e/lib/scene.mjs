// A shop in the middle of its day: two numbers, two agents, customers with a past. For pictures, and to look at the page.
import { ADMIN_PASSWORD, House } from './house.mjs'

export const SUPPORT = '6281200000001'
export const SALES = '6281200000002'

const people = {
  siti: ['6281310000001', 'Siti Rahma'], rudi: ['6281310000002', 'Rudi Hartono'], maya: ['6281310000003', 'Maya Lestari'], joko: ['6281310000004', 'Joko Susilo'],
  nadia: ['6281310000005', 'Nadia Putri'], hendra: ['6281310000006', 'Hendra Wijaya'], dewi: ['6281310000007', 'Dewi Anggraini'], agus: ['6281310000008', 'Agus Salim'],
  fitri: ['6281310000009', 'Fitri Handayani'], bima: ['6281310000010', 'Bima Prakoso'], clara: ['6281310000011', 'Clara Tan'], yusuf: ['6281310000012', 'Yusuf Maulana']
}
const phoneOf = name => people[name][0]

/** Minutes ago, who (null: the number itself), what. */
const pasts = {
  [SUPPORT]: [
    ['siti', [[1530, 'siti', 'Halo, pesanan 4711 sudah dikirim?'], [1524, null, 'Sudah Bu, tadi siang. Resinya JNE-88120417.'], [1521, 'siti', 'Terima kasih! 🙏'],
      [96, 'siti', 'Barangnya sudah sampai, bagus sekali.'], [95, 'siti', 'Ada warna lain untuk model yang sama?'], [91, null, 'Ada: *biru tua*, *krem*, dan *hijau sage*.\nSemua siap kirim hari ini.']], { pinned: true }],
    ['maya', [[210, 'maya', 'Selamat pagi, toko buka sampai jam berapa?'], [204, null, 'Pagi! Hari ini sampai pukul 20.00.'], [203, 'maya', 'Baik, saya mampir nanti sore.']]],
    ['joko', [[340, 'joko', 'Boleh minta katalog terbaru?'], [331, null, 'Tentu: https://melati.example/katalog'], [330, 'joko', 'Siap, saya lihat dulu.']]],
    ['hendra', [[1460, 'hendra', 'Ukuran 42 masih ada?'], [1452, null, 'Masih, tinggal dua pasang.'], [1450, 'hendra', 'Saya ambil satu ya.']]],
    ['dewi', [[2900, 'dewi', 'Mau tanya garansi mesin jahitnya.'], [2880, null, 'Garansi resmi 1 tahun, Bu.']], { muteUntilMs: -1 }],
    ['agus', [[4400, null, 'Terima kasih sudah berbelanja di Toko Melati 🌼'], [4390, 'agus', 'Sama-sama!']]],
    ['yusuf', [[9800, 'yusuf', 'Alamat tokonya di mana?'], [9790, null, 'Jl. Melati No. 7, Yogyakarta.']]]
  ],
  [SALES]: [
    ['nadia', [[64, 'nadia', 'Kalau ambil 3 lusin dapat harga grosir?']], { unread: 1 }],
    ['fitri', [[400, 'fitri', 'Invoice-nya sudah saya terima.'], [395, null, 'Baik, kami tunggu transfernya ya.'], [380, 'fitri', 'Sudah saya transfer ✅']]],
    ['bima', [[1600, 'bima', 'Apakah bisa kirim ke Makassar?'], [1580, null, 'Bisa, 3–4 hari kerja.']]],
    ['clara', [[3100, 'clara', 'Can I get an invoice in English?'], [3090, null, 'Of course, it is on its way.']]]
  ]
}

function history(number, now) {
  const chats = pasts[number].map(([name, lines, more = {}]) => ({
    chat: phoneOf(name), t: Math.floor(now / 1000) - lines.at(-1)[0] * 60, ...more,
    messages: lines.map(([ago, who, text]) => ({ fromMe: who === null, text, t: Math.floor(now / 1000) - ago * 60 }))
  }))
  return { chats, contacts: [], pushnames: pasts[number].map(([name]) => ({ phone: phoneOf(name), pushName: people[name][1] })) }
}

export class Scene {
  static async open() {
    const scene = new Scene()
    const house = scene.house = await House.open()
    const now = Date.now()
    for (const [name, [phone, pushName]] of Object.entries(people)) scene[name] = await house.sim.addPhone({ phone, pushName, receipts: ['rudi', 'agus'].includes(name) ? 'delivery' : 'read' })
    for (const phone of [SUPPORT, SALES]) await house.sim.setHistory(phone, history(phone, now))
    scene.made = await house.furnish({
      users: [['anna', 'Anna Wijaya'], ['bagus', 'Bagus Pratama']], numbers: [['Support', SUPPORT], ['Sales', SALES]], grants: [['anna', 'Support'], ['bagus', 'Sales'], ['bagus', 'Support']]
    })
    for (const [name, commands, content] of [['Salam', '/halo', 'Halo {{name}}, dengan {{agent}} dari Toko Melati. Ada yang bisa dibantu?'], ['Jam buka', '/jam', 'Kami buka Senin–Sabtu pukul 08.00–20.00.'], ['Rekening', '/rek', 'Pembayaran ke BCA 123 456 7890 a.n. Toko Melati.']]) {
      await house.api('POST', '/chat-templates', { name, commands, content, isActive: true })
    }
    scene.tokens = {}
    for (const username of ['anna', 'bagus']) scene.tokens[username] = (await house.api('POST', '/auth/login', { username, password: ADMIN_PASSWORD }, null)).token
    return scene
  }

  close() {
    return this.house.close()
  }

  say(from, text, { to = SUPPORT, ...more } = {}) {
    return this.house.sim.phoneSend(this[from].phone, { to, text, ...more })
  }

  /** Writes as an agent; resolves to the WhatsApp id. */
  async answer(agent, to, message, { number = 'Support', ...more } = {}) {
    const session = (await this.house.api('GET', `/sessions/${this.made.numbers[number].id}`)).data.id
    return (await this.house.api('POST', `/sessions/${session}/send-message`, { to: this[to]?.phone ?? to, message, ...more }, this.tokens[agent])).data.messageId
  }

  /** What happens this minute: questions, answers of both agents, a reply, a reaction, a group with a mention. */
  async play() {
    const { sim } = this.house
    await this.answer('anna', 'siti', 'Foto dan harganya menyusul sebentar lagi ya, Bu 😊')
    const question = await this.say('siti', 'Yang krem saja. Bisa dikirim hari ini?')
    const reply = await this.answer('bagus', 'siti', 'Bisa, Bu. Kurir menjemput pukul 16.00.', { quotedMessageId: question })
    await this.received(this.siti, 'Bisa, Bu. Kurir menjemput pukul 16.00.')
    await sim.phoneSend(this.siti.phone, { to: SUPPORT, reaction: { id: reply, from: SUPPORT, emoji: '👍' } })
    const group = await sim.addGroup({ subject: 'Tim Gudang', owner: this.rudi.phone, members: [this.yusuf.phone, SUPPORT] })
    await sim.phoneSend(this.rudi.phone, { to: group.jid, text: 'Stok krem tinggal 14, sisanya datang besok.' })
    await sim.phoneSend(this.yusuf.phone, { to: group.jid, text: `@${SUPPORT} tolong pisahkan 1 untuk Bu Siti ya`, mentions: [SUPPORT] })
    await this.say('rudi', 'Paket sudah saya titipkan ke kurir.')
    await this.answer('anna', 'rudi', 'Siap, terima kasih Pak Rudi!')
    await this.say('nadia', 'Halo, masih di situ? 😄', { to: SALES })
    await this.say('siti', 'Siap, saya tunggu. Terima kasih banyak! 🙏')
    return group
  }

  async received(person, text) {
    for (let i = 0; i < 200; i++) {
      if ((await this.house.sim.phoneSaw(person.phone)).messages.some(one => one.text === text)) return
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    throw new Error(`${person.pushName} did not get "${text}"`)
  }
}

/** The zone where it is early afternoon now, so that pictures show a working day. */
export function afternoon(now = new Date()) {
  const ahead = ((14 - now.getUTCHours() + 36) % 24) - 12
  return ahead === 0 ? 'UTC' : `Etc/GMT${ahead > 0 ? '-' : '+'}${Math.abs(ahead)}`
}
