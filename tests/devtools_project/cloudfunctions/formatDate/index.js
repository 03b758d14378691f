const dayjs = require('dayjs')

exports.main = async ({ time }) => dayjs(time).format('YYYY年M月D日')
