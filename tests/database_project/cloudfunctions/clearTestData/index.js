const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()
const _ = db.command

// 云端批量删除
exports.main = async (event, context) => {
  try {
    if (event.list) {
      for (const item of event.list) {
        await db.collection('samples').add({ data: item })
      }
    }
    const before = await db.collection('samples').count()
    const some = await db.collection('samples').where({ size: _.gte(2).lte(3) }).remove()
    const texts = await db.collection('samples').where({ size: _.eq('3') }).remove({})
    const rest = await db.collection('samples').where({ _id: _.exists(true) }).remove()
    return [before.total, some.stats.removed, texts.stats.removed, rest.stats.removed]
  } catch (e) {
    console.error(e)
    return e
  }
}
