const cloud = require('wx-server-sdk')
cloud.init()

exports.main = async (event) => {
  try {
    return await cloud.database().collection('items').doc(event.id).remove()
  } catch (e) {
    console.error(e)
    throw e
  }
}
