// 云函数入口文件
const cloud = require('wx-server-sdk')
cloud.init()
const db = cloud.database()
const MAX_LIMIT = 100

// 云函数入口函数
exports.main = async (event, context) => {
  const { total } = await db.collection('todos').count()
  const tasks = []
  for (let i = 0; i < Math.ceil(total / MAX_LIMIT); i++) {
    tasks.push(db.collection('todos').where({ done: false }).skip(i * MAX_LIMIT).limit(MAX_LIMIT).get())
  }
  return (await Promise.all(tasks)).flatMap(one => one.data)
}
