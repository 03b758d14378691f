const cloud = require('wx-server-sdk')

cloud.init({
  env: cloud.DYNAMIC_CURRENT_ENV
})
const db = cloud.database()

// 查询
exports.main = async (event, context) => {
  return await db.collection('sales').where({ region: event.region }).get()
}
