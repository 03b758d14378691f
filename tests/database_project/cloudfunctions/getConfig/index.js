const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()

const DEFAULTS = { pageSize: 10, notice: '' }

exports.main = async (event) => {
  let config = {}
  let found = true
  try {
    const res = await db.collection('settings').doc(event.id || 'app').get()
    config = res.data
  } catch (e) {
    found = false
    console.log('使用默认配置', e.errMsg)
  }
  if (event.save) {
    const res = await db.collection('settings').doc(event.id || 'app').set({ data: event.save })
    return res.stats
  }
  return { ...DEFAULTS, ...config, found }
}
