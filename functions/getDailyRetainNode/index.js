const cloud = require('wx-server-sdk')

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })

exports.main = async (event, context) => {
  try {
    return await cloud.openapi.analysis.getDailyRetain({
      beginDate: event.beginDate || '20170313',
      endDate: event.endDate || '20170313'
    })
  } catch (err) {
    return err
  }
}
