const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })

exports.main = async (event) => {
  try {
    return await cloud.openapi.security.imgSecCheck({
      media: { contentType: 'image/png', value: Buffer.from(event.base64, 'base64') }
    })
  } catch (err) {
    return { errCode: err.errCode, errMsg: err.errMsg }
  }
}
