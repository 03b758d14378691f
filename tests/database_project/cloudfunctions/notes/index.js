const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()
const _ = db.command
const notes = db.collection('notes')

exports.main = async (event, context) => {
  const alive = { owner: event.owner, deleted: _.neq(true) }
  switch (event.action) {
    case 'remove':
      // 软删除
      return notes.doc(event.id).update({ data: { deleted: true, deleteTime: db.serverDate() } })
    case 'restore':
      return notes.doc(event.id).update({ data: { deleted: _.remove(), deleteTime: _.remove() } })
    case 'trash':
      return (await notes.where({ deleteTime: _.exists(true) }).field({ title: true }).get()).data
    case 'count':
      return (await notes.where(alive).count()).total
    default:
      return (await notes.where(alive).orderBy('top', 'desc').orderBy('title', 'asc').get()).data
        .map(note => note.title)
  }
}
