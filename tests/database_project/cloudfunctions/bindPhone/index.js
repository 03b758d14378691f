const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()
const _ = db.command

exports.main = async (event, context) => {
  const customers = db.collection('customers')
  try {
    if (event.id) {
      return (await customers.doc(event.id).update({ data: { phone: event.phone } })).stats
    }
    // 手机号有唯一索引
    return (await customers.add({ data: { phone: event.phone, name: event.name, tags: [] } }))._id
  } catch (e) {
    if (e.errCode === -502001 && /duplicate key/.test(e.errMsg)) {
      const { data } = await customers.where({ phone: _.eq(event.phone) }).get()
      return { used: true, by: data[0].name }
    }
    return { errCode: e.errCode }
  }
}
