// The processes that a run starts: none of them outlives it, and each is ended by its own id.
import { fork, spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const stopSeconds = 5
const keptOutput = 20000
const running = new Set()
let scratch

// A folder for this run alone; removed by stopAll().
export function scratchFolder () {
  scratch ??= fs.mkdtempSync(path.join(os.tmpdir(), 'freshet-conformance-'))
  return scratch
}

// Starts `program`, or with a module a node process that has a message channel. What it says is kept in `.said`, its last
// 20000 characters, and shown at once with `show`.
export function start (program, parameters, { environment = {}, module = false, show = false } = {}) {
  const stdio = ['ignore', 'pipe', 'pipe', ...(module ? ['ipc'] : [])]
  const options = { stdio, env: { ...process.env, ...environment } }
  const child = module ? fork(program, parameters, { ...options, execArgv: ['--no-warnings'] }) : spawn(program, parameters, options)
  child.said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', text => {
      child.said = (child.said + text).slice(-keptOutput)
      if (show) process.stdout.write(text)
    })
  }
  running.add(child)
  child.ended = new Promise(resolve => {
    child.once('error', error => resolve(error.message))
    child.once('close', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`))
  }).then(how => { running.delete(child); return how })
  return child
}

// What `promise` gives; throws when the child ends first, or after `seconds`.
export async function awaitFrom (child, name, seconds, promise) {
  let timer
  const late = new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${name}: no answer after ${seconds} s\n${child.said}`)), seconds * 1000)
  })
  const gone = child.ended.then(how => { throw new Error(`${name} ended: ${how}\n${child.said}`) })
  try {
    return await Promise.race([promise, late, gone])
  } finally {
    clearTimeout(timer)
    gone.catch(() => {})
  }
}

export async function stop (child) {
  if (!running.has(child)) return
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), stopSeconds * 1000)
  await child.ended
  clearTimeout(timer)
}

export async function stopAll () {
  await Promise.all([...running].map(stop))
  if (scratch !== undefined) fs.rmSync(scratch, { recursive: true, force: true })
}
