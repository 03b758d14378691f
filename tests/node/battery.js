// Operations of the cloud database, each with the result that MongoDB's and WeChat's documentation
// give. `run(db)` makes all of them with the database object of any SDK, and returns a list of
// {name, expected, found | error}. The SDKs name results differently; the functions below read all.
const cases = []
const test = (name, expected, run) => cases.push({ name, expected, run })

const DAY = 86400000
const START = Date.UTC(2026, 0, 1)
const NUMBERS = [1, 2, 3, 4, 5, 6].map((n) => ({
  _id: `n${n}`,
  n,
  s: `s${n}`,
  even: n % 2 === 0,
  tags: ['a', 'b'].slice(0, n % 3),
  o: { x: n, y: { z: n % 2 } },
  at: new Date(START + n * DAY),
}))
const MIXED = [
  { _id: 'm1', v: null, list: [{ k: 1, v: 5 }, { k: 2, v: 1 }], r: [1, 9], text: 'Hello\nworld' },
  { _id: 'm2', v: 0, list: [{ k: 1, v: 1 }], r: [5], text: '你好' },
  { _id: 'm3', v: 'x', list: [], r: 5, a: 3, b: 2 },
  { _id: 'm4', list: [{ k: 3, v: 9 }], r: [2, 4], a: 1, b: 2 },
]
const PLACES = [
  ['canton', 113.0, 23.0],
  ['near', 113.01, 23.0],
  ['hangzhou', 120.0, 30.0],
]

// ---- Results of all SDKs ----------------------------------------------------------------------
const first = (...values) => values.find((value) => value !== undefined)
const one = ({ data }) => (Array.isArray(data) ? data[0] : data)
const idOf = (added) => first(added._id, added.id)
const updated = (result) => first(result.stats && result.stats.updated, result.updated)
const removed = (result) => first(result.stats && result.stats.removed, result.deleted)
const created = (result) => Boolean(first(result.stats && result.stats.created, result.upsertedId, result.upserted, 0))
const ids = (result) => list(result).map(({ _id }) => _id)
const list = (result) => { check(result); return first(result.data, result.list) }
// tcb-admin-node resolves with the error.
function check(result) {
  if (result && result.code) throw Object.assign(new Error(result.message), { code: result.code })
  return result
}
const failed = async (promise) => {
  try {
    check(await promise)
    return 'no error'
  } catch (error) {
    return String(error.errCode && error.errCode !== -1 ? error.errCode : error.code || error.errCode)
  }
}
// Geo.Point is a function in wx-server-sdk and a class in the others.
const made = (Type, ...values) => (/^class/.test(Type) ? new Type(...values) : Type(...values))
const pointOf = (db, ...values) => made(db.Geo.Point, ...values)
const lineOf = (db, points) => made(db.Geo.LineString, points.map((point) => pointOf(db, ...point)))
const without = (document, ...names) => {
  const kept = { ...document }
  for (const name of names) delete kept[name]
  return kept
}

// ---- Reading ------------------------------------------------------------------------------------
const where = (name, expected, query, collection = 'numbers') =>
  test(`where: ${name}`, expected, async ({ db, _ }) =>
    ids(await db.collection(collection).where(query(_, db)).orderBy('_id', 'asc').get()))

