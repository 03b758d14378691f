// Read JavaScript sources, and write what they call, load and open, one line of JSON for each file.
//
// Arguments: none. stdin: the paths of the files, as a JSON array. Options of node:
// --expose-internals, for the parser that Node.js carries, and --experimental-vm-modules, for the
// syntax check of ES modules.
//
// An expression has a list of possible values: a string, a module, `cloud`, a part of
// `cloud.openapi`, or UNKNOWN. What cannot be resolved is reported as unresolved, never guessed.

'use strict'

const fs = require('fs')
const { posix } = require('path')
const vm = require('vm')

const acorn = require('internal/deps/acorn/acorn/dist/acorn')

const BUILTIN = new Set(require('module').builtinModules)
const SDKS = ['wx-server-sdk']
// Their init() returns what has the methods of wx-server-sdk.
const ADMIN_SDKS = ['@cloudbase/node-sdk', 'tcb-admin-node']
const CALLS_BY_NAME = ['callOpenAPI', 'callWxOpenApi', 'callCompatibleWxOpenApi']
// TypeScript and Babel wrap modules that they import.
const WRAPS_MODULE = /^_*(import(Default|Star)|interopRequire(Default|Wildcard)|toESM)$/
const IS_PATH = ['join', 'resolve', 'normalize', 'pathToFileURL', 'fileURLToPath', 'realpathSync']
const EXTENDS_FUNCTION = ['call', 'apply', 'bind']
const OWN_OF_FUNCTIONS = ['name', 'length', 'toString', 'constructor', 'arguments', 'caller']
const UNKNOWN = { type: 'unknown' }
const MOST_VALUES = 16
const MOST_TEXT = 120
const LONGEST = 1000
const EACH = Symbol('each element')
// As a script first: most functions are CommonJS.
const FORMS = [
  { sourceType: 'script', allowReturnOutsideFunction: true },
  { sourceType: 'module' }
]

async function main() {
  for (const file of JSON.parse(fs.readFileSync(0, 'utf8'))) {
    process.stdout.write(JSON.stringify(await read(file)) + '\n')
  }
}

async function read(file) {
  const source = fs.readFileSync(file, 'utf8').replace(/^\uFEFF/, '')
  const errors = []
  for (const form of FORMS) {
    try {
      return new Source(source, parse(source, form)).facts
    } catch (error) {
      errors.push(error)
    }
  }
  const isModule = /^'import' and 'export'|^Cannot use (keyword )?'?(import|await)/.test(errors[0].message) || file.endsWith('.mjs')
  return await failed(file, source, errors[isModule ? 1 : 0])
}

function parse(source, form) {
  const ecmaVersion = parseInt(acorn.version) < 8 ? 2020 : 'latest'
  return acorn.parse(source, { ecmaVersion, locations: true, allowHashBang: true, ...form })
}

// The engine decides: a parser may be older than the syntax that its Node.js runs.
async function failed(file, source, error) {
  if (!(error instanceof SyntaxError)) return { unread: 'it is nested too deeply' }
  const { line, column } = error.loc
  const message = error.message.replace(/ \(\d+:\d+\)$/, '')
  if (await runs(file, source)) return { unread: message, line, column: column + 1 }
  return { error: message, line, column: column + 1 }
}

