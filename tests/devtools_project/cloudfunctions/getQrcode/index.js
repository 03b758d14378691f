const cloud = require('wx-server-sdk')
cloud.init()

exports.main = async (event) => cloud.openapi.wxacode.getUnlimited({ scene: event.scene })
