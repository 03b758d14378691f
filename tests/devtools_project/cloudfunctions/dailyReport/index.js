const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })

exports.main = async (event) => {
  const day = event.day || '20170313'
  const res = await cloud.openapi.analysis.getDailyRetain({ beginDate: day, endDate: day })
  return { day: res.refDate, newUsers: res.visitUvNew[0].value }
}
