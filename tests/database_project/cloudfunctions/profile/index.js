const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()
const _ = db.command

exports.main = async (event) => {
  const profiles = db.collection('profiles')
  const { action, id, data } = event
  if (action === 'address') {
    // 只改一个字段
    await profiles.doc(id).update({ data: { address: data, updated: undefined } })
  } else if (action === 'replaceAddress') {
    await profiles.doc(id).update({ data: { address: _.set(data) } })
  } else if (action === 'dropPhone') {
    await profiles.doc(id).update({ data: { 'contact.phone': _.remove() } })
  } else if (action === 'upgrade') {
    // 旧数据升级
    const { stats } = await profiles.where({ nick: _.exists(true) }).update({
      data: { nick: _.rename('nickName'), version: 2 }
    })
    return stats
  } else if (action === 'replace') {
    const { stats } = await profiles.doc(id).set({ data })
    return stats
  }
  return (await profiles.doc(id).get()).data
}
