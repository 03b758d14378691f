// Make calls with wx-server-sdk, unmodified, and print each result or error on a line.
//   node cloud.js < CALLS   CALLS: [{"api", "params", "options"}, {"callFunction"}, …] in JSON;
//                           {"base64": …} anywhere in params is a Buffer
const { readFileSync } = require('fs');
const cloud = require('wx-server-sdk');

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });

function revive(_key, value) {
  return value && value.base64 ? Buffer.from(value.base64, 'base64') : value;
}

async function call({ api, params, options, ...rest }) {
  if (rest.callFunction) return cloud.callFunction(rest.callFunction);
  if (rest.callOpenAPI) return cloud.callOpenAPI(rest.callOpenAPI);
  if (rest.getWXContext) return cloud.getWXContext();
  const openapi = options ? cloud.openapi(options) : cloud.openapi;
  return api.split('.').reduce((found, name) => found[name], openapi)(params);
}

(async () => {
  for (const one of JSON.parse(readFileSync(0, 'utf8'), revive)) {
    try {
      console.log(JSON.stringify(await call(one)));
    } catch (error) {
      const { errCode, errMsg, message } = error;
      console.log(JSON.stringify({ errCode, errMsg, message }));
    }
  }
})();
