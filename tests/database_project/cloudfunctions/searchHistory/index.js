const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()
const _ = db.command

exports.main = async (event) => {
  const histories = db.collection('histories')
  const { OPENID } = cloud.getWXContext()
  const mine = histories.doc(OPENID)
  const { word, action } = event
  if (action === 'search') {
    await mine.update({ data: { words: _.pull(word) } })
    // 最新的在前，最多三个
    await mine.update({ data: { words: _.push({ each: [word], position: 0, slice: 3 }), count: _.inc(1) } })
  } else if (action === 'queue') {
    await mine.update({ data: { queue: _.unshift(word) } })
  } else if (action === 'next') {
    const { data } = await mine.get()
    await mine.update({ data: { queue: _.pop() } })
    return data.queue[data.queue.length - 1]
  } else if (action === 'forget') {
    await mine.update({ data: { words: _.shift() } })
  } else if (action === 'random') {
    const { list } = await histories.aggregate().sample({ size: 1 }).count('n').end()
    return list
  } else if (action === 'full') {
    return (await histories.where({ words: _.size(3) }).count()).total
  }
  return (await mine.field({ _id: false, words: true }).get()).data
}
