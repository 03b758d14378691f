const axios = require('axios')
const { APPID, SECRET } = process.env

exports.main = async () => {
  const { data } = await axios.get('https://api.weixin.qq.com/cgi-bin/token', {
    params: { grant_type: 'client_credential', appid: APPID, secret: SECRET }
  })
  return { expires_in: data.expires_in, has_token: Boolean(data.access_token) }
}
