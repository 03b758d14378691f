// Make calls with wx-server-sdk, unmodified, for each line of input.
//   node long.js    A line is a JSON array of [{"api", "params", "options"}, …] or {"sign": …}; the
//                   answer is a line with an array of {"result"}, {"error"} or {"authorization"}.
//   {"$": "bytes" | "bigint", "value": …} anywhere is a value that JSON lacks.
const cloud = require('wx-server-sdk')
const { sign } = require('@cloudbase/signature-nodejs')

const AT_ONCE = 8
const write = (value) => process.stdout.write(JSON.stringify(value, encode) + '\n')
// Keep the advice that the SDK prints out of the output.
console.log = console.info = console.warn = console.error

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })

function decode(_key, value) {
  if (!value || typeof value !== 'object') return value
  if (value.$ === 'bytes') return Buffer.from(value.value, 'base64')
  return value.$ === 'bigint' ? BigInt(value.value) : value
}

// Buffer.toJSON runs before the replacer, so take the Buffer from its holder.
function encode(key, value) {
  const own = this[key]
  return Buffer.isBuffer(own) ? { $: 'bytes', value: own.toString('base64') } : value
}

async function answer({ api, params, options, ...other }) {
  if (other.sign) return { authorization: sign({ ...other.sign, withSignedParams: true }).authorization }
  try {
    const openapi = options ? cloud.openapi(options) : cloud.openapi
    return { result: await api.split('.').reduce((found, name) => found[name], openapi)(params) }
  } catch (error) {
    return { error: { errCode: error.errCode, errMsg: error.errMsg } }
  }
}

async function answerAll(line) {
  const calls = JSON.parse(line, decode)
  const answers = []
  let next = 0
  async function work() {
    while (next < calls.length) {
      const number = next++
      answers[number] = await answer(calls[number])
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  write(answers)
}

let waiting = Promise.resolve()
require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  waiting = waiting.then(() => answerAll(line))
})
