const cloud = require('wx-server-sdk')

cloud.init({
  env: cloud.DYNAMIC_CURRENT_ENV
})

const db = cloud.database({
  throwOnNotFound: false,
})
const _ = db.command

exports.main = async (event) => {
  const { OPENID } = cloud.getWXContext()
  const { goodsId, count } = event
  try {
    const result = await db.runTransaction(async transaction => {
      const goods = await transaction.collection('goods').doc(goodsId).get()
      if (!goods.data) {
        await transaction.rollback('商品不存在')
      }
      if (goods.data.stock < count) {
        // 会作为 runTransaction reject 的结果出去
        await transaction.rollback(-100)
      }
      await transaction.collection('goods').doc(goodsId).update({
        data: { stock: _.inc(-count), sold: _.inc(count) }
      })
      const order = await transaction.collection('orders').add({
        data: {
          userId: OPENID,
          items: [{ goodsId, count, price: goods.data.price }],
          total: goods.data.price * count,
          status: 'new',
          createTime: db.serverDate(),
        }
      })
      const left = await transaction.collection('goods').doc(goodsId).get()
      return { orderId: order._id, left: left.data.stock }
    })
    return { success: true, ...result }
  } catch (e) {
    console.error('transaction error', e)
    return { success: false, error: e }
  }
}
