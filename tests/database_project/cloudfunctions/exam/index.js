const cloud = require('wx-server-sdk')
cloud.init()
const db = cloud.database()
const _ = db.command
const $ = db.command.aggregate

exports.main = async (event, context) => {
  const exams = db.collection('exams')
  if (event.answer) {
    // 第几题答对几次
    const { index, right } = event.answer
    await exams.doc(event.id).update({
      data: {
        ['questions.' + index + '.tries']: _.inc(1),
        [`questions.${index}.right`]: _.inc(right ? 1 : 0),
        lastAnswer: { index, right }
      }
    })
    const { data } = await exams.doc(event.id).field({ questions: 1, lastAnswer: 1 }).get()
    return data
  }
  const { list } = await exams.aggregate()
    .match(_.expr($.gt([$.size('$questions'), 0])))
    .project({
      _id: 0,
      title: 1,
      score: $.sum('$questions.score'),
      average: $.avg('$questions.score'),
      hardest: $.arrayElemAt(['$questions.name', $.indexOfArray(['$questions.score', $.max('$questions.score')])]),
      names: $.reduce({
        input: '$questions', initialValue: '', in: $.concat(['$$value', '$$this.name'])
      }),
      level: $.switch({
        branches: [
          { case: $.gte([$.sum('$questions.score'), 10]), then: '难' },
          { case: $.gte([$.sum('$questions.score'), 5]), then: '中' }
        ],
        default: '易'
      })
    })
    .sort({ score: -1 })
    .end()
  return list
}
