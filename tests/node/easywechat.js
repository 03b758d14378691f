// Call the emulator with node-easywechat, unmodified, and print the answer.
//   node easywechat.js BASE_URL APPID SECRET PATH BODY stable|token
const { tmpdir } = require('os');

const [, , baseURL, appId, secret, path, body, kind] = process.argv;
// It writes its cache into the working directory.
process.chdir(require('fs').mkdtempSync(`${tmpdir()}/easywechat-`));
// The package's index requires a file that node-socialite no longer has.
const MiniApp = require('node-easywechat/dist/MiniApp/Application');

const app = new MiniApp({
  app_id: appId,
  secret,
  use_stable_access_token: kind === 'stable',
  http: { baseURL: `${baseURL}/` },
});

app
  .getClient()
  .postJson(path, JSON.parse(body))
  .then((response) => console.log(JSON.stringify(response.toObject())));
