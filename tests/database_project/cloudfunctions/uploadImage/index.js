const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()

exports.main = async (event, context) => {
  const { OPENID } = cloud.getWXContext()
  const buffer = Buffer.from(event.base64, 'base64')
  const { fileID } = await cloud.uploadFile({
    cloudPath: `photos/${OPENID}-${Date.now()}.jpg`,
    fileContent: buffer
  })
  await db.collection('photos').add({
    data: { _openid: OPENID, fileID, size: buffer.length, createTime: db.serverDate() }
  })
  const photos = await db.collection('photos').where({ _openid: OPENID }).get()
  const { fileList } = await cloud.getTempFileURL({
    fileList: photos.data.map(photo => photo.fileID)
  })
  return fileList.map(file => ({ fileID: file.fileID, url: file.tempFileURL, status: file.status }))
}
