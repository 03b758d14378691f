const cloud = require('wx-server-sdk')
cloud.init()
exports.main = async (event, context) => {
try {
const result = await cloud.openapi.analysis.getWeeklyRetain({
beginDate: '20170306',
endDate: '20170312'
})
return result
} catch (err) {
return err
}
}
