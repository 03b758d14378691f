const cloud = require('wx-server-sdk')
const TcbRouter = require('tcb-router')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })

exports.main = async (event) => {
  const app = new TcbRouter({ event })
  app.router('user', async (ctx) => {
    ctx.body = { openid: cloud.getWXContext().OPENID }
  })
  return app.serve()
}
