const Redis = require('ioredis')

exports.main = async ({ key }) => {
  const redis = new Redis({ host: '127.0.0.1', port: 1, lazyConnect: true, retryStrategy: null })
  redis.on('error', () => {})
  try {
    await redis.connect()
    return await redis.get(key)
  } finally {
    redis.disconnect()
  }
}
