const cloud = require('wx-server-sdk')
cloud.init()
const db = cloud.database()
const _ = db.command

exports.main = async (event, context) => {
  const { keyword = '', dynasty, pageNum = 0, pageSize = 2 } = event
  const like = { $regex: '.*' + keyword + '.*', $options: 'i' }
  let where = _.or([
    { title: db.RegExp({ regexp: keyword, options: 'i' }) },
    { author: keyword },
    { tags: like }
  ])
  if (dynasty) {
    where = where.and({ dynasty: new RegExp('^' + dynasty) })
  }
  const { total } = await db.collection('poems').where(where).count()
  const res = await db.collection('poems').where(where)
    .orderBy('year', 'asc')
    .skip(pageNum * pageSize)
    .limit(pageSize)
    .get()
  return {
    total,
    isEnd: (pageNum + 1) * pageSize >= total,
    titles: res.data.map(poem => poem.title)
  }
}
