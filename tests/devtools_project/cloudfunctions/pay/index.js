const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })

exports.main = async (event) => {
  return await cloud.cloudPay.unifiedOrder({
    body: event.body, outTradeNo: event.no, spbillCreateIp: '127.0.0.1', subMchId: '1900000109',
    totalFee: 1, envId: 'test-f0b102', functionName: 'login'
  })
}
