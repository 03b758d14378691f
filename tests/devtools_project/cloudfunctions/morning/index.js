const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })

exports.main = async () => {
  console.log('asking for yesterday')
  const { result } = await cloud.callFunction({ name: 'dailyReport', data: { day: '20170313' } })
  return result
}
