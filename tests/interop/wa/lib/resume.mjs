// A socket.io-client that only counts: per number the seqs it heard, per message how often it was announced. It resumes.
import { io } from 'socket.io-client'

export class Listener {
  seqs = new Map() // number id -> {first, last}
  announced = new Map() // number id -> Map(message id -> times)
  order = new Map() // chat id -> [message id]
  faults = []
  resyncs = 0

  constructor(wabox, token) {
    Object.assign(this, { wabox, token })
  }

  connect() {
    this.close()
    const resume = Object.fromEntries([...this.seqs].map(([id, { last }]) => [id, last]))
    const socket = io(this.wabox.base, { auth: { token: this.token, ...(this.seqs.size && { resume }) }, transports: ['websocket'], reconnectionDelay: 100, forceNew: true })
    this.socket = socket
    socket.io.on('reconnect_attempt', () => { socket.auth = { token: this.token, resume: Object.fromEntries([...this.seqs].map(([id, { last }]) => [id, last])) } })
    socket.onAny((event, data) => socket === this.socket && this.#on(event, data))
    return new Promise((done, fail) => { socket.once('connect', done); socket.once('connect_error', fail) })
  }

  close() {
    this.socket?.close()
    this.socket = null
  }

  #on(event, data) {
    if (event === 'resync') this.resyncs++
    const number = data?.whatsappNumberId
    if (data?.seq === undefined || number === undefined) return
    const at = this.seqs.get(number)
    if (!at) this.seqs.set(number, { first: data.seq, last: data.seq })
    else {
      if (data.seq !== at.last + 1) this.faults.push(`number ${number}: ${event} ${data.seq} after ${at.last}`)
      at.last = data.seq
    }
    if (event !== 'message:new') return
    const times = this.announced.get(number) ?? new Map()
    this.announced.set(number, times)
    times.set(data.message.messageId, (times.get(data.message.messageId) ?? 0) + 1)
    const order = this.order.get(data.chatId) ?? []
    this.order.set(data.chatId, order)
    order.push(data.message.messageId)
  }
}
