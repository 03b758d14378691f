const tcb = require('@cloudbase/node-sdk')

const app = tcb.init({ env: tcb.SYMBOL_CURRENT_ENV })
const db = app.database()
const _ = db.command

exports.main = async (event, context) => {
  const todos = db.collection('todos')
  if (event.path === '/add') {
    const { id } = await todos.add({ title: event.title, done: false, tags: event.tags })
    return { code: 0, id }
  }
  if (event.path === '/tag') {
    const { updated } = await todos.where({ tags: _.all(event.tags) }).update({ tags: _.addToSet(event.tag) })
    return { code: 0, updated }
  }
  if (event.path === '/finish') {
    // 只有一个请求能完成
    const { updated, doc } = await todos.where({ _id: event.id, done: false })
      .updateAndReturn({ done: true, doneTime: db.serverDate() })
    return { code: 0, updated, title: doc && doc.title }
  }
  if (event.path === '/move') {
    const moved = await db.runTransaction(async transaction => {
      const { data } = await transaction.collection('todos').doc(event.id).get()
      if (!data) return null
      await transaction.collection('doneTodos').add(data)
      await transaction.collection('todos').doc(event.id).delete()
      return data.title
    })
    return { code: 0, moved }
  }
  if (event.path === '/wrong') {
    try {
      await db.collection('todo').add({ title: 'x' })
    } catch (e) {
      return { code: e.code }
    }
  }
  const { data } = await todos.doc(event.id).get()
  return { code: 0, data }
}
