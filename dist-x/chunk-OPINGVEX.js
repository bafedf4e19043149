import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  PROPERTY_PREFIX
} from "./chunk-JUVGXVR4.js";
import {
  SluiceError
} from "./chunk-YDIRAWJT.js";

// src/kafka/kafka-errors.ts
import { existsSync } from "node:fs";
import kafka from "@confluentinc/kafka-javascript";
var { ERRORS } = kafka.CODES;
var RETRYABLE = /* @__PURE__ */ new Set([
  ERRORS.ERR__TRANSPORT,
  ERRORS.ERR__ALL_BROKERS_DOWN,
  ERRORS.ERR__TIMED_OUT,
  ERRORS.ERR__TIMED_OUT_QUEUE,
  ERRORS.ERR__RESOLVE,
  ERRORS.ERR__MAX_POLL_EXCEEDED,
  ERRORS.ERR__STATE,
  ERRORS.ERR__WAIT_COORD,
  ERRORS.ERR_LEADER_NOT_AVAILABLE,
  ERRORS.ERR_NOT_LEADER_FOR_PARTITION,
  ERRORS.ERR_REQUEST_TIMED_OUT,
  ERRORS.ERR_BROKER_NOT_AVAILABLE,
  ERRORS.ERR_REPLICA_NOT_AVAILABLE,
  ERRORS.ERR_NETWORK_EXCEPTION,
  ERRORS.ERR_COORDINATOR_LOAD_IN_PROGRESS,
  ERRORS.ERR_COORDINATOR_NOT_AVAILABLE,
  ERRORS.ERR_NOT_COORDINATOR,
  ERRORS.ERR_REBALANCE_IN_PROGRESS,
  ERRORS.ERR_NOT_CONTROLLER,
  ERRORS.ERR_KAFKA_STORAGE_ERROR,
  ERRORS.ERR_FENCED_LEADER_EPOCH,
  ERRORS.ERR_UNKNOWN_LEADER_EPOCH,
  ERRORS.ERR_OFFSET_NOT_AVAILABLE
]);
var CONFIGURATION = /* @__PURE__ */ new Set([
  ERRORS.ERR_UNKNOWN,
  ERRORS.ERR__INVALID_ARG,
  ERRORS.ERR__AUTHENTICATION,
  ERRORS.ERR__SSL,
  ERRORS.ERR_SASL_AUTHENTICATION_FAILED,
  ERRORS.ERR_UNSUPPORTED_SASL_MECHANISM
]);
function classify({ code, isFatal }) {
  if (isFatal) return "fatal";
  if (RETRYABLE.has(code)) return "retryable";
  return CONFIGURATION.has(code) ? "configuration" : "fatal";
}
function isTransient(error) {
  return classify(error) === "retryable";
}
function connectError(cause, { brokers, topic, properties }, reason = cause.message) {
  if (cause.code === ERRORS.ERR_UNKNOWN_TOPIC_OR_PART && topic !== void 0) {
    return new SluiceError("SLUICE_UNKNOWN_TOPIC", `the topic ${topic} does not exist on ${brokers}`, { cause });
  }
  const security = Object.keys(properties).filter((name) => /^(security|ssl|sasl)\./.test(name));
  const variables = security.map(variableOf).join(", ");
  if (classify(cause) === "configuration") {
    const what = `the Kafka client cannot be set up: ${reason}`;
    const remedy2 = missingSetting(properties) ?? (variables === "" ? `check ${PROPERTY_PREFIX}*` : `check ${variables}`);
    return new SluiceError("SLUICE_CONFIG", `${what}; ${remedy2}`, { cause });
  }
  const remedy = variables === "" ? `start it or correct KAFKA_BROKERS; if it expects TLS or SASL, set ${variableOf("security.protocol")}` : `if a broker listens there, check that it expects ${variables}`;
  const message = `no broker of KAFKA_BROKERS=${brokers} answers or takes the connection: ${reason}; ${remedy}`;
  return new SluiceError("SLUICE_KAFKA_UNREACHABLE", message, { cause });
}
function variableOf(property) {
  return `${PROPERTY_PREFIX}${property.toUpperCase().replaceAll(".", "_")}`;
}
function missingSetting(properties) {
  for (const [name, value] of Object.entries(properties)) {
    if (/^ssl\..*location$/.test(name) && value !== "probe" && !existsSync(value)) {
      return `the file of ${variableOf(name)}=${value} does not exist`;
    }
  }
  const usesSasl = /^sasl_/i.test(properties["security.protocol"] ?? "");
  if (!usesSasl || "sasl.mechanism" in properties || "sasl.mechanisms" in properties) return void 0;
  return `set ${variableOf("sasl.mechanisms")} to what the brokers expect, as PLAIN or SCRAM-SHA-512`;
}
function readError(cause, topic) {
  switch (cause.code) {
    case ERRORS.ERR__AUTO_OFFSET_RESET:
    case ERRORS.ERR_OFFSET_OUT_OF_RANGE:
      return new SluiceError(
        "SLUICE_OFFSET_OUT_OF_RANGE",
        `the position in ${topic} is no longer there: ${cause.message}`,
        { cause }
      );
    case ERRORS.ERR_FENCED_INSTANCE_ID:
      return new SluiceError(
        "SLUICE_PARTIAL_ASSIGNMENT",
        "another process joined the group with the same group.instance.id: stop it, or give it another DATA_DIR",
        { cause }
      );
    case ERRORS.ERR_UNKNOWN_TOPIC_OR_PART:
    case ERRORS.ERR__UNKNOWN_TOPIC:
      return new SluiceError("SLUICE_UNKNOWN_TOPIC", `the topic ${topic} was deleted: ${cause.message}`, { cause });
    default:
      return new SluiceError("SLUICE_KAFKA", `reading ${topic} failed: ${cause.message}`, { cause });
  }
}

export {
  classify,
  isTransient,
  connectError,
  readError
};
//# sourceMappingURL=chunk-OPINGVEX.js.map
