// Call the emulator with node-easywechat, unmodified, and print the answers as one JSON array.
//   node easywechat.js BASE_URL APPID SECRET stable|token < CALLS
//   CALLS: [{"method", "path", "params", "json", "files": {NAME: PATH}, "binary"}, …] in JSON; an answer
//   to a call with "binary" is {"contentType", "base64"}
const { mkdtempSync, readFileSync } = require('fs')
const { tmpdir } = require('os')

const [, , baseURL, appId, secret, kind] = process.argv
const calls = JSON.parse(readFileSync(0, 'utf8'))
// It writes its cache into the working directory.
process.chdir(mkdtempSync(`${tmpdir()}/easywechat-`))
// The package's index requires a file that node-socialite no longer has.
const MiniApp = require('node-easywechat/dist/MiniApp/Application')

const app = new MiniApp({
  app_id: appId,
  secret,
  use_stable_access_token: kind === 'stable',
  http: { baseURL: `${baseURL}/` },
})
const client = app.getClient()

async function answer({ method, path, params, json, files = {}, binary }) {
  const payload = { params, responseType: binary ? 'arraybuffer' : 'json' }
  client.withFiles(files)
  const response = json ? await client.postJson(path, json, payload) : await client[method](path, payload)
  if (!binary) return response.toObject()
  return { contentType: response.getHeader('content-type'), base64: response.getContent().toString('base64') }
}

(async () => {
  const answers = []
  for (const call of calls) answers.push(await answer(call))
  console.log(JSON.stringify(answers))
})()
