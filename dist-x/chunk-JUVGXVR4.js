import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  READER_KINDS
} from "./chunk-VQISXDOC.js";
import {
  START_FROM
} from "./chunk-TH4FY7UR.js";
import {
  oneOf,
  setting,
  someText,
  text
} from "./chunk-XAGLG5OY.js";
import {
  object
} from "./chunk-JJ6JF4DP.js";

// src/kafka/settings.ts
import { createRequire } from "node:module";
var kafkaSettings = object({
  brokers: setting(
    "KAFKA_BROKERS",
    "bootstrap servers, joined by commas",
    text(/^[^\s,]+:\d+(,[^\s,]+:\d+)*$/, "must be host:port, or several joined by commas").refine((brokers) => brokers.split(",").every(hasPort), "must have ports from 1 to 65535").prefault("127.0.0.1:9092")
  ),
  topic: setting(
    "KAFKA_TOPIC",
    "the topic of the change events",
    text(/^[a-zA-Z0-9._-]{1,249}$/, 'must be a topic name: letters, digits, ".", "_" and "-", at most 249').refine((name) => name !== "." && name !== "..", 'must not be "." or ".."').prefault("cdc_orders")
  )
});
var consumerSettings = object({
  groupId: setting("KAFKA_GROUP_ID", "the consumer group", someText().prefault("sluice")),
  /** How messages get out of the Kafka client. */
  reader: setting(
    "KAFKA_SOURCE",
    "`packed`, `stock`, or `auto`: packed if the addon was compiled with it",
    oneOf(["auto", ...READER_KINDS]).prefault("auto")
  ),
  startFrom: setting(
    "START_FROM",
    "where a new data directory begins: `earliest`, `latest`, or `group`: the group's offsets",
    oneOf(START_FROM).prefault("earliest")
  )
});
function hasPort(broker) {
  const port = Number(broker.slice(broker.lastIndexOf(":") + 1));
  return port >= 1 && port <= 65535;
}
var PROPERTY_PREFIX = "KAFKA_CONFIG_";
var PROPERTIES_TEXT = {
  variable: `${PROPERTY_PREFIX}*`,
  default: "",
  meaning: `any librdkafka property: \`${PROPERTY_PREFIX}SECURITY_PROTOCOL=sasl_ssl\` sets \`security.protocol\``
};
var FIXED_PROPERTIES = /* @__PURE__ */ new Set([
  "bootstrap.servers",
  "metadata.broker.list",
  "group.id",
  "enable.auto.commit",
  "enable.auto.offset.store",
  "auto.offset.reset",
  "isolation.level",
  "enable.partition.eof",
  "rebalance_cb",
  "partition.assignment.strategy",
  "group.protocol"
]);
function readProperties(env, problems) {
  const properties = {};
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(PROPERTY_PREFIX) || value === void 0) continue;
    const property = name.slice(PROPERTY_PREFIX.length).toLowerCase().replaceAll("_", ".");
    properties[property] = value;
    const problem = FIXED_PROPERTIES.has(property) ? `${property} is set by Sluice, exactly-once delivery depends on it` : clientProblem(property, value);
    if (problem !== void 0) problems.push(`${name}: ${problem}`);
  }
  return properties;
}
function clientProblem(property, value) {
  const { KafkaConsumer } = createRequire(import.meta.url)(
    "@confluentinc/kafka-javascript"
  );
  try {
    new KafkaConsumer({ [property]: value }, {});
    return void 0;
  } catch (error) {
    return error.message.trim();
  }
}

export {
  kafkaSettings,
  consumerSettings,
  PROPERTY_PREFIX,
  PROPERTIES_TEXT,
  readProperties
};
//# sourceMappingURL=chunk-JUVGXVR4.js.map
