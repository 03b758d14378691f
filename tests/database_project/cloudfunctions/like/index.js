const cloud = require('wx-server-sdk')
cloud.init({
  env: cloud.DYNAMIC_CURRENT_ENV
})
const db = cloud.database()
const _ = db.command

exports.main = async (event, context) => {
  const wxContext = cloud.getWXContext()
  const openid = wxContext.OPENID
  const posts = db.collection('posts')
  try {
    const { total } = await posts.where({ _id: event.postId, likedBy: openid }).count()
    const liked = total === 0
    await posts.doc(event.postId).update({
      data: liked
        ? { likes: _.inc(1), likedBy: _.addToSet(openid) }
        : { likes: _.inc(-1), likedBy: _.pull(openid) }
    })
    const post = await posts.doc(event.postId).get()
    return { code: 0, liked, likes: post.data.likes }
  } catch (e) {
    console.error(e)
    return { code: e.errCode, msg: '点赞失败' }
  }
}
