const cloud = require('wx-server-sdk')
cloud.init()
const db = cloud.database()
const _ = db.command

exports.main = async (event) => {
  const id = 'page-' + event.page
  const res = await db.collection('counters').doc(id).update({
    data: {
      total: _.inc(1),
      [`sources.${event.from || 'direct'}`]: _.inc(1)
    }
  })
  if (res.stats.updated === 0) {
    await db.collection('counters').add({
      data: { _id: id, total: 1, sources: { [event.from || 'direct']: 1 } }
    })
  }
  return (await db.collection('counters').doc(id).get()).data
}
