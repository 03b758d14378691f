const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })

exports.main = async (event) => {
  const { OPENID } = cloud.getWXContext()
  return await cloud.openapi.subscribeMessage.send({
    touser: OPENID,
    templateId: event.templateId,
    page: 'pages/index/index',
    data: { thing1: { value: event.text } }
  })
}
