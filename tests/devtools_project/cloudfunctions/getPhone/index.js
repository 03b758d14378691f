const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })

exports.main = async (event) => {
  const res = await cloud.getOpenData({ list: [event.cloudID] })
  return res.list[0].data.phoneNumber
}
