// Archive the retention in the collection retention: a document for each day, week and month.
//
// A timer runs it in the morning, and again later for what was not ready. The numbers of a day grow
// for 30 days, so each run gets the periods with a number that is not stored yet, and no others.
const cloud = require('wx-server-sdk')

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })

const COLLECTION = 'retention'
// The API of each span, and the periods after which WeChat adds a number.
const SPANS = {
  day: [cloud.openapi.analysis.getDailyRetain, [0, 1, 2, 3, 4, 5, 6, 7, 14, 30]],
  week: [cloud.openapi.analysis.getWeeklyRetain, [0, 1, 2, 3, 4]],
  month: [cloud.openapi.analysis.getMonthlyRetain, [0, 1]]
}
// Busy, the quota of the day, not ready, busy: the next run gets it.
const LATER = [-1, 45009, 61503, 61504]
const NO_COLLECTION = -502005
const BEIJING = 8 * 60 * 60 * 1000

// Store what is new at the time of the event; return the ids of the stored and the waiting.
exports.main = async (event, context) => {
  const wanted = periods(event.Time ? new Date(event.Time) : new Date())
  const collection = cloud.database().collection(COLLECTION)
  const stored = await storedKeys(collection, wanted.map(({ name }) => name))
  const done = []
  const waiting = []
  for (const { name, span, key, dates } of wanted) {
    if ((stored[name] || []).includes(key)) continue
    let numbers
    try {
      numbers = await SPANS[span][0](dates)
    } catch (error) {
      if (!LATER.includes(error.errCode)) throw error
      waiting.push(name)
      continue
    }
    const { refDate, visitUvNew, visitUv } = numbers
    await collection.doc(name).set({ data: { span, refDate, visitUvNew, visitUv } })
    done.push(name)
  }
  return { stored: done, waiting }
}

// Return the periods with a new number: id, span, the number's key and the dates.
function periods(now) {
  const found = []
  for (const [span, [, keys]] of Object.entries(SPANS)) {
    let moment = now
    for (let key = 0; key <= keys[keys.length - 1]; key++) {
      const [begin, end] = newest(span, moment)
      // At its first moment, the period before is the newest one.
      moment = new Date(begin - BEIJING)
      const dates = { beginDate: written(begin), endDate: written(end) }
      const { beginDate, endDate } = dates
      const names = { day: beginDate, week: `${beginDate}-${endDate}`, month: beginDate.slice(0, 6) }
      if (keys.includes(key)) found.push({ name: `${span}-${names[span]}`, span, key, dates })
    }
  }
  return found
}

// Return the first and the last day of the newest complete day, week or month in Beijing.
function newest(span, moment) {
  const today = new Date(moment.getTime() + BEIJING)
  const [year, month, day] = [today.getUTCFullYear(), today.getUTCMonth(), today.getUTCDate()]
  if (span === 'month') return [Date.UTC(year, month - 1, 1), Date.UTC(year, month, 0)]
  if (span === 'day') return [Date.UTC(year, month, day - 1), Date.UTC(year, month, day - 1)]
  const monday = day - (today.getUTCDay() + 6) % 7
  return [Date.UTC(year, month, monday - 7), Date.UTC(year, month, monday - 1)]
}

function written(day) {
  return new Date(day).toISOString().slice(0, 10).replace(/-/g, '')
}

// Return the keys of the numbers that are stored for each id.
async function storedKeys(collection, names) {
  const query = { _id: cloud.database().command.in(names) }
  try {
    const { data } = await collection.where(query).field({ visitUv: true }).get()
    return Object.fromEntries(data.map(({ _id, visitUv }) => [_id, visitUv.map(({ key }) => key)]))
  } catch (error) {
    if (error.errCode !== NO_COLLECTION) throw error
    await cloud.database().createCollection(COLLECTION)
    return {}
  }
}
