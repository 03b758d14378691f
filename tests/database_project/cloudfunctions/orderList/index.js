const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()
const _ = db.command
const $ = db.command.aggregate

// 订单列表，带上用户的昵称
async function page({ page = 1, size = 2 }) {
  const { list } = await db.collection('orders').aggregate()
    .match({ status: _.neq('closed') })
    .sort({ createTime: -1 })
    .skip((page - 1) * size)
    .limit(size)
    .lookup({ from: 'users', localField: 'userId', foreignField: '_id', as: 'user' })
    .replaceRoot({ newRoot: $.mergeObjects([$.arrayElemAt(['$user', 0]), '$$ROOT']) })
    .project({ user: 0, phone: 0, items: 0 })
    .end()
  return list
}

// 热销商品
async function top() {
  const { list } = await db.collection('orders').aggregate()
    .match({ status: 'paid' })
    .unwind('$items')
    .group({
      _id: '$items.goodsId',
      sold: $.sum('$items.count'),
      money: $.sum($.multiply(['$items.price', '$items.count']))
    })
    .sort({ sold: -1 })
    .limit(2)
    .lookup({ from: 'goods', localField: '_id', foreignField: '_id', as: 'goods' })
    .unwind('$goods')
    .project({ _id: 0, name: '$goods.name', sold: 1, money: 1 })
    .end()
  return list
}

// 每个用户和他的大额订单
async function big({ least }) {
  const { list } = await db.collection('users').aggregate()
    .lookup({
      from: 'orders',
      let: { user: '$_id' },
      pipeline: $.pipeline()
        .match(_.expr($.and([$.eq(['$userId', '$$user']), $.gte(['$total', least])])))
        .sort({ total: -1 })
        .project({ _id: 1, total: 1 })
        .done(),
      as: 'big'
    })
    .project({ name: 1, big: 1, count: $.size('$big') })
    .sort({ _id: 1 })
    .end()
  return list
}

exports.main = async (event) => {
  const actions = { page, top, big }
  return await actions[event.action || 'page'](event)
}