async function runs(file, source) {
  const ways = [
    () => vm.compileFunction(source.replace(/^#!.*/, ''), ['exports', 'require', 'module', '__filename', '__dirname']),
    () => new vm.SourceTextModule(source)
  ]
  return ways.some((compile) => {
    try {
      compile()
      return true
    } catch {
      return false
    }
  })
}

class Scope {
  constructor(parent, isFunction) {
    this.parent = parent
    this.names = new Map()
    this.root = isFunction ? this : parent.root
  }

  find(name) {
    for (let scope = this; scope; scope = scope.parent) {
      if (scope.names.has(name)) return scope.names.get(name)
    }
    return undefined
  }

  declare(name) {
    if (!this.names.has(name)) this.names.set(name, [])
    return this.names.get(name)
  }
}

class Source {
  constructor(source, program) {
    this.source = source
    this.facts = { calls: [], unresolved: [], modules: [], features: [], paths: [] }
    this.scopes = new Map()
    this.values = new Map()
    this.assigned = []
    this.global = new Scope(null, true)
    this.declare(program, this.global)
    for (const [pattern, definition, scope] of this.assigned) {
      this.bind(pattern, definition, (name) => scope.find(name) || this.global.declare(name))
    }
    this.visit(program, null, this.global, false)
  }

  // ---- scopes -----------------------------------------------------------------------------

  declare(node, scope) {
    const type = node.type
    const isFunction = /Function/.test(type)
    if (isFunction || /^(BlockStatement|For(In|Of)?Statement|SwitchStatement|CatchClause|Class(Declaration|Expression))$/.test(type)) {
      if (node.id && /Declaration$/.test(type)) this.define(scope, node.id, UNKNOWN)
      scope = new Scope(scope, isFunction)
      this.scopes.set(node, scope)
      if (node.id && !/Declaration$/.test(type)) this.define(scope, node.id, UNKNOWN)
      if (isFunction) node.params.forEach((each) => this.define(scope, each, UNKNOWN))
      if (type === 'CatchClause' && node.param) this.define(scope, node.param, UNKNOWN)
    }
    if (type === 'VariableDeclaration') {
      const where = node.kind === 'var' ? scope.root : scope
      // A variable of a loop has its definition from the loop.
      for (const { id, init } of node.declarations) if (init || !node.ofLoop) this.define(where, id, init ? { node: init, scope, keys: [] } : null)
    }
    if (/^For(In|Of)Statement$/.test(type)) {
      const element = type === 'ForOfStatement' ? { node: node.right, scope, keys: [EACH] } : UNKNOWN
      if (node.left.type !== 'VariableDeclaration') this.assigned.push([node.left, element, scope])
      else {
        node.left.ofLoop = true
        this.define(node.left.kind === 'var' ? scope.root : scope, node.left.declarations[0].id, element)
      }
    }
    if (/^Import(Default|Namespace)?Specifier$/.test(type)) {
      const key = type === 'ImportSpecifier' ? [node.imported.name || node.imported.value] : type === 'ImportDefaultSpecifier' ? ['default'] : []
      this.define(scope, node.local, { value: module(node.from), keys: key })
    }
    if (type === 'AssignmentExpression') this.assigned.push([node.left, node.operator === '=' ? { node: node.right, scope, keys: [] } : UNKNOWN, scope])
    if (type === 'ObjectPattern') node.properties.forEach((each) => { each.inPattern = true })
    if (type === 'UpdateExpression') this.assigned.push([node.argument, UNKNOWN, scope])
    if (type === 'ImportDeclaration') node.specifiers.forEach((each) => { each.from = node.source.value })
    for (const child of children(node)) this.declare(child, scope)
  }

  define(scope, pattern, definition) {
    this.bind(pattern, definition, (name) => scope.declare(name))
  }

  // Add a definition to each name of a pattern; null declares a name without a value.
  bind(pattern, definition, list) {
    if (!pattern) return
    const at = (key) => (definition && definition.keys ? { ...definition, keys: [...definition.keys, key] } : UNKNOWN)
    if (pattern.type === 'Identifier') {
      const definitions = list(pattern.name)
      if (definition) definitions.push(definition)
    } else if (pattern.type === 'ObjectPattern') {
      for (const each of pattern.properties) {
        if (each.type === 'RestElement') this.bind(each.argument, definition, list)
        else this.bind(each.value, each.computed ? UNKNOWN : at(each.key.name === undefined ? each.key.value : each.key.name), list)
      }
    } else if (pattern.type === 'ArrayPattern') pattern.elements.forEach((each) => this.bind(each, UNKNOWN, list))
    else if (pattern.type === 'RestElement') this.bind(pattern.argument, UNKNOWN, list)
    else if (pattern.type === 'AssignmentPattern') {
      this.bind(pattern.left, definition, list)
      this.bind(pattern.left, UNKNOWN, list)
    }
  }

  // ---- values -----------------------------------------------------------------------------

  eval(node, scope) {
    if (this.values.has(node)) return this.values.get(node)
    this.values.set(node, [UNKNOWN]) // for a definition that uses itself
    const found = distinct(this.evaluate(node, scope))
    this.values.set(node, found)
    return found
  }

  evaluate(node, scope) {
    switch (node.type) {
      case 'Literal':
        return [typeof node.value === 'string' ? text(node.value) : UNKNOWN]
      case 'TemplateLiteral':
        return this.template(node, scope)
      case 'Identifier':
        return named(node.name, this.variable(node.name, scope))
      case 'ChainExpression':
        return this.eval(node.expression, scope)
      case 'ParenthesizedExpression':
        return this.eval(node.expression, scope)
      case 'AwaitExpression':
        return this.eval(node.argument, scope)
      case 'SequenceExpression':
        return this.eval(node.expressions[node.expressions.length - 1], scope)
      case 'AssignmentExpression':
        return node.operator === '=' ? this.eval(node.right, scope) : [UNKNOWN]
      case 'ConditionalExpression':
        return [...this.eval(node.consequent, scope), ...this.eval(node.alternate, scope)]
      case 'LogicalExpression':
        return node.operator === '&&' ? this.eval(node.right, scope) : [...this.eval(node.left, scope), ...this.eval(node.right, scope)]
      case 'BinaryExpression':
        return node.operator === '+' ? product(this.eval(node.left, scope), this.eval(node.right, scope), concatenated) : [UNKNOWN]
      case 'ObjectExpression':
      case 'ArrayExpression':
        return [{ type: node.type, node, scope }]
      case 'MemberExpression':
        return this.member(node, scope)
      case 'ImportExpression':
        return this.eval(node.source, scope).map((each) => (isWhole(each) ? module(each.value) : UNKNOWN))
      case 'CallExpression':
        return this.called(node, scope)
      case 'NewExpression':
        return this.eval(node.callee, scope).map(made)
      default:
        return [UNKNOWN]
    }
  }

  variable(name, scope) {
    const definitions = scope.find(name)
    if (!definitions) return [name === '__dirname' ? text('.', 'file') : UNKNOWN]
    const found = []
    for (const each of definitions.slice(0, MOST_VALUES)) {
      if (each === UNKNOWN) found.push(UNKNOWN)
      else {
        let values = each.value ? [each.value] : this.eval(each.node, each.scope)
        for (const key of each.keys) values = [].concat(...values.map((value) => this.get(value, key)))
        found.push(...values)
      }
    }
    return found.length ? found : [UNKNOWN]
  }

  template(node, scope) {
    let values = [text(node.quasis[0].value.cooked || '')]
    node.expressions.forEach((each, index) => {
      values = product(values, this.eval(each, scope), concatenated)
      values = product(values, [text(node.quasis[index + 1].value.cooked || '')], concatenated)
    })
    return values
  }

  member(node, scope) {
    const keys = this.keys(node, scope)
    const values = []
    for (const value of this.eval(node.object, scope)) {
      for (const key of keys) values.push(...this.get(value, isWhole(key) ? key.value : undefined))
    }
    return named(node.computed ? '' : node.property.name, values)
  }

  keys(node, scope) {
    return node.computed ? this.eval(node.property, scope) : [text(node.property.name)]
  }

  // The values of a property; an undefined key is unknown.
  get(value, key) {
    if (value.type === 'cloud') {
      if (key === 'default') return [value]
      if (key === 'openapi') return [{ type: 'api', path: '', sure: value.sure }]
      return [key === undefined ? UNKNOWN : { type: 'method', path: key }]
    }
    if (value.type === 'method') return [key === undefined ? UNKNOWN : { type: 'method', path: `${value.path}.${key}` }]
    if (value.type === 'api') {
      if (key === undefined) return [{ type: 'dynamic', path: value.path, sure: value.sure }]
      if (EXTENDS_FUNCTION.includes(key)) return [{ ...value, bound: true }]
      if (OWN_OF_FUNCTIONS.includes(key)) return [UNKNOWN]
      return [{ type: 'api', path: value.path ? `${value.path}.${key}` : key, sure: value.sure }]
    }
    if (value.type === 'dynamic') return [value]
    if (value.type === 'admin') return [key === 'init' ? { type: 'init' } : key === 'default' ? value : UNKNOWN]
    if (value.type === 'ObjectExpression') return this.property(value, key)
    if (value.type === 'ArrayExpression' && key === EACH) {
      return value.node.elements.length ? [].concat(...value.node.elements.map((each) => (each ? this.eval(each, value.scope) : [UNKNOWN]))) : [UNKNOWN]
    }
    return [key === 'openapi' ? { type: 'api', path: '', sure: false } : UNKNOWN]
  }

  property({ node, scope }, key) {
    for (const each of [...node.properties].reverse()) {
      if (each.type !== 'Property' || each.computed) return [UNKNOWN]
      if ((each.key.name === undefined ? each.key.value : each.key.name) === key) return this.eval(each.value, scope)
    }
    return key === 'openapi' ? this.get(UNKNOWN, key) : [UNKNOWN]
  }

  called(node, scope) {
    const { callee } = node
    const first = node.arguments[0]
    const name = callee.type === 'MemberExpression' && !callee.computed ? callee.property.name : callee.name || ''
    if (this.loads(node, scope)) return this.eval(first, scope).map((each) => (isWhole(each) ? (name === 'resolve' ? each : module(each.value)) : UNKNOWN))
    if (first && WRAPS_MODULE.test(name)) return this.eval(first, scope)
    if (callee.type === 'SequenceExpression' && first && WRAPS_MODULE.test(lastName(callee))) return this.eval(first, scope)
    if (name === 'cwd' && this.text(callee) === 'process.cwd') return [text('.', 'cwd')]
    if (IS_PATH.includes(name) || name === 'dirname') return this.path(name, node, scope)
    return [].concat(...this.eval(callee, scope).map((value) => {
      if (value.type === 'api' && value.path === '') return [value]
      if (value.type === 'api' && value.bound) return [{ ...value, bound: false }]
      return [made(value)]
    }))
  }

  path(name, node, scope) {
    if (!node.arguments.length) return [UNKNOWN]
    let values = this.eval(node.arguments[0], scope)
    if (!values.some((each) => each.base)) return [UNKNOWN]
    if (name === 'dirname') return product(values, [text('..')], joined)
    for (const each of node.arguments.slice(1)) values = product(values, this.eval(each, scope), joined)
    return values
  }

  // Whether a call is require(…), require.resolve(…).
  loads(node, scope) {
    if (!node.arguments.length) return false
    const name = node.callee.type === 'MemberExpression' && !node.callee.computed && node.callee.property.name === 'resolve' ? node.callee.object : node.callee
    return name.type === 'Identifier' && name.name === 'require' && this.isRequire(scope)
  }

  isRequire(scope) {
    const definitions = scope.find('require')
    return !definitions || definitions.some((each) => each && each.node && /createRequire/.test(this.text(each.node)))
  }

  // ---- facts ------------------------------------------------------------------------------

  visit(node, parent, scope, guarded) {
    scope = this.scopes.get(node) || scope
    switch (node.type) {
      case 'CallExpression':
      case 'NewExpression':
        this.visitCall(node, scope, guarded)
        break
      case 'ImportExpression':
        this.load(node, this.eval(node.source, scope), guarded)
        break
      case 'ImportDeclaration':
      case 'ExportAllDeclaration':
      case 'ExportNamedDeclaration':
        if (node.source) this.load(node, [text(node.source.value)], guarded, node.source)
        break
    }
    if (isExpression(node, parent)) this.visitValue(node, parent, scope)
    for (const child of children(node)) this.visit(child, node, scope, guarded || this.guards(node, child))
  }

  // Whether a part of a statement may load what is missing, or does not run as a function.
  guards(node, child) {
    if (node.type === 'TryStatement') return child === node.block
    return node.type === 'IfStatement' && child === node.consequent && /^!?(require\.main|module\.parent)\b/.test(this.text(node.test))
  }

  visitCall(node, scope, guarded) {
    const { callee } = node
    const first = node.arguments[0]
    if (node.type === 'CallExpression' && this.loads(node, scope)) return this.load(node, this.eval(first, scope), guarded)
    if (callee.name === 'URL' && node.arguments.length > 1 && /^import\.meta/.test(this.text(node.arguments[1]))) return this.open(node, this.eval(first, scope), 'file')
    if (first && this.isOfFs(callee, scope)) this.open(node, this.eval(first, scope).filter((each) => !each.base), 'cwd')
    if (callee.type === 'MemberExpression' && !callee.computed && CALLS_BY_NAME.includes(callee.property.name)) return this.callByName(node, scope)
    for (const value of this.eval(callee, scope)) {
      if (value.type === 'api' && value.path.includes('.')) this.add('calls', callee, value.path, value.sure)
      else if (value.type === 'dynamic') this.add('unresolved', callee, this.text(callee), value.sure)
      else if (value.type === 'method') this.add('features', callee, value.path)
    }
  }

  isOfFs(callee, scope) {
    if (callee.type !== 'MemberExpression') return false
    const object = callee.object.type === 'MemberExpression' ? callee.object.object : callee.object
    return object.name === 'fs' || this.eval(callee.object, scope).some((each) => each.type === 'module' && /^(node:)?fs(\/promises)?$/.test(each.name))
  }

  callByName(node, scope) {
    const options = node.arguments.length ? this.eval(node.arguments[0], scope) : [UNKNOWN]
    for (const value of options) {
      const known = value.type === 'ObjectExpression' ? [].concat(...['api', 'apiName'].map((key) => this.property(value, key))).filter(isWhole) : []
      for (const name of known) this.add('calls', node.callee, name.value, true)
      if (!known.length) this.add('unresolved', node.callee, this.text(node.callee), true)
    }
  }

  // A part of cloud.openapi that is used other than by a call, and a path.
  visitValue(node, parent, scope) {
    const consumed = isConsumed(node, parent)
    for (const value of this.eval(node, scope)) {
      if (value.type === 'api' && !consumed && !value.bound && this.isName(node, value)) {
        if (value.path.includes('.')) this.add('calls', node, value.path, value.sure)
        else this.add('unresolved', node, this.text(node), value.sure)
      }
      if (value.type === 'dynamic' && !consumed && node.type !== 'CallExpression') this.add('unresolved', node, this.text(node), value.sure)
      if (value.base && !isPartOfPath(node, parent)) this.open(node, [value], value.base)
    }
  }

  isName(node) {
    return node.type === 'Identifier' || node.type === 'MemberExpression' || node.type === 'CallExpression'
  }

  load(node, values, guarded, at = node) {
    for (const value of values) {
      const name = isWhole(value) ? value.value : null
      const isPath = value.base || /^(\.\.?([\\/]|$)|\/|file:)/.test(value.value)
      const path = isPath && name !== null ? name.replace(/^file:\/\//, '') : null
      const own = BUILTIN.has((name || '').replace(/^node:/, '')) || /^node:/.test(name || '')
      this.facts.modules.push({ ...place(at), name, path, base: value.base === 'cwd' ? 'cwd' : 'file', guarded, builtin: own })
      if (isPath) this.open(node, [value], value.base || 'file', true, at)
    }
  }

  open(node, values, base, isModule = false, at = node) {
    for (const value of values) {
      if (value.type === 'text') this.facts.paths.push({ ...place(at), path: value.value.replace(/^file:\/\//, ''), base, text: this.text(node), module: isModule })
    }
  }

  add(kind, node, name, sure = true) {
    this.facts[kind].push({ ...place(node), name, sure })
  }

  text(node) {
    const found = this.source.slice(node.start, Math.min(node.end, node.start + 2 * MOST_TEXT)).replace(/\s+/g, ' ')
    return found.length > MOST_TEXT ? found.slice(0, MOST_TEXT) + '…' : found
  }
}

function place(node) {
  return { line: node.loc.start.line, column: node.loc.start.column + 1 }
}

function isWhole(value) {
  return value.type === 'text' && !value.partial
}

function text(value, base) {
  return { type: 'text', value, base }
}

function module(name) {
  if (SDKS.includes(name)) return { type: 'cloud', sure: true }
  return ADMIN_SDKS.includes(name) ? { type: 'admin' } : { type: 'module', name }
}

// What a call of init(…), new Cloud(…) and createNewInstance(…) returns.
function made(value) {
  const isMaker = value.type === 'init' || (value.type === 'method' && ['Cloud', 'createNewInstance'].includes(value.path))
  return isMaker ? { type: 'cloud', sure: true } : UNKNOWN
}

// What is called cloud or openapi, and comes from elsewhere, is taken for that of wx-server-sdk.
function named(name, values) {
  const isCloud = /cloud$/i.test(name)
  return values.map((each) => {
    if (name === 'openapi' && each === UNKNOWN) return { type: 'api', path: '', sure: false }
    if (isCloud && (each === UNKNOWN || (each.type === 'module' && /^[./]/.test(each.name)))) return { type: 'cloud', sure: true }
    return each
  })
}

function distinct(values) {
  const seen = new Map()
  for (const each of values) seen.set(each.node || `${each.type} ${each.path} ${each.value} ${each.base} ${each.name} ${each.bound} ${each.partial}`, each)
  return seen.size > MOST_VALUES ? [UNKNOWN] : [...seen.values()]
}

function product(left, right, combine) {
  if (left.length * right.length > MOST_VALUES) return [UNKNOWN]
  return [].concat(...left.map((each) => right.map((other) => combine(each, other))))
}

// A path keeps what is known of its beginning.
function concatenated(left, right) {
  if (left.type !== 'text') return UNKNOWN
  if (left.partial) return left
  if (right.type !== 'text') return { ...left, partial: true }
  if (!left.value && right.base) return right
  if (left.value.length + right.value.length > LONGEST) return { ...left, partial: true }
  return { type: 'text', value: left.value + right.value, base: left.base }
}

function joined(left, right) {
  if (left.type !== 'text' || left.partial) return left
  if (right.type !== 'text') return { ...left, partial: true }
  return { type: 'text', value: right.value.startsWith('/') ? right.value : posix.join(left.value, right.value) || '.', base: left.base }
}

function lastName(node) {
  const last = node.expressions[node.expressions.length - 1]
  return last.type === 'MemberExpression' && !last.computed ? last.property.name : last.name || ''
}

function * children(node) {
  for (const key of Object.keys(node)) {
    const value = node[key]
    if (Array.isArray(value)) {
      for (const each of value) if (each && typeof each.type === 'string') yield each
    } else if (value && typeof value.type === 'string' && value.loc) yield value
  }
}

// An identifier may be the name of a property or of a variable that is declared.
function isExpression(node, parent) {
  if (!/^(Identifier|MemberExpression|CallExpression|BinaryExpression|TemplateLiteral)$/.test(node.type)) return false
  if (node.type !== 'Identifier') return true
  if (/^(MemberExpression|MetaProperty)$/.test(parent.type)) return parent.object === node || parent.computed
  if (/^(Property|PropertyDefinition|MethodDefinition)$/.test(parent.type)) return parent.value === node && !parent.inPattern
  return !/Function|^(Class|CatchClause|Labeled|Break|Continue|Import|ArrayPattern|RestElement)|^Export(All|Namespace)|ExportSpecifier/.test(parent.type) || (parent.type === 'ArrowFunctionExpression' && parent.body === node)
}

// Whether the parent goes on with a part of cloud.openapi, or only looks whether there is one.
function isConsumed(node, parent) {
  switch (parent.type) {
    case 'MemberExpression':
      return parent.object === node
    case 'CallExpression':
    case 'NewExpression':
      return parent.callee === node
    case 'VariableDeclarator':
      return true
    case 'AssignmentExpression':
      return parent.left === node || /^(Identifier|ObjectPattern)$/.test(parent.left.type)
    case 'Property':
      return parent.inPattern || parent.key === node
    case 'AssignmentPattern':
    case 'ChainExpression':
    case 'ParenthesizedExpression':
    case 'AwaitExpression':
    case 'SequenceExpression':
    case 'ConditionalExpression':
    case 'LogicalExpression':
    case 'UnaryExpression':
    case 'BinaryExpression':
    case 'IfStatement':
    case 'ExpressionStatement':
      return true
    default:
      return false
  }
}

// The whole path is reported, and where it is used if it is a variable.
function isPartOfPath(node, parent) {
  if (node.type === 'Identifier') return node.name !== '__dirname' || parent.type !== 'ExpressionStatement'
  const isArgument = parent.type === 'CallExpression' && parent.arguments.includes(node)
  const callee = isArgument ? parent.callee : null
  const name = callee && (callee.type === 'MemberExpression' && !callee.computed ? callee.property.name : callee.name)
  return parent.type === 'BinaryExpression' || parent.type === 'TemplateLiteral' || parent.type === 'ImportExpression' || (isArgument && [...IS_PATH, 'dirname', 'require'].includes(name))
}

main()
