// Evaluate expressions with the database and the storage of wx-server-sdk, unmodified.
//   node expressions.js    A line of input is a JSON array of expressions, which tests/support/
//                       expressions.py has for both languages; the answer is a line with an array of
//                       {"result"} or {"error"}. MARK_URL, if it is set, is told the number of each.
const cloud = require('wx-server-sdk')
const http = require('http')

const write = (value) => process.stdout.write(JSON.stringify(value, encode) + '\n')
// Keep the advice that the SDK prints out of the output.
console.log = console.info = console.warn = console.error

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()

// The words of the expressions that are not the SDK's; Python has them in expressions.py.
const words = {
  cloud,
  db,
  lenient: cloud.database({ throwOnNotFound: false }),
  elsewhere: cloud.database({ env: 'other-env' }),
  _: db.command,
  D: db.command.aggregate,
  True: true,
  False: false,
  None: null,
  date: (milliseconds) => new Date(milliseconds),
  regex: (pattern, flags) => new RegExp(pattern, flags),
  binary: (text) => Buffer.from(text),
  add_two: async (transaction) => {
    const added = await transaction.collection('t').add({ data: { n: 1 } })
    await transaction.collection('t').doc('x').set({ data: { n: 2 } })
    await transaction.collection('t').doc('x').update({ data: { n: db.command.inc(1) } })
    await transaction.collection('t').doc('x').remove()
    return [added._id, (await transaction.collection('t').doc('x').get()).data]
  },
  nothing: async () => 7,
  give_up: async (transaction) => { await transaction.rollback({ why: 'no stock' }) },
  broken: async (transaction) => {
    await transaction.collection('t').doc('x').get()
    throw Object.assign(new Error('my own'), { errCode: -9, errMsg: 'my own' })
  },
  reading: async (transaction) => (await transaction.collection('t').doc('x').get()).data,
  commit: async () => (await db.startTransaction()).commit(),
  rollback: async () => (await db.startTransaction()).rollback(),
  query_in_transaction: async () =>
    (await db.startTransaction()).collection('t').where({ a: 1 }).get()
}

function tagged(own) {
  if (own instanceof Date) return { $: 'date', value: own.getTime() }
  if (Buffer.isBuffer(own)) return { $: 'bytes', value: own.toString('base64') }
  if (own instanceof RegExp) return { $: 'regex', value: [own.source, own.flags] }
  if (own && own._bsontype === 'ObjectID') return { $: 'oid', value: own.toHexString() }
  if (own && own._bsontype === 'ObjectId') return { $: 'oid', value: own.toHexString() }
  if (own && own._bsontype === 'BSONRegExp') return { $: 'regex', value: [own.pattern, own.options] }
  if (own && own.constructor && typeof own.toJSON === 'function' && own._internalType) {
    return { $: 'geo', value: own.toJSON() }
  }
  if (typeof own === 'number' && !isFinite(own)) return { $: 'number', value: String(own) }
  return undefined
}

// toJSON runs before the replacer, so take the value from its holder.
function encode(key, value) {
  const own = this[key]
  return tagged(own) || value
}

const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor

async function answer(expression) {
  const javascript = expression.replace(/\b(in|and|or|not)_\(/g, '$1(')
  try {
    const evaluate = new AsyncFunction(...Object.keys(words), `return await ${javascript}`)
    const result = await evaluate(...Object.values(words))
    return { result: result === undefined ? null : result }
  } catch (error) {
    if (!(error instanceof Error)) return { thrown: error === undefined ? null : error }
    const { errCode, errMsg, code, message } = error
    return { error: { errCode, errMsg, code, message } }
  }
}

const mark = (number) => new Promise((resolve) => {
  if (!process.env.MARK_URL) return resolve()
  http.get(`${process.env.MARK_URL}/${number}`, (answer) => answer.resume().on('end', resolve))
})

async function answerAll(line) {
  const answers = []
  for (const [number, expression] of JSON.parse(line).entries()) {
    await mark(number)
    answers.push(await answer(expression))
  }
  write(answers)
}

let waiting = Promise.resolve()
require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  waiting = waiting.then(() => answerAll(line))
})
