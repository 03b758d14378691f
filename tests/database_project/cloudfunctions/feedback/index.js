const cloud = require('wx-server-sdk')
cloud.init()
const db = cloud.database()

exports.main = async (event, context) => {
  const feedback = db.collection('feedback')
  const added = await feedback.add({
    data: {
      openid: event.userInfo.openId,
      content: event.content,
      date: new Date(),
      due: db.serverDate({ offset: 24 * 60 * 60 * 1000 })
    }
  })
  await feedback.doc(added._id).update({ data: { images: db.command.push(event.images) } })
  const res = await feedback.where({ openid: event.userInfo.openId }).orderBy('date', 'desc').limit(1).get()
  return { count: (await feedback.count()).total, last: res.data[0].content, images: res.data[0].images }
}
