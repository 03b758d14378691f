const cloud = require('wx-server-sdk')
cloud.init()
const db = cloud.database()
const MAX_LIMIT = 100

exports.main = async (event, context) => {
  // 先取出集合记录总数
  const countResult = await db.collection('dishes').count()
  const total = countResult.total
  // 计算需分几次取
  const batchTimes = Math.ceil(total / MAX_LIMIT)
  const tasks = []
  for (let i = 0; i < batchTimes; i++) {
    tasks.push(db.collection('dishes').skip(i * MAX_LIMIT).limit(MAX_LIMIT).get())
  }
  const all = (await Promise.all(tasks)).reduce((acc, cur) => ({
    data: acc.data.concat(cur.data),
    errMsg: acc.errMsg
  }), { data: [] })

  const atOnce = await db.collection('dishes').get()
  const thousand = await db.collection('dishes').limit(1000).get()
  return {
    total,
    pages: batchTimes,
    different: new Set(all.data.map(dish => dish._id)).size,
    price: all.data.reduce((sum, dish) => sum + Number(dish.price), 0),
    atOnce: atOnce.data.length,
    thousand: thousand.data.length
  }
}
