const cloud = require('wx-server-sdk')
cloud.init()
const db = cloud.database()
const _ = db.command

exports.main = async (event) => {
  return await db.collection('users').where({ _id: event.id }).update({ data: { score: _.inc(1) } })
}
