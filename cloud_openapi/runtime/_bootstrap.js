// The Node.js worker: load a function's module, and answer one invocation for each line.
//
// This file runs as a script in the function's folder. Arguments: the task (file, handler, …) as
// JSON, the descriptors of requests and answers.

'use strict'

const fs = require('fs')
const net = require('net')
const path = require('path')

const MOST_BYTES = 6 * 1024 * 1024
// The codes of require() for a file that import() can load: an ES module, one with a top-level
// await, or, where Node.js can require ES modules, one whose imports only import() can find.
const MODULE_CODES = ['ERR_REQUIRE_ESM', 'ERR_REQUIRE_ASYNC_MODULE', 'ERR_MODULE_NOT_FOUND']
const WAITING = ' ' // tells why an invocation has timed out, and is white space before its answer
const later = setImmediate // the function may replace it
const usage = process.resourceUsage // the function may replace it
const task = JSON.parse(process.argv[2])
const requests = Number(process.argv[3])
const answers = Number(process.argv[4])
process.argv.length = 2
process.argv[1] = task.file
let onIdle // settles the invocation that waits for an empty event loop
const emit = process.emit
// A listener of the function could end the process before the answer, or remove one of this file.
process.emit = function (name, ...values) {
  if (name !== 'beforeExit' || !onIdle) return emit.call(this, name, ...values)
  onIdle()
  return true
}

async function main() {
  blockOutput()
  // With --inspect, a debugger could attach before the wait begins, which would then never end.
  if (task.port) require('inspector').open(task.port, '127.0.0.1', task.wait)
  setClock(task.clock)
  let handler
  let failure
  try {
    const exported = Object(await load(task.file))
    const found = exported[task.handler]
    if (typeof found === 'function') handler = found
    else failure = { failed: 'handler', message: `${task.file} exports no function ${task.handler}(event, context)${thereIs(exported)}`, stack: '' }
  } catch (error) {
    failure = failed('load', error)
  }
  answer(JSON.stringify(failure || {}))
  const former = new Map()
  const input = lines(async (line) => {
    const call = JSON.parse(line)
    setClock(call.clock)
    setVariables(JSON.parse(call.context.environment), former)
    const text = failure ? JSON.stringify(failure) : await invoke(handler, call, input)
    // An unhandled rejection ends the process now, and not in the next invocation.
    await new Promise((go) => later(go))
    answer(text)
  })
}

// On a pipe that does not block, Node.js keeps in memory all that the pipe does not take, until the
// handler yields. The two streams share one pipe, and opening the second unblocks it again.
function blockOutput() {
  for (const { _handle: handle } of [process.stdout, process.stderr]) {
    if (handle && handle.setBlocking) handle.setBlocking(true)
  }
}

// Let Date show a clock of the emulator, [seconds since 1970 at which it stands still or null,
// seconds that it is before the machine's], or without one the machine's. Timers, timeouts and
// performance do not use Date, and stay with the machine.
let clock
let isDateReplaced = false
function setClock(given) {
  clock = given
  if (!clock || isDateReplaced) return
  isDateReplaced = true
  const { Date } = globalThis
  const machineNow = Date.now
  Date.now = function now() {
    if (!clock) return machineNow()
    const [frozenAt, offset] = clock
    return frozenAt === null ? machineNow() + Math.round(offset * 1000) : Math.round(frozenAt * 1000)
  }
  const now = Date.now // the function may replace it
  const Replaced = new Proxy(Date, {
    construct: (target, values, made) => Reflect.construct(target, values.length ? values : [now()], made),
    apply: () => new Replaced().toString(),
  })
  Date.prototype.constructor = globalThis.Date = Replaced
}

function thereIs(exported) {
  if (typeof exported === 'function') return `; it exports a function itself: write exports.${task.handler} = …`
  if (task.handler in exported) return `; its ${task.handler} is ${kindOf(exported[task.handler])}`
  const names = Object.keys(exported)
  return names.length ? `; it exports ${names.join(', ')}` : `; write exports.${task.handler} = …`
}

