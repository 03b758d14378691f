// Let connections to WeChat and CloudBase lead to the emulator, whichever client makes them.
//
// Node.js loads this file first, in child processes and worker threads too: --require in
// NODE_OPTIONS. Every client of TCP calls net.Socket.connect; every client of TLS calls tls.connect
// before. Domains stand for their subdomains.

'use strict'

const net = require('net')
const tls = require('tls')
const { weixin, gateway, refused } = require('./hosts.json')

const emulated = [...weixin, ...gateway]
const emulator = new URL(process.env.CLOUD_OPENAPI_EMULATOR || 'http://127.0.0.1:9')
const address = { host: emulator.hostname.replace(/^\[|\]$/g, ''), port: Number(emulator.port) || 80 }
const real = (process.env.CLOUD_OPENAPI_REAL_HOSTS || '').toLowerCase().split(',').map((host) => host.trim())
const warned = new Set()
const connect = net.Socket.prototype.connect
const connectSecurely = tls.connect

net.Socket.prototype.connect = function (...args) {
  const normalized = Array.isArray(args[0]) ? args[0] : net._normalizeArgs(args)
  const [options] = normalized
  if (leadsTo(emulated, options)) normalized[0] = { ...options, ...address }
  else if (leadsTo(refused, options)) {
    const { host } = options
    return refuse(
      this,
      host,
      `${host} is not called: its service is not emulated. Replace the call in your tests, ` +
        `or start the emulator with CLOUD_OPENAPI_REAL_HOSTS=${host}`,
    )
  }
  return connect.call(this, normalized)
}

// The emulator has no certificate, so the connection is not encrypted.
tls.connect = function (...args) {
  const [first, listener] = net._normalizeArgs(args)
  const options = Object.assign({}, first, ...args.slice(1).filter((arg) => arg && typeof arg === 'object'))
  if (options.socket || !leadsTo(emulated, options)) return connectSecurely.apply(tls, args)
  if (isHttp2Only(options.ALPNProtocols)) return refuseHttp2(options.host)
  const socket = net.connect({ ...options, ...address })
  if (listener) socket.once('secureConnect', listener)
  socket.once('connect', () => socket.emit('secureConnect'))
  return Object.assign(socket, {
    encrypted: true,
    authorized: true,
    alpnProtocol: false,
    getCipher: () => ({}),
    getPeerCertificate: () => ({}),
    getProtocol: () => null,
    getSession: () => undefined,
    isSessionReused: () => false,
  })
}

require('module').syncBuiltinESMExports()

function leadsTo(domains, { host, path }) {
  if (typeof host !== 'string' || path) return false
  const name = host.toLowerCase().replace(/\.$/, '')
  return !real.includes(name) && domains.some((domain) => `.${name}`.endsWith(`.${domain}`))
}

// The protocols are names, or bytes of which the first is the length of a name.
function isHttp2Only(protocols) {
  return Array.isArray(protocols) ? protocols.join() === 'h2' : Boolean(protocols) && String(Buffer.from(protocols)) === '\x02h2'
}

function refuseHttp2(host) {
  const message =
    `${host} is not called: the emulator answers for it, and not over HTTP/2. ` +
    `Use ${emulator.origin} as the base URL of a client of HTTP/1.1`
  // Without `connecting`, http2 uses the socket at once and fails before the message comes.
  return Object.assign(refuse(new net.Socket(), host, message), { connecting: true })
}

function refuse(socket, host, message) {
  if (!warned.has(host)) console.warn(`Warning: ${message}`)
  warned.add(host)
  // Clients do not retry after this code.
  process.nextTick(() => socket.destroy(Object.assign(new Error(message), { code: 'EACCES' })))
  return socket
}
