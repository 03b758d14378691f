const cloud = require('wx-server-sdk')

cloud.init({
  env: cloud.DYNAMIC_CURRENT_ENV
})
const db = cloud.database()

// 修改
exports.main = async (event, context) => {
  try {
    for (let i = 0; i < event.data.length; i++) {
      await db.collection('sales').where({ city: event.data[i].city }).update({
        data: { sales: event.data[i].sales }
      })
    }
    return { success: true, data: event.data }
  } catch (e) {
    return { success: false, errMsg: e }
  }
}
