import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  connectError
} from "./chunk-OPINGVEX.js";
import {
  SluiceError
} from "./chunk-YDIRAWJT.js";

// src/kafka/client.ts
var CONNECT_TIMEOUT_MS = 1e4;
var WARN_AFTER_MS = 2e3;
function madeClient(make) {
  try {
    return make();
  } catch (cause) {
    throw new SluiceError("SLUICE_CONFIG", `KAFKA_CONFIG_*: ${cause.message}`, { cause });
  }
}
async function connectClient(client, target, log) {
  const { brokers, topic } = target;
  let reason;
  const onLine = ({ fac, message }) => {
    if (fac === "FAIL") reason = reasonOf(message);
  };
  client.on("event.log", onLine);
  const warning = setTimeout(() => {
    log.warn(`no broker of KAFKA_BROKERS=${brokers} answers yet: ${reason ?? "no reason is known"}`);
  }, WARN_AFTER_MS);
  try {
    return await called((done) => client.connect({ ...topic && { topic }, timeout: CONNECT_TIMEOUT_MS }, done));
  } catch (cause) {
    throw connectError(cause, target, reason);
  } finally {
    clearTimeout(warning);
    client.removeListener("event.log", onLine);
  }
}
function reasonOf(message) {
  return message.replace(/^\[thrd:[^\]]*\]: /, "").replace(/ \(after \d+ms in state .*\)$/, "");
}
function called(call) {
  return new Promise((resolve, reject) => {
    call((error, result) => error ? reject(error) : resolve(result));
  });
}

export {
  madeClient,
  connectClient,
  called
};
//# sourceMappingURL=chunk-N2TRUS32.js.map