where('equality', ['n3'], () => ({ n: 3 }))
where('eq', ['n3'], (_) => ({ n: _.eq(3) }))
where('eq of an object', ['n2'], (_) => ({ o: _.eq({ x: 2, y: { z: 0 } }) }))
where('object becomes paths', ['n1', 'n3', 'n5'], () => ({ o: { y: { z: 1 } } }))
where('dotted path', ['n4'], () => ({ 'o.x': 4 }))
where('two fields', ['n4'], () => ({ even: true, tags: 'a', n: 4 }))
where('neq', ['n1', 'n2', 'n4', 'n5', 'n6'], (_) => ({ n: _.neq(3) }))
where('lt', ['n1', 'n2'], (_) => ({ n: _.lt(3) }))
where('lte', ['n1', 'n2', 'n3'], (_) => ({ n: _.lte(3) }))
where('gt', ['n5', 'n6'], (_) => ({ n: _.gt(4) }))
where('gte', ['n4', 'n5', 'n6'], (_) => ({ n: _.gte(4) }))
where('in', ['n1', 'n2'], (_) => ({ n: _.in([1, 2, 9]) }))
where('nin', ['n3', 'n4', 'n5', 'n6'], (_) => ({ n: _.nin([1, 2, 9]) }))
where('and, chained', ['n3', 'n4'], (_) => ({ n: _.gt(2).and(_.lt(5)) }))
where('and of a field', ['n3', 'n4'], (_) => ({ n: _.and(_.gt(2), _.lt(5)) }))
where('and of queries', ['n4'], (_) => _.and([{ even: true }, { n: _.gt(2) }, { n: _.lt(5) }]))
where('or of a field', ['n1', 'n6'], (_) => ({ n: _.or(_.lt(2), _.gt(5)) }))
where('or of queries', ['n1', 'n2', 'n4', 'n6'], (_) => _.or([{ n: 1 }, { even: true }]))
where('nor', ['n3', 'n5'], (_) => _.nor([{ n: 1 }, { even: true }]))
where('not', ['n1', 'n2'], (_) => ({ n: _.not(_.gt(2)) }))
where('date', ['n5', 'n6'], (_) => ({ at: _.gt(new Date(START + 4 * DAY)) }))
where('value of a list', ['n1', 'n2', 'n4', 'n5'], () => ({ tags: 'a' }))
where('element of a list by number', ['n2', 'n5'], () => ({ 'tags.1': 'b' }))
where('whole list', ['n2', 'n5'], (_) => ({ tags: _.eq(['a', 'b']) }))
where('size', ['n1', 'n4'], (_) => ({ tags: _.size(1) }))
where('all', ['n2', 'n5'], (_) => ({ tags: _.all(['b', 'a']) }))
where('exists', ['m1', 'm2', 'm3'], (_) => ({ v: _.exists(true) }), 'mixed')
where('exists not', ['m4'], (_) => ({ v: _.exists(false) }), 'mixed')
where('null', ['m1', 'm4'], (_) => ({ v: _.eq(null) }), 'mixed')
where('mod', ['n3', 'n6'], (_) => ({ n: _.mod(3, 0) }))
where('mod of a list', ['n3', 'n6'], (_) => ({ n: _.mod([3, 0]) }))
where('elemMatch of objects', ['m1'], (_) => ({ list: _.elemMatch({ k: 1, v: _.gt(3) }) }), 'mixed')
where('elemMatch of values', ['m2'], () => ({ r: { $elemMatch: { $gt: 4, $lt: 9 } } }), 'mixed')
where('elemMatch of chained commands', ['m2'], (_) => ({ r: _.elemMatch(_.gt(4).lt(9)) }), 'mixed')
where('path through a list', ['m1'], () => ({ 'list.k': 2 }), 'mixed')
where('regular expression', ['m1'], () => ({ text: /^hello/i }), 'mixed')
where('RegExp', ['m1'], (_, db) => ({ text: db.RegExp({ regexp: '^WORLD', options: 'im' }) }), 'mixed')
where('RegExp in Chinese', ['m2'], (_, db) => ({ text: db.RegExp({ regexp: '好' }) }), 'mixed')
where('expr', ['m3'], (_) => _.expr(_.aggregate.gt(['$a', '$b'])), 'mixed')
where('jsonSchema', ['m3'], (_) => _.jsonSchema({ required: ['v'], properties: { v: { bsonType: 'string' } } }), 'mixed')

test('get: all documents', 6, async ({ numbers }) => list(await numbers.get()).length)
test('get: values as they were', NUMBERS[0], async ({ numbers }) => one(await numbers.doc('n1').get()))
test('get: 100 without a limit', 100, async ({ many }) => list(await many.get()).length)
test('get: a limit of 1000', 120, async ({ many }) => list(await many.limit(1000).get()).length)
test('orderBy asc', ['n1', 'n2'], async ({ numbers }) => ids(await numbers.orderBy('n', 'asc').limit(2).get()))
test('orderBy desc', ['n6', 'n5'], async ({ numbers }) => ids(await numbers.orderBy('n', 'desc').limit(2).get()))
test('orderBy two fields', ['n2', 'n4', 'n6', 'n1', 'n3', 'n5'], async ({ numbers }) =>
  ids(await numbers.orderBy('even', 'desc').orderBy('n', 'asc').get()))
test('orderBy a path', ['n6'], async ({ numbers }) => ids(await numbers.orderBy('o.x', 'desc').limit(1).get()))
test('skip and limit', ['n3', 'n4'], async ({ numbers }) => ids(await numbers.orderBy('n', 'asc').skip(2).limit(2).get()))
test('skip past the end', [], async ({ numbers }) => ids(await numbers.orderBy('n', 'asc').skip(20).get()))
test('field: included', { _id: 'n1', s: 's1' }, async ({ numbers }) => one(await numbers.where({ n: 1 }).field({ s: true }).get()))
test('field: without _id', { s: 's1' }, async ({ numbers }) =>
  one(await numbers.where({ n: 1 }).field({ s: true, _id: false }).get()))
test('field: excluded', { _id: 'n1', n: 1, even: false }, async ({ numbers }) =>
  one(await numbers.where({ n: 1 }).field({ s: false, tags: false, o: false, at: false }).get()))
test('field: path', { _id: 'n1', o: { y: { z: 1 } } }, async ({ numbers }) =>
  one(await numbers.where({ n: 1 }).field({ 'o.y': true }).get()))
test('field: slice', { _id: 'n2', tags: ['b'] }, async ({ numbers, _ }) =>
  without(one(await numbers.where({ n: 2 }).field({ tags: _.project.slice(-1), n: true }).get()), 'n'))
