import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  OPERATION
} from "./chunk-Y3JUF4HW.js";
import {
  markerId,
  orderIdOf
} from "./chunk-64UPU5I7.js";
import {
  JsonText,
  jsonOf
} from "./chunk-SYKV6E3L.js";
import {
  FIRST,
  documentOf,
  endOf,
  isNothing,
  memberOf,
  nameEnd,
  valueAt
} from "./chunk-SC3AT35C.js";

// src/capture/envelope.ts
import { createHash } from "node:crypto";
var DOCUMENT_OPERATIONS = /* @__PURE__ */ new Set(["insert", "update", "replace", "delete"]);
var OWN_FIELDS = /* @__PURE__ */ new Set([
  "change_id",
  "operation",
  "order_id",
  "order_id_type",
  "event_time",
  "cluster_time",
  "document"
]);
var LONGEST_OWN_FIELD = 13;
var CUT_ID_LENGTH = 64;
var written = new JsonText();
function isDocumentChange(event) {
  return DOCUMENT_OPERATIONS.has(event.operationType);
}
function lacksDocument({ operationType, fullDocument }) {
  return operationType !== OPERATION.delete && isNothing(fullDocument);
}
function changeMessage(event, options) {
  const { fullDocument, fullDocumentBeforeChange, updateDescription } = event;
  const id = memberOf(event.documentKey, "_id");
  const isDelete = event.operationType === OPERATION.delete;
  const isGone = lacksDocument(event);
  const known = isNothing(fullDocument) ? fullDocumentBeforeChange : fullDocument;
  const { orderIdPath, eventTimePath } = options;
  const orderId = orderIdPath === void 0 ? id : valueAt(known, orderIdPath);
  const eventTime = eventTimePath === void 0 ? void 0 : valueAt(known, eventTimePath);
  return message({
    changeId: event.token,
    operation: isGone ? OPERATION.vanished : event.operationType,
    orderId: orderIdOf(isNothing(orderId) ? id : orderId),
    eventTime: isNothing(eventTime) ? event.wallTime : eventTime,
    clusterTime: event.clusterTime,
    document: isDelete || isGone ? void 0 : fullDocument,
    update: isGone ? updateDescription : void 0
  });
}
function snapshotMessage(bytes, snapshot, { orderIdPath, eventTimePath }) {
  const document = documentOf(bytes);
  const id = memberOf(document, "_id");
  const orderId = orderIdPath === void 0 ? id : valueAt(document, orderIdPath);
  const eventTime = eventTimePath === void 0 ? void 0 : valueAt(document, eventTimePath);
  const milliseconds = Number.parseInt(snapshot.time.slice(0, 8), 16) * 1e3;
  return message({
    changeId: snapshotChangeId(snapshot, jsonOf(id)),
    operation: OPERATION.snapshot,
    orderId: orderIdOf(isNothing(orderId) ? id : orderId),
    eventTime: isNothing(eventTime) ? `{"$date":{"$numberLong":"${milliseconds}"}}` : eventTime,
    clusterTime: void 0,
    document,
    update: void 0
  });
}
function markerMessage(snapshot, end, partition) {
  return message({
    changeId: snapshotChangeId(snapshot, `${end} ${partition}`),
    operation: end === "begin" ? OPERATION.snapshotBegin : OPERATION.snapshotEnd,
    orderId: markerId(snapshot.time, end),
    eventTime: void 0,
    clusterTime: void 0,
    document: void 0,
    update: void 0
  });
}
function oversizeMessage(captured, limit) {
  const { key, orderId, bytes, operation, changeId } = captured;
  const { text: order_id, type: order_id_type } = orderId;
  const entry = { change_id: changeId, operation, order_id, order_id_type, bytes, limit };
  const whole = withValue(captured, key, entry);
  if (whole.bytes <= limit) return whole;
  const order_id_sha256 = createHash("sha256").update(key).digest("hex");
  const start = { change_id: cut(changeId), order_id: cut(order_id), order_id_sha256 };
  return withValue(captured, order_id_sha256, { ...entry, ...start });
}
function withValue(captured, key, entry) {
  const value = Buffer.from(JSON.stringify(entry));
  return { ...captured, key, value, bytes: Buffer.byteLength(key) + value.length };
}
function cut(id) {
  return id.length > CUT_ID_LENGTH ? `${id.slice(0, CUT_ID_LENGTH)}\u2026` : id;
}
function snapshotChangeId({ source, time }, what) {
  const hash = createHash("sha256").update(`${source} ${what}`).digest("hex");
  return `82${time}${hash.slice(0, 32).toUpperCase()}`;
}
function message({ changeId, operation, orderId, eventTime, clusterTime, document, update }) {
  written.ascii(`{"change_id":"${changeId}","operation":"${operation}","order_id":`);
  written.text(orderId.text);
  written.ascii(`,"order_id_type":"${orderId.type}"`);
  if (typeof eventTime === "string") written.ascii(`,"event_time":${eventTime}`);
  else writeField("event_time", eventTime);
  writeField("cluster_time", clusterTime);
  writeField("update", update);
  if (document !== void 0) writeMembers(document);
  written.ascii("}");
  const value = written.take();
  const { key } = orderId;
  return { key, orderId, value, bytes: Buffer.byteLength(key) + value.length, operation, changeId };
}
function writeField(name, value) {
  if (value === void 0) return;
  written.ascii(`,"${name}":`);
  written.value(value.bytes, value.type, value.at);
}
function writeMembers({ bytes, at: start }) {
  const clashing = [];
  for (let at = start + FIRST; bytes[at] !== 0; ) {
    const end = nameEnd(bytes, at + 1);
    const name = end - at - 1 > LONGEST_OWN_FIELD ? void 0 : bytes.toString("latin1", at + 1, end);
    if (name !== void 0 && OWN_FIELDS.has(name)) clashing.push(at);
    else if (name !== "_id") {
      written.ascii(",");
      written.member(bytes, bytes[at], at + 1);
    }
    at = endOf(bytes, bytes[at], end + 1);
  }
  for (const [index, at] of clashing.entries()) {
    written.ascii(index === 0 ? ',"document":{' : ",");
    written.member(bytes, bytes[at], at + 1);
  }
  if (clashing.length > 0) written.ascii("}");
}

export {
  isDocumentChange,
  lacksDocument,
  changeMessage,
  snapshotMessage,
  markerMessage,
  oversizeMessage
};
//# sourceMappingURL=chunk-TEA7FTBU.js.map
