const cloud = require('wx-server-sdk')
cloud.init()

exports.main = (event) => ({ openid: event.userInfo.openId, source: cloud.getWXContext().SOURCE })
