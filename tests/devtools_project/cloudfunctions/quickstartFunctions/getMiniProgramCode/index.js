const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })

exports.main = async () => {
  const resp = await cloud.openapi.wxacode.get({ path: 'pages/index/index' })
  return await cloud.uploadFile({ cloudPath: 'code.png', fileContent: resp.buffer })
}