function kindOf(value) {
  if (value === null || value === undefined) return String(value)
  return /^[aeiou]/.test(typeof value) ? `an ${typeof value}` : `a ${typeof value}`
}

async function load(file) {
  if (path.extname(file) !== '.mjs') {
    try {
      return require(file)
    } catch (error) {
      if (!MODULE_CODES.includes(error && error.code) && !isModuleSyntax(error)) throw error
    }
  }
  findInstalled(task.packages)
  const module = await import(require('url').pathToFileURL(file).href)
  return task.handler in module ? module : module.default || module
}

// A .js file of "type": "module", which older versions of Node.js report as a SyntaxError.
function isModuleSyntax(error) {
  return error instanceof SyntaxError && /^Cannot use import statement|^Unexpected token 'export'/.test(error.message) && isModule(path.dirname(task.file))
}

function isModule(folder) {
  const file = path.join(folder, 'package.json')
  if (fs.existsSync(file)) return JSON.parse(fs.readFileSync(file, 'utf8')).type === 'module'
  return path.dirname(folder) !== folder && isModule(path.dirname(folder))
}

// require() searches NODE_PATH; import does not, so a resolver adds it.
function findInstalled(folders) {
  const { register } = require('module')
  if (!folders.length || !register) return
  const source = `
    const parents = ${JSON.stringify(folders.map((folder) => require('url').pathToFileURL(path.join(folder, '..', '_')).href))}
    export async function resolve(specifier, context, next) {
      try {
        return await next(specifier, context)
      } catch (error) {
        if (error.code !== 'ERR_MODULE_NOT_FOUND' || /^[./]|^[a-z]+:/.test(specifier)) throw error
        for (const parentURL of parents) {
          try { return await next(specifier, { ...context, parentURL }) } catch {}
        }
        throw error
      }
    }`
  register('data:text/javascript,' + encodeURIComponent(source))
}

