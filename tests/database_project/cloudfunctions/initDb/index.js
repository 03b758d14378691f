const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()

const collections = ['settings', 'tasks']

exports.main = async (event, context) => {
  const made = []
  for (const name of collections) {
    try {
      await db.createCollection(name)
      made.push(name)
    } catch (e) {
      // 集合已经存在
    }
  }
  await db.collection('tasks').doc('first').set({ data: { title: '欢迎', order: made.length } })
  const { data } = await db.collection('tasks').get()
  let missing
  try {
    await db.collection('nothing').get()
  } catch (e) {
    missing = e.errCode
  }
  return { made, tasks: data, missing }
}
