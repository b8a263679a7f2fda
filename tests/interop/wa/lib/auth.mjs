// Baileys auth state in one JSON file. (Its own useMultiFileAuthState writes a file per key, 812 prekeys of each contact among them.)
// Values are kept as text, as files would: nobody can change a stored key without setting it.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'

export class AuthFile {
  #timer = null

  /** `baileys` is the module whose BufferJSON and proto are used; the directory is created. */
  constructor(baileys, directory) {
    mkdirSync(directory, { recursive: true })
    this.baileys = baileys
    this.file = path.join(directory, 'auth.json')
    this.load()
  }

  /** Forgets what is in memory and reads what was saved, as a new process would. */
  load() {
    let saved = null
    try {
      saved = JSON.parse(readFileSync(this.file, 'utf8'))
    } catch (error) {
      if (error.code !== 'ENOENT') throw error
    }
    this.creds = saved ? this.#parse(saved.creds) : this.baileys.initAuthCreds()
    this.keys = saved?.keys ?? {}
  }

  #parse(text) {
    return JSON.parse(text, this.baileys.BufferJSON.reviver)
  }

  #text(value) {
    return JSON.stringify(value, this.baileys.BufferJSON.replacer)
  }

  get state() {
    const { proto } = this.baileys
    return {
      creds: this.creds,
      keys: {
        get: async (type, ids) => {
          const found = {}
          for (const id of ids) {
            const text = this.keys[type]?.[id]
            if (text === undefined) continue
            const value = this.#parse(text)
            found[id] = type === 'app-state-sync-key' ? proto.Message.AppStateSyncKeyData.fromObject(value) : value
          }
          return found
        },
        set: async data => {
          for (const [type, items] of Object.entries(data)) {
            const kept = (this.keys[type] ??= {})
            for (const [id, value] of Object.entries(items)) {
              if (value === null || value === undefined) delete kept[id]
              else kept[id] = this.#text(value)
            }
          }
          this.saveSoon()
        }
      }
    }
  }

  saveSoon() {
    this.#timer ??= setTimeout(() => this.save(), 25)
  }

  save() {
    clearTimeout(this.#timer)
    this.#timer = null
    writeFileSync(`${this.file}.new`, JSON.stringify({ creds: this.#text(this.creds), keys: this.keys }))
    renameSync(`${this.file}.new`, this.file)
  }
}
