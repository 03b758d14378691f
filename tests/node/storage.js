// Call cloud storage with an unmodified SDK, and print the results and errors as one line of JSON.
//   node storage.js < CALLS   CALLS: [[method, arguments], …] in JSON. {"base64"} is a Buffer,
//   {"stream"} a ReadStream of a file, {"of": [n, path…]} a part of the nth result.
//   SDK=wx-server-sdk, @cloudbase/node-sdk or tcb-admin-node, PACKAGES: a folder node_modules
const fs = require('fs');
const name = process.env.SDK || 'wx-server-sdk';
const sdk = require(process.env.PACKAGES ? `${process.env.PACKAGES}/${name}` : name);
const { env = 'local' } = process.env;

function instance() {
  if (name === 'wx-server-sdk') {
    sdk.init({ env });
    return sdk;
  }
  const { TENCENTCLOUD_SECRETID: secretId, TENCENTCLOUD_SECRETKEY: secretKey } = process.env;
  return sdk.init({ env, secretId, secretKey });
}

const results = [];

function revive(_key, value) {
  if (value && value.base64 !== undefined) return Buffer.from(value.base64, 'base64');
  if (value && value.stream) return fs.createReadStream(value.stream);
  return value;
}

function resolved(value) {
  if (Array.isArray(value)) return value.map(resolved);
  if (!value || typeof value !== 'object' || Buffer.isBuffer(value) || value.pipe) return value;
  if (value.of) return value.of.slice(1).reduce((found, key) => found[key], results[value.of[0]]);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, resolved(one)]));
}

function plain(_key, value) {
  return value && value.type === 'Buffer' ? { base64: Buffer.from(value.data).toString('base64') } : value;
}

(async () => {
  const cloud = instance();
  for (const [method, given] of JSON.parse(fs.readFileSync(0, 'utf8'), revive)) {
    try {
      results.push(await cloud[method](resolved(given)));
    } catch (error) {
      const { errCode, errMsg, code, message } = error;
      results.push({ error: { errCode, errMsg, code, message } });
    }
  }
  process.stdout.write(`\n${JSON.stringify(results, plain)}\n`);
})();
