/** Takes the place of the package `bindings` in the bundle: the Kafka client asks it for its addon. */
module.exports = require('../src/kafka/addon.ts').loadAddon;
