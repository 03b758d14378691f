// 云函数模板
const cloud = require('wx-server-sdk')

// 初始化 cloud
cloud.init({
  // API 调用都保持和云函数当前所在环境一致
  env: cloud.DYNAMIC_CURRENT_ENV
})

exports.main = (event, context) => {
  const { OPENID, APPID } = cloud.getWXContext()
  const db = cloud.database()
  const users = db.collection('users')
  return users.where({ _openid: OPENID }).get().then(res => {
    if (res.data.length > 0) {
      return users.doc(res.data[0]._id).update({
        data: { visits: db.command.inc(1), lastTime: db.serverDate() }
      }).then(() => ({ isNew: false, user: res.data[0] }))
    }
    const user = { _openid: OPENID, appid: APPID, name: event.name, visits: 1, lastTime: db.serverDate() }
    return users.add({ data: user }).then(added => ({ isNew: true, id: added._id }))
  })
}