test('field: elemMatch', { _id: 'm1', list: [{ k: 2, v: 1 }] }, async ({ mixed, _ }) =>
  one(await mixed.where({ _id: 'm1' }).field({ list: _.project.elemMatch({ k: 2 }) }).get()))
test('count', 6, async ({ numbers }) => check(await numbers.count()).total)
test('count of a query', 3, async ({ numbers, _ }) => check(await numbers.where({ n: _.gt(3) }).count()).total)

// ---- Geography ----------------------------------------------------------------------------------
test('geo: points are read as points', [113, 23], async ({ places }) => {
  const { at } = one(await places.doc('canton').get())
  return [at.longitude, at.latitude]
})
test('geo: geoNear is sorted', ['near', 'canton'], async ({ places, _, db }) =>
  ids(await places.where({ at: _.geoNear({ geometry: pointOf(db, 113.02, 23), maxDistance: 5000 }) }).get()))
test('geo: geoNear with minDistance', ['canton'], async ({ places, _, db }) =>
  ids(await places.where({
    at: _.geoNear({ geometry: pointOf(db, 113.02, 23), minDistance: 1500, maxDistance: 5000 }),
  }).get()))
test('geo: geoWithin a polygon', ['canton'], async ({ places, _, db }) => {
  const points = [[112.9, 22.9], [113.005, 22.9], [113.005, 23.1], [112.9, 23.1], [112.9, 22.9]]
  const geometry = made(db.Geo.Polygon, [lineOf(db, points)])
  return ids(await places.where({ at: _.geoWithin({ geometry }) }).get())
})
test('geo: geoWithin a circle', ['canton', 'near'], async ({ places, _ }) =>
  ids(await places.where({ at: _.geoWithin({ centerSphere: [[113, 23], 10 / 6378.1] }) }).orderBy('_id', 'asc').get()))
test('geo: geoIntersects', ['canton'], async ({ places, _, db }) => {
  const geometry = lineOf(db, [[113, 22], [113, 24]])
  return ids(await places.where({ at: _.geoIntersects({ geometry }) }).get())
})

// ---- Writing: each case has a document of its own ---------------------------------------------------
let last = 0
const fresh = (h) => h.db.collection('changes').doc(`u${++last}`)

const update = (name, before, change, after) =>
  test(`update: ${name}`, after, async (h) => {
    const document = fresh(h)
    check(await document.set(h.data(before)))
    check(await document.update(h.data(change(h._, h.db))))
    return without(one(await document.get()), '_id')
  })

update('a field', { a: 1, b: 2 }, () => ({ a: 3 }), { a: 3, b: 2 })
update('a new field', { a: 1 }, () => ({ c: [1, null, { d: 'x' }] }), { a: 1, c: [1, null, { d: 'x' }] })
update('a field of an object', { o: { a: 1, b: 2 } }, () => ({ o: { b: 3 } }), { o: { a: 1, b: 3 } })
update('a path', { o: { a: 1, b: 2 } }, () => ({ 'o.b': 3 }), { o: { a: 1, b: 3 } })
update('an element of a list', { l: [1, 2, 3] }, () => ({ 'l.1': 9 }), { l: [1, 9, 3] })
update('a list is replaced', { l: [1, 2, 3] }, () => ({ l: [9] }), { l: [9] })
update('null', { a: 1 }, () => ({ a: null }), { a: null })
update('undefined is left out', { a: 1 }, () => ({ a: undefined, b: 2 }), { a: 1, b: 2 })
update('Chinese', { a: 1 }, () => ({ 名称: '苹果😀' }), { a: 1, 名称: '苹果😀' })
update('set', { o: { a: 1, b: 2 } }, (_) => ({ o: _.set({ c: 3 }) }), { o: { c: 3 } })
update('remove', { a: 1, b: 2 }, (_) => ({ a: _.remove() }), { b: 2 })
update('remove a path', { o: { a: 1, b: 2 } }, (_) => ({ 'o.a': _.remove() }), { o: { b: 2 } })
update('inc', { n: 1 }, (_) => ({ n: _.inc(2) }), { n: 3 })
update('inc of a path', { o: { n: 1 } }, (_) => ({ o: { n: _.inc(-2) } }), { o: { n: -1 } })
update('inc of a missing field', { a: 1 }, (_) => ({ n: _.inc(2) }), { a: 1, n: 2 })
update('inc by a fraction', { n: 1 }, (_) => ({ n: _.inc(0.5) }), { n: 1.5 })
update('mul', { n: 4 }, (_) => ({ n: _.mul(2.5) }), { n: 10 })
update('min', { a: 5, b: 5 }, (_) => ({ a: _.min(3), b: _.min(8) }), { a: 3, b: 5 })
update('max', { a: 5, b: 5 }, (_) => ({ a: _.max(3), b: _.max(8) }), { a: 5, b: 8 })
update('rename', { a: 5 }, (_) => ({ a: _.rename('b') }), { b: 5 })
update('bit', { a: 12 }, (_) => ({ a: _.bit({ and: 6 }) }), { a: 4 })
update('push', { l: [1] }, (_) => ({ l: _.push([2, 3]) }), { l: [1, 2, 3] })
update('push one value', { l: [1] }, (_) => ({ l: _.push(2) }), { l: [1, 2] })
update('push objects', { l: [] }, (_) => ({ l: _.push([{ a: 1 }]) }), { l: [{ a: 1 }] })
update('push to a missing field', { a: 1 }, (_) => ({ l: _.push([2]) }), { a: 1, l: [2] })
update('push at a position', { l: [1, 4] }, (_) => ({ l: _.push({ each: [2, 3], position: 1 }) }), { l: [1, 2, 3, 4] })
update('push, sort and slice', { l: [5, 1] }, (_) => ({ l: _.push({ each: [3, 4], sort: -1, slice: 3 }) }), { l: [5, 4, 3] })
update('push, sort by a field', { l: [{ v: 2 }] }, (_) => ({ l: _.push({ each: [{ v: 1 }], sort: { v: 1 } }) }),
  { l: [{ v: 1 }, { v: 2 }] })
