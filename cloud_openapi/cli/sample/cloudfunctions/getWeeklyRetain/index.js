const cloud = require('wx-server-sdk')

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })

exports.main = async (event, context) => {
  return await cloud.openapi.analysis.getWeeklyRetain({
    beginDate: event.beginDate || '20170306',
    endDate: event.endDate || '20170312'
  })
}
