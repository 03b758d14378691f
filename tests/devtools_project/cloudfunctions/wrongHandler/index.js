exports.handler = async () => 'never reached'
