const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })

exports.main = async (event) => {
  return await cloud.openapi.analysis.getWeeklyRetain({ beginDate: event.begin, endDate: event.end })
}
