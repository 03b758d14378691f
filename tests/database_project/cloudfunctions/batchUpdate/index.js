const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()
const _ = db.command

exports.main = async (event, context) => {
  try {
    const paid = await db.collection('bills').where({
      _id: _.in(event.ids),
      status: _.nin(['paid', 'void'])
    }).update({
      data: { status: 'paid', paidTime: db.serverDate(), tries: _.inc(1) }
    })
    const late = await db.collection('bills').where(_.and([
      { status: 'open' },
      { due: _.lt(event.today) },
      { amount: _.or(_.lt(10), _.gte(100)) }
    ])).update({
      data: { 'marks.late': true, amount: _.mul(1.5) }
    })
    return { paid: paid.stats.updated, late: late.stats.updated }
  } catch (e) {
    console.error(e)
  }
}
