import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  FIRST,
  documentOf,
  endOf,
  memberOf,
  nameEnd,
  textOf
} from "./chunk-C7DSCYEK.js";

// src/capture/change-event.ts
var FIELDS = /* @__PURE__ */ new Set([
  "clusterTime",
  "wallTime",
  "documentKey",
  "fullDocument",
  "fullDocumentBeforeChange",
  "updateDescription"
]);
function readEvent(bytes) {
  const document = documentOf(bytes);
  const event = { token: "", operationType: "" };
  const all = document.bytes;
  for (let at = FIRST; all[at] !== 0; ) {
    const type = all[at];
    const end = nameEnd(all, at + 1);
    const name = all.toString("latin1", at + 1, end);
    const value = { bytes: all, type, at: end + 1 };
    if (FIELDS.has(name)) event[name] = value;
    else if (name === "_id") event.token = dataOf(value);
    else if (name === "operationType") event.operationType = textOf(value);
    else if (name === "splitEvent")
      event.splitEvent = { fragment: numberAt(value, "fragment"), of: numberAt(value, "of") };
    at = endOf(all, type, end + 1);
  }
  return event;
}
function dataOf(token) {
  const data = memberOf(token, "_data");
  return data === void 0 ? "" : textOf(data);
}
function numberAt(value, name) {
  const member = memberOf(value, name);
  return member === void 0 ? Number.NaN : member.bytes.readInt32LE(member.at);
}

export {
  readEvent
};
//# sourceMappingURL=chunk-WNTMWXKL.js.map
