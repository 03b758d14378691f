const app = require('tcb-admin-node')

app.init({
  env: app.getCurrentEnv ? app.getCurrentEnv() : undefined
})
const db = app.database()
const _ = db.command

exports.main = async (event, context) => {
  const notices = db.collection('notices')
  if (event.title) {
    const added = await notices.add({ title: event.title, level: event.level, readers: [], createTime: new Date() })
    if (added.code) return { error: added.code }
  }
  if (event.read) {
    const { updated } = await notices.where({ level: _.gte(event.read) }).update({
      readers: _.push(['admin']),
      reads: _.inc(1)
    })
    return { updated }
  }
  const wrong = await db.collection('notice').count()
  const { data } = await notices.where({ level: _.gt(0).and(_.lt(9)) }).orderBy('level', 'desc').limit(2).get()
  const { total } = await notices.count()
  return { titles: data.map(one => one.title), total, wrong: wrong.code }
}
