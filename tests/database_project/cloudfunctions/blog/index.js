// 云函数入口文件
const cloud = require('wx-server-sdk')
cloud.init()

const TcbRouter = require('tcb-router')
const db = cloud.database()
const articles = db.collection('articles')

// 云函数入口函数
exports.main = async (event, context) => {
  const app = new TcbRouter({ event })

  app.use(async (ctx, next) => {
    ctx.data = {}
    await next()
  })

  app.router('list', async (ctx, next) => {
    const keyword = event.keyword
    let w = {}
    if (keyword && keyword.trim() !== '') {
      w = { content: db.RegExp({ regexp: keyword, options: 'i' }) }
    }
    ctx.body = await articles.where(w).skip(event.start).limit(event.count)
      .orderBy('createTime', 'desc').get().then((res) => res.data.map(one => one.content))
  })

  app.router(['detail', 'one'], async (ctx, next) => {
    ctx.data.detail = (await articles.where({ _id: event.id }).get()).data
    await next()
  }, async (ctx) => {
    const replies = await db.collection('articleReplies').where({ articleId: event.id }).count()
    ctx.body = { detail: ctx.data.detail, replies: replies.total }
  })

  return app.serve()
}
