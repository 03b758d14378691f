const tcb = require('@cloudbase/node-sdk')
const app = tcb.init({ env: tcb.SYMBOL_CURRENT_ENV })

exports.main = async (event) => {
  const { result } = await app.callFunction({ name: 'login', data: { from: 'nodeSdk' } })
  return { from: result.event.from }
}
