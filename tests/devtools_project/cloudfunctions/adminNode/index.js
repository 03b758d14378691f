const tcb = require('tcb-admin-node')
tcb.init({ env: tcb.getCurrentEnv && tcb.getCurrentEnv() })

exports.main = async () => {
  const { result } = await tcb.callFunction({ name: 'legacyCallback', data: { n: 21 } })
  return result
}
