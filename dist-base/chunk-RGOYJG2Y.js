import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  MIB,
  bytes,
  integer,
  oneOf,
  setting,
  someText,
  text
} from "./chunk-XAGLG5OY.js";
import {
  object
} from "./chunk-JJ6JF4DP.js";

// src/capture/settings.ts
var fieldPath = () => text(/^[^.\s$][^.]*(\.[^.]+)*$/, "must be a field or a path of fields, such as order.id").optional();
var captureSettings = object({
  uri: setting(
    "MONGODB_URI",
    "the replica set",
    text(/^mongodb(\+srv)?:\/\/\S+$/, "must be a mongodb:// or mongodb+srv:// URI").prefault(
      "mongodb://127.0.0.1:27017/?replicaSet=rs0"
    )
  ),
  database: setting("MONGODB_DATABASE", "its database", someText().prefault("shop")),
  collection: setting("MONGODB_COLLECTION", "the collection that is captured", someText().prefault("orders")),
  orderIdPath: setting(
    "ORDER_ID_PATH",
    "where the order id is in the document; the collection must then keep pre-images",
    fieldPath(),
    "the `_id`"
  ),
  eventTimePath: setting(
    "EVENT_TIME_PATH",
    "where the event time is in the document",
    fieldPath(),
    "when the server saw it"
  ),
  fullDocument: setting(
    "FULL_DOCUMENT",
    "an update's document: as it is when read (`updateLookup`), or right after it (`whenAvailable`, `required`)",
    oneOf(["updateLookup", "whenAvailable", "required"]).prefault("updateLookup")
  ),
  onInvalidate: setting(
    "ON_INVALIDATE",
    "after the collection was dropped or renamed: `stop` or `continue`",
    oneOf(["stop", "continue"]).prefault("stop")
  ),
  transactionEvents: setting(
    "TRANSACTION_EVENTS",
    "a transaction closes at this many events \u2026",
    integer(1, 1e5).prefault("10000")
  ),
  transactionBytes: setting("TRANSACTION_BYTES", "\u2026 or this many bytes \u2026", bytes(1, 64 * MIB).prefault("8MiB")),
  transactionIntervalMs: setting(
    "TRANSACTION_INTERVAL_MS",
    "\u2026 or after this long, whichever comes first",
    integer(1, 6e4).prefault("100")
  ),
  tokenIntervalMs: setting(
    "TOKEN_INTERVAL_MS",
    "how often the position of an idle stream is stored",
    integer(1, 864e5).prefault("10000")
  ),
  maxMessageBytes: setting("MAX_MESSAGE_BYTES", "what the broker accepts", bytes(1e3, 1024 * MIB).prefault("1000000"))
});

export {
  captureSettings
};
//# sourceMappingURL=chunk-RGOYJG2Y.js.map