update('unshift', { l: [3] }, (_) => ({ l: _.unshift([1, 2]) }), { l: [1, 2, 3] })
update('pop', { l: [1, 2, 3] }, (_) => ({ l: _.pop() }), { l: [1, 2] })
update('shift', { l: [1, 2, 3] }, (_) => ({ l: _.shift() }), { l: [2, 3] })
update('pull', { l: [1, 2, 1] }, (_) => ({ l: _.pull(1) }), { l: [2] })
update('pull by a command', { l: [1, 5, 9] }, (_) => ({ l: _.pull(_.gte(5)) }), { l: [1] })
update('pull by in', { l: [1, 5, 9] }, (_) => ({ l: _.pull(_.in([1, 9])) }), { l: [5] })
update('pull objects', { l: [{ k: 1, v: 2 }, { k: 2 }] }, (_) => ({ l: _.pull({ k: 1 }) }), { l: [{ k: 2 }] })
update('pull objects by a command', { l: [{ k: 1 }, { k: 5 }] }, (_) => ({ l: _.pull({ k: _.gt(3) }) }), { l: [{ k: 1 }] })
update('pullAll', { l: [1, 2, 3] }, (_) => ({ l: _.pullAll([1, 3]) }), { l: [2] })
update('addToSet', { l: [1] }, (_) => ({ l: _.addToSet(2) }), { l: [1, 2] })
update('addToSet of a known value', { l: [1] }, (_) => ({ l: _.addToSet(1) }), { l: [1] })
update('addToSet of several', { l: [1] }, (_) => ({ l: _.addToSet({ $each: [1, 2] }) }), { l: [1, 2] })
update('several commands', { n: 1, l: [], a: 1 }, (_) => ({ n: _.inc(1), l: _.push(['x']), a: _.remove(), b: 2 }),
  { n: 2, l: ['x'], b: 2 })

