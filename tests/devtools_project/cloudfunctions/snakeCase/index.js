const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })

exports.main = async (event) => {
  return await cloud.openapi.analysis.getDailySummary({ start: event.day, endDate: event.day })
}
