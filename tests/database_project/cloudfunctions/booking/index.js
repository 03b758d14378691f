const cloud = require('wx-server-sdk')

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })

const db = cloud.database()
const _ = db.command

exports.main = async (event) => {
  const { OPENID } = cloud.getWXContext()
  const { roomId, begin, end } = event
  if (event.action === 'cancel') {
    try {
      await db.runTransaction(async transaction => {
        const res = await transaction.collection('counters').doc('bookings').update({ data: { num: _.inc(-1) } })
        if (res.stats.updated !== 1) await transaction.rollback('没有预约')
        const removed = await transaction.collection('bookings').doc(event.id).remove()
        if (removed.stats.removed !== 1) await transaction.rollback(-100)
      })
      return { success: true }
    } catch (e) {
      return { success: false, error: e }
    }
  }
  // 时间段有没有重叠
  const overlap = await db.collection('bookings').where({
    roomId,
    status: _.neq('cancelled'),
    begin: _.lt(new Date(end)),
    end: _.gt(new Date(begin))
  }).count()
  if (overlap.total) return { success: false, message: '该时段已被预约' }

  const transaction = await db.startTransaction()
  try {
    const room = await transaction.collection('rooms').doc(roomId).get()
    if (room.data.closedDays.includes(begin.slice(0, 10))) {
      await transaction.rollback(-100)
      return { success: false, message: '当天不开放' }
    }
    await transaction.collection('bookings').doc(event.id).set({
      data: { roomId, openid: OPENID, begin: new Date(begin), end: new Date(end), status: 'ok' }
    })
    await transaction.collection('counters').doc('bookings').set({
      data: { num: (await db.collection('bookings').count()).total + 1 }
    })
    await transaction.commit()
    return { success: true }
  } catch (e) {
    await transaction.rollback()
    return { success: false, message: e.errMsg }
  }
}