test('update: counts', [1, 0, 0], async (h) => {
  const document = fresh(h)
  check(await document.set(h.data({ a: 1 })))
  const change = async (reference, value) => updated(check(await reference.update(h.data({ a: value }))))
  return [await change(document, 2), await change(document, 2), await change(fresh(h), 2)]
})
test('update: of a query', [2, [9, 9, 1]], async (h) => {
  for (const n of [1, 2, 3]) check(await h.groups.doc(`w${n}`).set(h.data({ g: 'w', n })))
  const count = updated(check(await h.groups.where({ g: 'w', n: h._.gt(1) }).update(h.data({ n: 9 }))))
  return [count, list(await h.groups.where({ g: 'w' }).orderBy('_id', 'desc').get()).map(({ n }) => n)]
})
test('update: the matched element', [{ k: 1 }, { k: 2, v: 5 }], async (h) => {
  check(await h.groups.doc('p').set(h.data({ g: 'p', l: [{ k: 1 }, { k: 2 }] })))
  check(await h.groups.where({ g: 'p', 'l.k': 2 }).update(h.data({ 'l.$.v': 5 })))
  return one(await h.groups.doc('p').get()).l
})
test('update: operators that do not fit fail', [true, { n: 'x' }], async (h) => {
  const document = fresh(h)
  check(await document.set(h.data({ n: 'x' })))
  const error = await failed(document.update(h.data({ n: h._.inc(1) })))
  return [error !== 'no error', without(one(await document.get()), '_id')]
})
test('set: creates, then replaces', [true, false, { b: 2 }], async (h) => {
  const document = fresh(h)
  const made = created(check(await document.set(h.data({ a: 1 }))))
  const again = created(check(await document.set(h.data({ b: 2 }))))
  return [made, again, without(one(await document.get()), '_id')]
})
test('add: own _id', 'own', async (h) => idOf(check(await h.groups.add(h.data({ _id: 'own', g: 'a' })))))
test('add: a number as _id', 7, async (h) => {
  check(await h.groups.add(h.data({ _id: 7, g: 'number' })))
  return one(await h.groups.where({ g: 'number' }).get())._id
})
test('add: 32 hexadecimal digits as _id', true, async (h) => {
  const id = idOf(check(await h.groups.add(h.data({ g: 'b' }))))
  return /^[0-9a-f]{32}$/.test(id) && one(await h.groups.doc(id).get()).g === 'b'
})
test('add: several', ['x1', 'x2'], async (h) => {
  check(await h.groups.add(h.data([{ _id: 'x1', g: 'x' }, { _id: 'x2', g: 'x' }])))
  return ids(await h.groups.where({ g: 'x' }).orderBy('_id', 'asc').get())
})
test('add: values', true, async (h) => {
  const values = { i: 2147483648, f: 1.5, e: 1e20, d: new Date(START + 123), t: true, n: null, l: [[]], o: {}, s: '' }
  const id = idOf(check(await h.groups.add(h.data(values))))
  const found = without(one(await h.groups.doc(id).get()), '_id')
  return JSON.stringify(found) === JSON.stringify(values) && found.d instanceof Date || found
})
test('add: serverDate', [true, 3600000], async (h) => {
  const { serverDate } = h.db
  const id = idOf(check(await h.groups.add(h.data({ at: serverDate(), later: { at: serverDate({ offset: 3600000 }) } }))))
  const { at, later } = one(await h.groups.doc(id).get())
  return [at instanceof Date && Math.abs(at - h.now()) < DAY, later.at - at]
})
test('update: serverDate', true, async (h) => {
  const document = fresh(h)
  check(await document.set(h.data({ a: 1 })))
  check(await document.update(h.data({ at: h.db.serverDate() })))
  return one(await document.get()).at instanceof Date
})
test('remove: a document', [1, 0, 0], async (h) => {
  const document = h.groups.doc('gone')
  check(await document.set(h.data({ g: 'gone' })))
  const counts = [removed(check(await document.remove())), removed(check(await document.remove()))]
  return [...counts, check(await h.groups.where({ g: 'gone' }).count()).total]
})
test('remove: of a query', [2, ['r3']], async (h) => {
  for (const n of [1, 2, 3]) check(await h.groups.doc(`r${n}`).set(h.data({ g: 'r', n })))
  const count = removed(check(await h.groups.where({ g: 'r', n: h._.lt(3) }).remove()))
  return [count, ids(await h.groups.where({ g: 'r' }).get())]
})

// ---- Aggregation --------------------------------------------------------------------------------
const aggregate = (name, expected, build, collection = 'numbers') =>
  test(`aggregate: ${name}`, expected, async (h) => list(await build(h.db.collection(collection).aggregate(), h).end()))
const value = (name, expected, build) =>
  test(`operator: ${name}`, expected, async (h) => {
    const stages = h.numbers.aggregate().match({ n: 2 }).project({ _id: 0, r: build(h.$, h) })
    return list(await stages.end())[0].r
  })

aggregate('match, group and sort', [{ _id: false, sum: 9, avg: 3, count: 3 }, { _id: true, sum: 12, avg: 4, count: 3 }],
  (stages, { $, _ }) => stages.match({ n: _.gt(0) })
    .group({ _id: '$even', sum: $.sum('$n'), avg: $.avg('$n'), count: $.sum(1) }).sort({ _id: 1 }))
aggregate('accumulators', [{ _id: null, first: 1, last: 6, min: 1, max: 6, all: [1, 2, 3, 4, 5, 6] }],
  (stages, { $ }) => stages.sort({ n: 1 }).group({
    _id: null, first: $.first('$n'), last: $.last('$n'), min: $.min('$n'), max: $.max('$n'), all: $.push('$n'),
  }))
aggregate('addToSet', [{ _id: null, set: [0, 1] }], (stages, { $ }) =>
  stages.group({ _id: null, set: $.addToSet('$o.y.z') }).unwind('$set').sort({ set: 1 }).group({ _id: '$_id', set: $.push('$set') }))
aggregate('stdDev', [{ _id: null, pop: 2, samp: true }], (stages, { $, _ }) =>
  stages.match({ n: _.in([1, 5]) }).group({ _id: null, pop: $.stdDevPop('$n'), samp: $.stdDevSamp('$n') })
    .project({ pop: 1, samp: $.gt(['$samp', 2.8]) }))
aggregate('project', [{ n: 1, twice: 2, o: { x: 1 } }], (stages, { $ }) =>
  stages.match({ n: 1 }).project({ _id: 0, n: 1, 'o.x': 1, twice: $.multiply(['$n', 2]) }))
aggregate('addFields', [{ _id: 'n1', m: 11 }], (stages, { $ }) =>
  stages.match({ n: 1 }).addFields({ m: $.add(['$n', 10]) }).project({ m: 1 }))
