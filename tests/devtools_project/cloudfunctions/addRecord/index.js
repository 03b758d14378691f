const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()

exports.main = async (event) => {
  const { OPENID } = cloud.getWXContext()
  return await db.collection('records').add({
    data: { ...event.record, _openid: OPENID, createTime: db.serverDate() }
  })
}
