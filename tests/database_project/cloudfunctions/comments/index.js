const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const db = cloud.database()
const _ = db.command
const comments = db.collection('comments')

const handlers = {
  async add({ postId, text }, openid) {
    const { _id } = await comments.add({
      data: { postId, openid, text, replies: [], createTime: db.serverDate() }
    })
    return _id
  },
  // 回复存在评论里
  async reply({ id, replyId, text }, openid) {
    return comments.doc(id).update({
      data: { replies: _.push({ id: replyId, openid, text, likes: 0 }), updateTime: db.serverDate() }
    })
  },
  async likeReply({ id, replyId }) {
    return comments.where({ _id: id, 'replies.id': replyId }).update({
      data: { 'replies.$.likes': _.inc(1) }
    })
  },
  async removeReply({ id, replyId }, openid) {
    return comments.doc(id).update({ data: { replies: _.pull({ id: replyId, openid }) } })
  },
  async popular({ postId, likes }) {
    const res = await comments
      .where({ postId, replies: _.elemMatch({ likes: _.gte(likes), text: _.neq('') }) })
      .field({ text: true, 'replies.text': true, 'replies.likes': true })
      .get()
    return res.data
  },
  async mine({ postId }, openid) {
    const res = await comments.where({ postId, replies: _.elemMatch({ openid }) }).count()
    return res.total
  }
}

exports.main = async (event) => {
  const { OPENID } = cloud.getWXContext()
  return handlers[event.action](event, OPENID)
}
