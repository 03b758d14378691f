const cloud = require('wx-server-sdk')

cloud.init({
  env: cloud.DYNAMIC_CURRENT_ENV
})
const db = cloud.database()

// 创建集合并写入数据
exports.main = async (event, context) => {
  try {
    await db.createCollection('sales')
    for (const data of event.sales) {
      await db.collection('sales').add({ data })
    }
    return { success: true }
  } catch (e) {
    return { success: true, data: 'create collection success' }
  }
}
