const cloud = require('wx-server-sdk')

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })

exports.main = async (event, context) => {
  try {
    return await cloud.openapi.analysis.getMonthlyRetain({
      beginDate: event.beginDate || '20170201',
      endDate: event.endDate || '20170228'
    })
  } catch (err) {
    return err
  }
}
