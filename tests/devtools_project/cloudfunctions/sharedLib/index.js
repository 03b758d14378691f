const { greet } = require('../common/greet')

exports.main = async (event) => greet(event.name)
