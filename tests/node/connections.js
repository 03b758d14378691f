// Append each lookup and each connection of a process to the file $CONNECTIONS, as the last code before
// the operating system.  NODE_OPTIONS='--require …/connections.js'
const { appendFileSync } = require('fs')

const note = (...words) => appendFileSync(process.env.CONNECTIONS, `${words.join(' ')}\n`)
const { TCP } = process.binding('tcp_wrap')
const cares = process.binding('cares_wrap')
const { getaddrinfo } = cares

for (const name of ['connect', 'connect6']) {
  const own = TCP.prototype[name]
  TCP.prototype[name] = function (request, address, port, ...rest) {
    note(address, port)
    return own.call(this, request, address, port, ...rest)
  }
}
cares.getaddrinfo = (request, host, ...rest) => {
  note('lookup', host)
  return getaddrinfo(request, host, ...rest)
}
