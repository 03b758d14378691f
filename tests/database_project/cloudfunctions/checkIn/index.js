const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })

const db = cloud.database({ throwOnNotFound: false })
const _ = db.command
const DAY = 24 * 60 * 60 * 1000

// 云函数的时区是 UTC，签到按北京时间
const dayOf = (time) => new Date(time + 8 * 60 * 60 * 1000).toISOString().slice(0, 10)

exports.main = async () => {
  const { OPENID } = cloud.getWXContext()
  const now = Date.now()
  const today = dayOf(now)
  const mine = db.collection('checkins').doc(OPENID)

  const { data: record } = await mine.get()
  if (!record) {
    await mine.set({
      data: { days: 1, streak: 1, best: 1, last: today, history: [today], updateTime: db.serverDate() }
    })
    return { streak: 1, days: 1 }
  }
  if (record.last === today) {
    return { repeated: true, streak: record.streak, days: record.days }
  }
  const streak = record.last === dayOf(now - DAY) ? record.streak + 1 : 1
  await mine.update({
    data: {
      days: _.inc(1),
      streak,
      best: _.max(streak),
      last: today,
      history: _.push(today),
      updateTime: db.serverDate()
    }
  })
  return { streak, days: record.days + 1 }
}
