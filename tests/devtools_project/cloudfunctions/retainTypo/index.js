const cloud = require('wx-server-sdk')
cloud.init()

exports.main = async () => {
  return cloud.openapi.analysis.getDailyRetian({ beginDate: '20170313', endDate: '20170313' })
}
