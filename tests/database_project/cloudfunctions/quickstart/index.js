const addSale = require('./addSale/index')
const sumSales = require('./sumSales/index')
const selectSales = require('./selectSales/index')
const updateSales = require('./updateSales/index')

// 云函数入口函数
exports.main = async (event, context) => {
  switch (event.type) {
    case 'addSale':
      return await addSale.main(event, context)
    case 'sumSales':
      return await sumSales.main(event, context)
    case 'selectSales':
      return await selectSales.main(event, context)
    case 'updateSales':
      return await updateSales.main(event, context)
  }
}
