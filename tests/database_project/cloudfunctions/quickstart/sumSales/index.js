const cloud = require('wx-server-sdk')

cloud.init({
  env: cloud.DYNAMIC_CURRENT_ENV
})
const db = cloud.database()

const $ = db.command.aggregate

// 聚合
exports.main = async (event, context) => {
  return db.collection('sales').aggregate()
    .group({ _id: '$region', sum: $.sum('$sales') })
    .end()
}
