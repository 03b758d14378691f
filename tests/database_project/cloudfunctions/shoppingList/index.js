// 云函数入口文件
const cloud = require('wx-server-sdk')

cloud.init({
  env: cloud.DYNAMIC_CURRENT_ENV
})
const db = cloud.database()
const _ = db.command
const shopping = db.collection('shopping')

// 云函数入口函数
exports.main = async (event, context) => {
  const { OPENID } = cloud.getWXContext()
  switch (event.action) {
    case 'add':
      return await shopping.add({
        data: {
          _openid: OPENID,
          name: event.name,
          count: event.count || 1,
          done: false,
          createTime: db.serverDate()
        }
      })
    case 'toggle': {
      const { data: item } = await shopping.doc(event.id).get()
      return await shopping.doc(event.id).update({
        data: {
          done: !item.done,
          doneTime: item.done ? _.remove() : db.serverDate()
        }
      })
    }
    case 'clear':
      return await shopping.where({ _openid: OPENID, done: true }).remove()
    default: {
      const res = await shopping.where({ _openid: OPENID })
        .orderBy('done', 'asc')
        .orderBy('createTime', 'desc')
        .get()
      return res.data
    }
  }
}
