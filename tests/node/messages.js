// Decode messages with protobuf.js, which wx-server-sdk uses.
//   node messages.js < LINES   LINES: a type, a space and a message in hex; the answer is a line of
//                              JSON with its fields or {"error"}
const { readFileSync } = require('fs')
const protobuf = require('protobufjs')

const { root } = protobuf.parse(`
  syntax = "proto2";
  message HttpHeader { optional string key = 1; optional string value = 2; }
  message KeyValuePair {
    optional string key = 1; optional bytes value = 2;
    optional string contenttype = 3; optional string filename = 4;
  }
  message OpenApiData { repeated KeyValuePair pairs = 1; }
  message CommApiData {
    optional int32 apiType = 1; optional OpenApiData openapiData = 2; optional string appid = 6;
  }
  message CommOpenApiResp {
    optional bytes respData = 1; optional string contentType = 2; optional int32 errorCode = 3;
    optional uint32 httpCode = 4; repeated HttpHeader headers = 5; optional int32 svrkitErrorCode = 6;
  }
`, { keepCase: true })

const hex = (bytes) => Buffer.from(bytes).toString('hex')

const fields = {
  CommApiData: ({ apiType, appid, openapiData }) => ({
    apiType,
    appid,
    pairs: (openapiData ? openapiData.pairs : []).map(({ key, value, filename }) =>
      ({ key, value: hex(value), filename })),
  }),
  CommOpenApiResp: ({ respData, contentType, errorCode }) =>
    ({ respData: hex(respData), contentType, errorCode }),
}

for (const line of readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
  const [type, encoded = ''] = line.split(' ')
  let found
  try {
    found = fields[type](root.lookupType(type).decode(Buffer.from(encoded, 'hex')))
  } catch (error) {
    found = { error: String(error) }
  }
  console.log(JSON.stringify(found))
}
