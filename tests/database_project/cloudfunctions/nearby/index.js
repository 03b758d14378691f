const cloud = require('wx-server-sdk')
cloud.init()
const db = cloud.database()
const _ = db.command
const shops = db.collection('shops')

exports.main = async (event, context) => {
  const { longitude, latitude } = event
  if (event.name) {
    await shops.add({
      data: { name: event.name, location: db.Geo.Point(longitude, latitude), open: true }
    })
  }
  const res = await shops.where({
    location: _.geoNear({
      geometry: db.Geo.Point(longitude, latitude),
      minDistance: 0,
      maxDistance: event.distance || 3000
    }),
    open: true
  }).get()
  return res.data.map(shop => ({
    name: shop.name,
    east: shop.location.longitude > longitude
  }))
}
