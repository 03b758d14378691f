const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()
const _ = db.command

// 定时删除三十天以前的图片
exports.main = async (event, context) => {
  const before = new Date(Date.now() - 30 * 24 * 60 * 60 * 1000)
  const where = { createTime: _.lt(before), keep: _.neq(true) }
  const { data } = await db.collection('photos').where(where).limit(50).get()
  if (data.length === 0) {
    return { removed: 0 }
  }
  const { fileList } = await cloud.deleteFile({ fileList: data.map(item => item.fileID) })
  fileList.forEach(file => {
    if (file.status !== 0) console.warn(file.fileID, file.status, file.errMsg)
  })
  const res = await db.collection('photos').where(where).remove()
  return {
    trigger: event.TriggerName,
    removed: res.stats.removed,
    files: fileList.map(file => file.status)
  }
}