// Set an invocation's variables, and restore those that only the previous one had. `former` holds the
// values that were there before any invocation.
function setVariables(variables, former) {
  for (const [name, value] of former) {
    if (name in variables) continue
    former.delete(name)
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
  for (const [name, value] of Object.entries(variables)) {
    // Most values are unchanged, and comparing is cheaper than setting.
    if (process.env[name] === value) continue
    if (!former.has(name)) former.set(name, process.env[name])
    process.env[name] = value
  }
}

async function invoke(handler, call, input) {
  try {
    const text = written(await resultOf(handler, call, input))
    if (text !== undefined && Buffer.byteLength(text) > MOST_BYTES) return JSON.stringify({ failed: 'size', message: '', stack: '' })
    return `{"result": ${text === undefined ? 'null' : text}}`
  } catch (error) {
    return JSON.stringify(failed('call', error))
  }
}

// The result is the handler's value or its promise's. A handler that returns undefined passes the
// result to callback(error, result); the platform waits until the function has nothing left to do,
// unless context.callbackWaitsForEmptyEventLoop is false. Without any result it is null.
// https://cloud.tencent.com/document/product/583/67790
function resultOf(handler, { event, context }, input) {
  context.callbackWaitsForEmptyEventLoop = true
  let promised = false
  let given // the arguments of the first callback
  let settle // set once the handler has returned, because it may still throw
  const returned = handler(event, context, (...args) => {
    if (promised) return warnOfPromise()
    given = given || args
    if (settle && !context.callbackWaitsForEmptyEventLoop) settle()
  })
  promised = Boolean(returned && typeof returned.then === 'function')
  if (promised && given) warnOfPromise()
  // A handler (event, context, callback) => setTimeout(…) returns a timer, which is not its result.
  if (promised || (returned !== undefined && !given && handler.length < 3)) return returned
  return new Promise((resolve, reject) => {
    settle = () => {
      const [error, result] = given || [null, returned]
      if (error === null || error === undefined) resolve(result)
      else reject(error)
    }
    if (given && !context.callbackWaitsForEmptyEventLoop) return settle()
    onIdle = settle
    input.unref() // the worker's own descriptor must not keep the function running
    fs.writeSync(answers, WAITING)
  }).finally(() => {
    onIdle = undefined
    input.ref()
  })
}

function warnOfPromise() {
  console.warn('Warning: callback is ignored, because the handler returned a promise: return the result')
}

// JSON.stringify, with an error that names the place of a BigInt or a circle, and a fix.
function written(result) {
  try {
    return JSON.stringify(result)
  } catch (error) {
    throw (error instanceof TypeError && jsonError(result, 'result', [])) || error
  }
}

function jsonError(value, where, above) {
  if (typeof value === 'bigint') return typeError(`${where} is a BigInt, which is not JSON; return Number(value) or String(value)`)
  if (typeof value !== 'object' || value === null || typeof value.toJSON === 'function') return undefined
  if (above.includes(value)) return typeError(`${where} contains itself, which JSON cannot show`)
  above.push(value)
  for (const key of Object.keys(value)) {
    const found = jsonError(value[key], Array.isArray(value) ? `${where}[${key}]` : `${where}.${key}`, above)
    if (found) return found
  }
  above.pop()
  return undefined
}

function typeError(message) {
  const error = new TypeError(message)
  error.stack = String(error)
  return error
}

function failed(step, error) {
  try {
    return described(step, error)
  } catch {
    // A getter or inspect() of the thrown value has thrown.
    const message = 'something was thrown that cannot be shown'
    return { failed: step, message, stack: `Uncaught: ${message}` }
  }
}

function described(step, error) {
  const text = isError(error) ? String(error.message) : require('util').inspect(error)
  const missing = isError(error) && ['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND'].includes(error.code)
  const folders = [path.join(process.cwd(), 'node_modules'), ...(process.env.NODE_PATH || '').split(path.delimiter)]
  const where = `working directory ${process.cwd()}, looked in ${folders.filter(Boolean).join(', ')}`
  const message = missing ? `${text.split('\n')[0]} (${where})` : text
  return { failed: step, message, stack: isError(error) ? stackOf(error) : `Uncaught ${text}`, missing }
}

function isError(thrown) {
  return thrown instanceof Error || Boolean(thrown && typeof thrown.stack === 'string')
}

function stackOf(error) {
  const stacks = []
  for (const seen = new Set(); isError(error) && !seen.has(error); error = error.cause) {
    seen.add(error)
    stacks.push(ownFrames(String(error.stack)))
  }
  return stacks.join('\nCaused by: ')
}

function ownFrames(stack) {
  const lines = stack.split('\n').filter((line) => !/^\s+at /.test(line) || !(/[( ](node:|data:text\/javascript,%0A)/.test(line) || line.includes(__filename)))
  return lines.filter((line) => line !== `- ${__filename}`).join('\n').trimEnd()
}

// An answer ends with the peak of this process's memory in KiB: macOS has another unit, and no limit.
function answer(text) {
  const peak = process.platform === 'linux' ? usage.call(process).maxRSS : 0
  let data = Buffer.from(`${text}\t${peak}\n`)
  while (data.length) data = data.subarray(fs.writeSync(answers, data))
}

// Call take with each line of the requests, and return their socket.
function lines(take) {
  let pieces = []
  const received = (chunk) => {
    let end
    while ((end = chunk.indexOf(10)) >= 0) {
      const last = chunk.subarray(0, end)
      const line = pieces.length ? Buffer.concat([...pieces, last]) : last
      pieces = []
      chunk = chunk.subarray(end + 1)
      take(line.toString())
    }
    if (chunk.length) pieces.push(Buffer.from(chunk))
  }
  // One buffer for all: for 'data', each request would get a new one of 64 KB, most of all garbage.
  const onread = { buffer: Buffer.alloc(1 << 16), callback: (size, buffer) => received(buffer.subarray(0, size)) }
  const socket = new net.Socket({ fd: requests, readable: true, writable: false, onread })
  socket.on('end', () => process.exit(0))
  return socket
}

main()
