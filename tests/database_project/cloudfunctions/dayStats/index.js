// 云函数入口文件
const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()
const _ = db.command
const $ = _.aggregate

exports.main = async (event, context) => {
  const begin = new Date(event.begin + 'T00:00:00+08:00')
  const end = new Date(event.end + 'T23:59:59.999+08:00')
  // 按天统计
  const byDay = await db.collection('visits').aggregate()
    .match({ time: _.gte(begin).and(_.lte(end)) })
    .addFields({
      day: $.dateToString({ date: '$time', format: '%Y-%m-%d', timezone: 'Asia/Shanghai' })
    })
    .group({
      _id: '$day',
      visits: $.sum(1),
      seconds: $.avg('$seconds'),
      pages: $.addToSet('$page'),
      users: { $addToSet: '$user' }
    })
    .project({
      _id: 0, day: '$_id', visits: 1, seconds: 1, pages: $.size('$pages'), users: $.size('$users')
    })
    .sort({ day: 1 })
    .end()
  // 时间戳是毫秒数
  const byMonth = await db.collection('visits').aggregate()
    .project({ month: $.dateToString({ date: $.add([new Date(0), '$stamp']), format: '%Y-%m' }) })
    .sortByCount('$month')
    .end()
  return { days: byDay.list, months: byMonth.list }
}
