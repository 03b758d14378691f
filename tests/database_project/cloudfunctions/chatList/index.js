const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()
const _ = db.command
const $ = _.aggregate

// 会话列表：每个房间最后一条消息和未读数
exports.main = async (event, context) => {
  const { OPENID } = cloud.getWXContext()
  const rooms = await db.collection('messages').aggregate()
    .match({ members: _.in([OPENID]) })
    .sort({ time: -1 })
    .group({
      _id: '$room',
      last: $.first('$$ROOT'),
      unread: $.sum($.cond({ if: $.and([$.neq(['$from', OPENID]), $.eq(['$read', false])]), then: 1, else: 0 })),
      names: $.push('$from')
    })
    .project({
      _id: false,
      room: '$_id',
      text: '$last.text',
      time: $.dateToString({ date: '$last.time', format: '%m-%d %H:%M', timezone: '+08:00', onNull: '-' }),
      unread: true,
      mine: $.size($.filter({ input: '$names', as: 'name', cond: $.eq(['$$name', OPENID]) }))
    })
    .sort({ unread: -1, room: 1 })
    .end()
  if (event.read) {
    const res = await db.collection('messages').where({
      room: event.read, from: _.neq(OPENID), read: false
    }).update({ data: { read: true } })
    return res.stats.updated
  }
  return rooms.list
}
