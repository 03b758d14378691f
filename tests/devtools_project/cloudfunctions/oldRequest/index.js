const rp = require('request-promise')

exports.main = async (event) => {
  const url = 'https://api.weixin.qq.com/sns/jscode2session?appid=wxdemo000000000000&js_code=' + event.code
  return JSON.parse(await rp(url)).errcode
}
