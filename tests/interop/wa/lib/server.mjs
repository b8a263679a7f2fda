// A server process that says `{"ready":true,"port":P}` on stdout when it listens. Used for wabox-sim and waboxd.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import path from 'node:path'
import readline from 'node:readline'
import { fileURLToPath } from 'node:url'

export const checkout = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../../..')

/** The command line in an environment variable, or the program of the checkout's build directory. */
export function commandLine(variable, program) {
  const line = process.env[variable]
  if (line) return line.trim().split(/\s+/)
  const built = path.join(checkout, program)
  if (!existsSync(built)) throw new Error(`${built} does not exist: build first, or set ${variable} to a command line`)
  return [built]
}

export class Server {
  #child
  #stderr = []

  constructor(name) {
    this.name = name
  }

  async start(argv, env = {}, timeout = 20000) {
    this.#child = spawn(argv[0], argv.slice(1), {
      cwd: checkout,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    const child = this.#child
    this.exited = once(child, 'exit').catch(error => [error])
    readline.createInterface({ input: child.stderr }).on('line', line => {
      if (process.env.SHOW_SERVERS) console.error(`[${this.name}] ${line}`)
      this.#stderr.push(line)
      if (this.#stderr.length > 200) this.#stderr.shift()
    })
    this.port = await new Promise((resolve, reject) => {
      const fail = why => {
        child.kill('SIGKILL')
        reject(new Error(`${this.name} ${why}\n${this.#stderr.slice(-20).join('\n')}`))
      }
      const timer = setTimeout(() => fail(`was not ready after ${timeout} ms`), timeout)
      child.once('error', error => fail(`did not start: ${error.message}`))
      child.once('exit', (code, signal) => fail(`ended before it was ready (${code ?? signal})`))
      readline.createInterface({ input: child.stdout }).on('line', line => {
        const ready = readyLine(line)
        if (!ready) return
        clearTimeout(timer)
        resolve(ready.port)
      })
    })
    return this
  }

  get pid() {
    return this.#child.pid
  }

  get isRunning() {
    return this.#child && this.#child.exitCode === null && this.#child.signalCode === null
  }

  get log() {
    return this.#stderr.join('\n')
  }

  /** SIGTERM, and SIGKILL when that does not help within 5 s. Resolves to [code, signal]. */
  async stop() {
    if (!this.isRunning) return this.exited
    this.#child.kill('SIGTERM')
    const hard = setTimeout(() => this.#child.kill('SIGKILL'), 5000)
    const end = await this.exited
    clearTimeout(hard)
    return end
  }

  async kill9() {
    this.#child.kill('SIGKILL')
    return this.exited
  }
}

function readyLine(line) {
  if (!line.startsWith('{')) return null
  try {
    const value = JSON.parse(line)
    return value.ready && value.port ? value : null
  } catch {
    return null
  }
}
