const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()
const _ = db.command
const HOURS_8 = 8 * 60 * 60 * 1000

exports.main = async (event) => {
  const beijing = new Date(Date.now() + HOURS_8)
  beijing.setHours(0, 0, 0, 0)
  const today = new Date(beijing.getTime() - HOURS_8)
  const old = db.collection('logs').where({ time: _.lt(today) })

  const { data } = await old.limit(1000).get()
  if (!data.length) return { archived: 0, openid: cloud.getWXContext().OPENID }

  const name = new Date(beijing - 1).toISOString().slice(0, 10)
  const { fileID } = await cloud.uploadFile({
    cloudPath: `archive/${name}.json`,
    fileContent: Buffer.from(JSON.stringify(data.map(log => log.text)))
  })
  const added = await db.collection('logArchive').add({
    data: data.map(log => ({ ...log, archivedAt: db.serverDate() }))
  })
  const { stats } = await old.remove()
  const file = await cloud.downloadFile({ fileID })
  return { archived: stats.removed, ids: added._ids, texts: JSON.parse(file.fileContent.toString('utf8')) }
}