aggregate('skip and limit', [{ n: 3 }, { n: 4 }], (stages) => stages.sort({ n: 1 }).skip(2).limit(2).project({ _id: 0, n: 1 }))
aggregate('count', [{ k: 6 }], (stages) => stages.count('k'))
aggregate('sortByCount', [{ _id: 'a', count: 4 }, { _id: 'b', count: 2 }], (stages) => stages.unwind('$tags').sortByCount('$tags'))
aggregate('unwind', [['a', 0], ['a', 0], ['b', 1], ['-', null]].map((pair) => ({ pair })), (stages, { $, _ }) =>
  stages.match({ n: _.lte(3) }).sort({ n: 1 })
    .unwind({ path: '$tags', includeArrayIndex: 'i', preserveNullAndEmptyArrays: true })
    .project({ _id: 0, pair: [$.ifNull(['$tags', '-']), '$i'] }))
aggregate('bucket', [{ _id: 1, count: 2 }, { _id: 3, count: 2 }, { _id: 'other', count: 2 }],
  (stages) => stages.bucket({ groupBy: '$n', boundaries: [1, 3, 5], default: 'other' }))
aggregate('bucketAuto', [{ _id: { min: 1, max: 4 }, count: 3 }, { _id: { min: 4, max: 6 }, count: 3 }],
  (stages) => stages.bucketAuto({ groupBy: '$n', buckets: 2 }))
aggregate('bucketAuto with a granularity', [{ _id: { min: 0.5, max: 4 }, count: 3 }, { _id: { min: 4, max: 8 }, count: 3 }],
  (stages) => stages.bucketAuto({ groupBy: '$n', buckets: 2, granularity: 'POWERSOF2' }))
aggregate('replaceRoot', [{ x: 1, y: { z: 1 }, n: 1 }], (stages, { $ }) =>
  stages.match({ n: 1 }).replaceRoot({ newRoot: $.mergeObjects(['$o', { n: '$n' }]) }))
aggregate('lookup', [{ _id: 'm3', found: [{ _id: 'n3', n: 3 }] }], (stages, { $ }) =>
  stages.match({ a: 3 }).lookup({ from: 'numbers', localField: 'a', foreignField: 'n', as: 'found' })
    .project({ found: { _id: 1, n: 1 } }), 'mixed')
aggregate('lookup by a pipeline', [{ _id: 'm3', found: [{ n: 5 }, { n: 6 }] }], (stages, { $, _ }) =>
  stages.match({ a: 3 }).lookup({
    from: 'numbers',
    let: { least: $.add(['$a', '$b']) },
    pipeline: $.pipeline().match(_.expr($.gte(['$n', '$$least']))).sort({ n: 1 }).project({ _id: 0, n: 1 }).done(),
    as: 'found',
  }).project({ found: 1 }), 'mixed')
aggregate('sample', [{ k: 3 }], (stages) => stages.sample({ size: 3 }).count('k'))
aggregate('geoNear', [{ _id: 'near' }, { _id: 'canton' }], (stages, { db, $ }) =>
  stages.geoNear({ near: pointOf(db, 113.02, 23), distanceField: 'd', maxDistance: 5000, spherical: true, key: 'at' })
    .project({ _id: 1 }), 'places')
test('aggregate: 20 documents without a limit', 20, async (h) =>
  list(await h.many.aggregate().match({ n: h._.gte(0) }).end()).length)
test('aggregate: a limit of more than 20', 50, async (h) => list(await h.many.aggregate().limit(50).end()).length)
test('aggregate: dates are dates', [START + DAY, true], async (h) => {
  const [{ at }] = list(await h.numbers.aggregate().match({ n: 1 }).project({ at: 1 }).end())
  return [Number(at), at instanceof Date]
})

