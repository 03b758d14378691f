const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })

exports.main = async (event) => {
  const { fileID } = await cloud.uploadFile({
    cloudPath: `avatars/${Date.now()}.png`, fileContent: Buffer.from(event.base64, 'base64')
  })
  return fileID
}
