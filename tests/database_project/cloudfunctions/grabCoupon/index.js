const cloud = require('wx-server-sdk')
cloud.init()
const db = cloud.database()
const _ = db.command

exports.main = async (event, context) => {
  const { couponId, userId } = event
  // 库存大于 0 才减，不会超发
  const res = await db.collection('coupons').where({
    _id: couponId,
    stock: _.gt(0)
  }).update({
    data: { stock: _.inc(-1) }
  })
  if (res.stats.updated === 0) {
    return { success: false, msg: '已抢光' }
  }
  try {
    // 用户和优惠券作为主键，不会重复领取
    await db.collection('couponRecords').add({
      data: { _id: couponId + '-' + userId, couponId, userId, used: false, time: db.serverDate() }
    })
  } catch (err) {
    await db.collection('coupons').doc(couponId).update({ data: { stock: _.inc(1) } })
    return { success: false, msg: '已领取', errCode: err.errCode }
  }
  return { success: true }
}
