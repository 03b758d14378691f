const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()
const _ = db.command

exports.main = async (event, context) => {
  const { OPENID } = cloud.getWXContext()
  const carts = db.collection('carts')
  const { goodsId, count = 1 } = event

  if (event.type === 'add') {
    // 已有的商品只加数量
    let res = await carts.where({ _id: OPENID, 'items.goodsId': goodsId }).update({
      data: { 'items.$.count': _.inc(count), updateTime: db.serverDate() }
    })
    if (res.stats.updated === 0) {
      res = await carts.doc(OPENID).update({
        data: { items: _.push([{ goodsId, count, checked: true }]), updateTime: db.serverDate() }
      })
    }
    if (res.stats.updated === 0) {
      await carts.add({
        data: { _id: OPENID, items: [{ goodsId, count, checked: true }], createTime: db.serverDate() }
      })
    }
  }
  if (event.type === 'remove') {
    await carts.doc(OPENID).update({ data: { items: _.pull({ goodsId }) } })
  }
  if (event.type === 'clear') {
    await carts.doc(OPENID).update({ data: { items: _.remove(), note: '已清空' } })
  }
  const cart = await carts.doc(OPENID).get()
  return (cart.data.items || []).map(item => `${item.goodsId}×${item.count}`)
}