value('add, subtract', [4, 0], ($) => [$.add(['$n', 2]), $.subtract(['$n', 2])])
value('multiply, divide, mod', [6, 0.5, 0], ($) => [$.multiply(['$n', 3]), $.divide(['$n', 4]), $.mod(['$n', 2])])
value('rounding', [2.5, 3, 2, 2], ($) => [$.abs(-2.5), $.ceil(2.5), $.floor(2.5), $.trunc(2.5)])
value('powers', [8, 4, 3, 2, 0, 1], ($) => [$.pow(['$n', 3]), $.sqrt(16), $.log([8, 2]), $.log10(100), $.ln(1), $.exp(0)])
value('arrays', ['b', 2, ['a', 'b', 'c'], true, 1, true], ($) => [
  $.arrayElemAt(['$tags', -1]), $.size('$tags'), $.concatArrays(['$tags', ['c']]), $.in(['a', '$tags']),
  $.indexOfArray(['$tags', 'b']), $.isArray('$tags'),
])
value('lists', [['b', 'a'], ['a'], [0, 2, 4], [[1, 'a'], [2, 'b']]], ($) => [
  $.reverseArray('$tags'), $.slice(['$tags', 1]), $.range([0, 6, 2]), $.zip({ inputs: [[1, 2], '$tags'] }),
])
value('filter, map, reduce', [['b'], ['a!', 'b!'], 'ab'], ($) => [
  $.filter({ input: '$tags', as: 'tag', cond: $.eq(['$$tag', 'b']) }),
  $.map({ input: '$tags', as: 'tag', in: $.concat(['$$tag', '!']) }),
  $.reduce({ input: '$tags', initialValue: '', in: $.concat(['$$value', '$$this']) }),
])
value('objects', [[{ k: 'z', v: 0 }], { a: 1 }, { z: 1 }], ($) => [
  $.objectToArray('$o.y'), $.arrayToObject([[['a', 1]]]), $.mergeObjects(['$o.y', { z: 1 }]),
])
value('logic', [true, true, false], ($) => [$.and([true, '$even']), $.or([false, '$even']), $.not(['$even'])])
value('comparison', [0, true, false, true, false, true, true], ($) => [
  $.cmp(['$n', 2]), $.eq(['$n', 2]), $.gt(['$n', 2]), $.gte(['$n', 2]), $.lt(['$n', 2]), $.lte(['$n', 2]), $.neq(['$n', 3]),
])
value('conditions', ['y', '-', 'two'], ($) => [
  $.cond({ if: '$even', then: 'y', else: 'n' }), $.ifNull(['$none', '-']),
  $.switch({ branches: [{ case: $.eq(['$n', 2]), then: 'two' }], default: '?' }),
])
value('dates', [2026, 1, 3, 0, 0, 0, 0, 3, 7, 6, 1, 2026, 0], ($) => [
  $.year('$at'), $.month('$at'), $.dayOfMonth('$at'), $.hour('$at'), $.minute('$at'), $.second('$at'), $.millisecond('$at'),
  $.dayOfYear('$at'), $.dayOfWeek('$at'), $.isoDayOfWeek('$at'), $.isoWeek('$at'), $.isoWeekYear('$at'), $.week('$at'),
])
value('dateToString', '2026-01-03 08:00', ($) =>
  $.dateToString({ date: '$at', format: '%Y-%m-%d %H:%M', timezone: 'Asia/Shanghai' }))
value('dateToString of null', ['-', null], ($) => [
  $.dateToString({ date: '$none', onNull: '-' }), $.dateToString({ date: '$none', format: '%Y' }),
])
value('dateFromParts, dateFromString', [true, true], ($) => [
  $.eq([$.dateFromParts({ year: 2026, month: 1, day: 3 }), '$at']), $.eq([$.dateFromString({ dateString: '2026-01-03T00:00:00Z' }), '$at']),
])
value('literal, let', ['$n', 5], ($) => [$.literal('$n'), $.let({ vars: { m: $.add(['$n', 3]) }, in: '$$m' })])
value('sets', [true, true, false, true, 3, ['a'], ['b']], ($) => [
  $.setEquals(['$tags', ['b', 'a']]), $.setIsSubset([['a'], '$tags']), $.allElementsTrue([[true, 0]]),
  $.anyElementTrue([[false, 1]]), $.size($.setUnion(['$tags', ['c']])), $.setIntersection(['$tags', ['a']]),
  $.setDifference(['$tags', ['a']]),
])
value('texts', ['s2!', 'S2', 's2', ['s', ''], 1, 1, 2, 2, 0], ($) => [
  $.concat(['$s', '!']), $.toUpper('$s'), $.toLower('S2'), $.split(['$s', '2']), $.indexOfCP(['$s', '2']),
  $.indexOfBytes(['$s', '2']), $.strLenCP('$s'), $.strLenBytes('$s'), $.strcasecmp(['$s', 'S2']),
])
value('parts of texts', ['2', '2', 's'], ($) => [$.substr(['$s', 1, 1]), $.substrCP(['$s', 1, 1]), $.substrBytes(['$s', 0, 1])])

// ---- Transactions -------------------------------------------------------------------------------
const account = async (h, n) => {
  const id = `t${++last}`
  check(await h.groups.doc(id).set(h.data({ n })))
  return id
}
const amount = async (h, id) => one(await h.groups.doc(id).get()).n

