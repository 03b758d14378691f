const cloud = require('wx-server-sdk')
const fs = require('fs')
const path = require('path')

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()

exports.main = async (event, context) => {
  const found = await db.collection('posters').where({ scene: event.scene }).limit(1).get()
  if (found.data.length) {
    return found.data[0].fileID
  }
  const fileStream = fs.createReadStream(path.join(__dirname, 'frame.svg'))
  const upload = await cloud.uploadFile({
    cloudPath: 'posters/海报 ' + event.scene + '.svg',
    fileContent: fileStream,
  })
  const { fileID } = upload
  await db.collection('posters').add({ data: { scene: event.scene, fileID } })
  const res = await cloud.downloadFile({ fileID })
  const links = await cloud.getTempFileURL({ fileList: [{ fileID, maxAge: 60 * 60 }] })
  return {
    bytes: res.fileContent.length,
    maxAge: links.fileList[0].maxAge,
    url: links.fileList[0].tempFileURL
  }
}
