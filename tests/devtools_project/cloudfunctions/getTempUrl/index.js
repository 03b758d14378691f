const cloud = require('wx-server-sdk')
cloud.init()

exports.main = async (event) => (await cloud.getTempFileURL({ fileList: event.fileList })).fileList