test('transaction: commit', [8, 12, 10], async (h) => {
  const [from, to] = [await account(h, 10), await account(h, 10)]
  const before = await h.db.runTransaction(async (transaction) => {
    const { n } = one(await transaction.collection('groups').doc(from).get())
    await transaction.collection('groups').doc(from).update(h.data({ n: h._.inc(-2) }))
    await transaction.collection('groups').doc(to).update(h.data({ n: n + 2 }))
    return n
  })
  return [await amount(h, from), await amount(h, to), before]
})
test('transaction: its own writes are read', [11, 11], async (h) => {
  const id = await account(h, 10)
  const inside = await h.db.runTransaction(async (transaction) => {
    const document = transaction.collection('groups').doc(id)
    await document.update(h.data({ n: h._.inc(1) }))
    return one(await document.get()).n
  })
  return [inside, await amount(h, id)]
})
test('transaction: rollback', ['why', 10], async (h) => {
  const id = await account(h, 10)
  const reason = await h.db.runTransaction(async (transaction) => {
    await transaction.collection('groups').doc(id).update(h.data({ n: 0 }))
    await transaction.rollback('why')
  }).catch((error) => error)
  return [reason, await amount(h, id)]
})
test('transaction: an error in the callback aborts', ['mine', 10], async (h) => {
  const id = await account(h, 10)
  const reason = await h.db.runTransaction(async (transaction) => {
    await transaction.collection('groups').doc(id).update(h.data({ n: 0 }))
    throw new Error('mine')
  }).catch((error) => error.message)
  return [reason.includes('mine') ? 'mine' : reason, await amount(h, id)]
})
test('transaction: add, set and remove', [1, { n: 5 }, 0], async (h) => {
  const [set, gone] = [await account(h, 1), await account(h, 2)]
  await h.db.runTransaction(async (transaction) => {
    const inside = transaction.collection('groups')
    await inside.add(h.data({ _id: `added${set}`, g: 'added' }))
    await inside.doc(set).set(h.data({ n: 5 }))
    const removed_ = inside.doc(gone)
    await (removed_.remove ? removed_.remove() : removed_.delete())
  })
  const count = async (query) => check(await h.groups.where(query).count()).total
  return [await count({ g: 'added' }), without(one(await h.groups.doc(set).get()), '_id'), await count({ _id: gone })]
})
test('transaction: started and committed by hand', 3, async (h) => {
  const id = await account(h, 1)
  const transaction = await h.db.startTransaction()
  await transaction.collection('groups').doc(id).update(h.data({ n: 3 }))
  await transaction.commit()
  return amount(h, id)
})
test('transaction: conflict', [true, 2], async (h) => {
  const id = await account(h, 1)
  const [one_, other] = [await h.db.startTransaction(), await h.db.startTransaction()]
  await one_.collection('groups').doc(id).update(h.data({ n: 2 }))
  const conflict = await failed(other.collection('groups').doc(id).update(h.data({ n: 3 })))
  await one_.commit()
  await other.rollback().catch(() => undefined)
  return [conflict !== 'no error', await amount(h, id)]
})

// ---- Errors -------------------------------------------------------------------------------------
const missing = (name, run) =>
  test(`error: missing collection: ${name}`, true, async (h) =>
    /502005|DATABASE_COLLECTION_NOT_EXIST/.test(await failed(run(h.db.collection('missing'), h))))
missing('add', (collection, h) => collection.add(h.data({ a: 1 })))
missing('get', (collection) => collection.get())
missing('count', (collection) => collection.count())
missing('update', (collection, h) => collection.doc('x').update(h.data({ a: 1 })))
missing('remove', (collection) => collection.where({ a: 1 }).remove())
test('error: missing document', true, async (h) =>
  h.wx ? (await h.numbers.doc('none').get().catch((error) => String(error.errMsg))).includes('_id none') : list(await h.numbers.doc('none').get()).length === 0)
test('error: duplicate _id', true, async (h) =>
  /502001|DATABASE_REQUEST_FAILED/.test(await failed(h.numbers.add(h.data({ _id: 'n1' })))))
test('error: createCollection of one that exists', true, async (h) => (await failed(h.db.createCollection('numbers'))) !== 'no error')
test('error: unknown operator', true, async (h) => (await failed(h.numbers.where({ n: { $foo: 1 } }).get())) !== 'no error')
test('error: $where is refused', true, async (h) => (await failed(h.numbers.where({ $where: '1' }).get())) !== 'no error')
test('error: unknown stage', true, async (h) =>
  (await failed(h.numbers.aggregate()._pipe ? h.numbers.aggregate()._pipe('foo', {}).end() : Promise.reject(new Error()))) !== 'no error')

// ---- Run ----------------------------------------------------------------------------------------
async function fill(h) {
  for (const name of ['numbers', 'mixed', 'places', 'many', 'changes', 'groups']) check(await h.db.createCollection(name))
  const documents = [
    ...NUMBERS.map((document) => ['numbers', document]),
    ...MIXED.map((document) => ['mixed', document]),
    ...PLACES.map(([_id, x, y]) => ['places', { _id, at: pointOf(h.db, x, y) }]),
    ...Array.from({ length: 120 }, (_, n) => ['many', { _id: `x${n}`, n }]),
  ]
  await Promise.all(documents.map(([name, document]) => h.db.collection(name).add(h.data(document)).then(check)))
}

async function outcome({ name, expected, run }, h) {
  try {
    return { name, expected, found: await run(h) }
  } catch (error) {
    return { name, expected, error: String((error && (error.errMsg || error.message)) || error) }
  }
}

exports.names = cases.map(({ name }) => name)
exports.run = async function run({ db, wx, now = Date.now }) {
  const h = { db, wx, now, _: db.command, $: db.command.aggregate, data: (data) => (wx ? { data } : data) }
  await fill(h)
  for (const name of ['numbers', 'mixed', 'places', 'many', 'groups']) h[name] = db.collection(name)
  return Promise.all(cases.map((each) => outcome(each, h)))
}
