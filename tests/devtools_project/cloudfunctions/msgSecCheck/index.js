const cloud = require('wx-server-sdk')
cloud.init()

exports.main = async (event) => {
  const { result } = await cloud.openapi.security.msgSecCheck({
    version: 2, scene: 1, openid: cloud.getWXContext().OPENID, content: event.content
  })
  return { suggest: result.suggest }
}
