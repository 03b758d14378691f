exports.greet = (name) => `你好，${name}`
