const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()
const _ = db.command

const log = (from, to, points) => db.runTransaction(async transaction => {
  await transaction.collection('members').doc(from).update({ data: { transfers: _.inc(1) } })
  await transaction.collection('pointLogs').add({ data: { from, to, points } })
})

exports.main = async ({ from, to, points, way }) => {
  const transaction = await db.startTransaction()
  try {
    const members = transaction.collection('members')
    const payer = await members.doc(from).get()
    await members.doc(from).update({ data: { points: _.inc(-points) } })
    await members.doc(to).update({ data: { points: _.inc(points) } })
    if (payer.data.points < points) {
      await transaction.rollback()
      return { success: false, msg: '积分不足' }
    }
    // 在事务里又开一个事务，改的是同一条记录
    if (way === 'nested') await log(from, to, points)
    // 忘了用 transaction.collection
    if (way === 'outside') await db.collection('members').doc(to).update({ data: { gifts: _.inc(1) } })
    await transaction.commit()
    return { success: true }
  } catch (e) {
    await transaction.rollback()
    return { success: false, errCode: e.errCode, reason: /Transaction\w+/.exec(e.message)[0] }
  }
}
