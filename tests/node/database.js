// Run programs that use the cloud database with wx-server-sdk, unmodified, in one process.
//   node database.js < PROGRAMS   PROGRAMS: [{"collection", "body"}, …] in JSON; a body is that of an
//                                 async function of (c, db, _, $, cloud), c being the collection;
//                                 each result or error is printed on a line
const { readFileSync } = require('fs');
const cloud = require('wx-server-sdk');

cloud.init({ env: process.env.TCB_ENV });
const db = cloud.database();
const AsyncFunction = (async () => {}).constructor;

// JSON has no dates, and the SDK's own requests must not see this.
const shown = (value) => {
  if (value instanceof Date) return { date: value.getTime() };
  if (Array.isArray(value)) return value.map(shown);
  if (Object.prototype.toString.call(value) !== '[object Object]') return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, shown(each)]));
};

(async () => {
  for (const { collection, body } of JSON.parse(readFileSync(0, 'utf8'))) {
    let line;
    try {
      const run = new AsyncFunction('c', 'db', '_', '$', 'cloud', body);
      const c = db.collection(collection);
      line = { result: await run(c, db, db.command, db.command.aggregate, cloud) };
    } catch (error) {
      const { errCode, errMsg, message, code } = error;
      line = { errCode, errMsg, message, code };
    }
    console.log(JSON.stringify(shown(line)));
  }
})();
