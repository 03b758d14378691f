const cloud = require('wx-server-sdk')
cloud.init()
exports.main = async (event, context) => {
try {
const result = await cloud.openapi.analysis.getMonthlyRetain({
beginDate: '20170201',
endDate: '20170228'
})
return result
} catch (err) {
return err
}
}
