import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  require_lib
} from "./chunk-ZIERCETT.js";
import {
  SluiceError
} from "./chunk-YDIRAWJT.js";
import {
  __toESM
} from "./chunk-YJDLZ72D.js";

// src/query/time-zone.ts
var import_node_api = __toESM(require_lib(), 1);
var STEP_MICROS = 900000000n;
var LAST_MS = 8640000000000000n;
var CYCLE_MS = 146097n * 86400000n;
var CACHED_STEPS = 1e5;
var formats = /* @__PURE__ */ new Map();
var offsets = /* @__PURE__ */ new Map();
function checkTimeZone(timeZone) {
  try {
    format(timeZone);
  } catch (cause) {
    const message = `the time zone ${timeZone} is not known: give a name such as UTC or America/New_York`;
    throw new SluiceError("SLUICE_QUERY", message, { cause });
  }
}
function timestampText(micros, timeZone) {
  const utc = new import_node_api.DuckDBTimestampValue(micros);
  if (!utc.isFinite) return utc.toString();
  const seconds = offsetSeconds(micros, timeZone);
  return withOffset(new import_node_api.DuckDBTimestampValue(micros + BigInt(seconds) * 1000000n).toString(), offsetText(seconds));
}
function withOffset(text, offset) {
  return text.endsWith(" (BC)") ? `${text.slice(0, -" (BC)".length)}${offset} (BC)` : `${text}${offset}`;
}
function offsetText(seconds) {
  const two = (number) => String(number).padStart(2, "0");
  const size = Math.abs(seconds);
  const [hours, minutes] = [Math.floor(size / 3600), Math.floor(size / 60) % 60];
  return `${seconds < 0 ? "-" : "+"}${two(hours)}${minutes > 0 ? `:${two(minutes)}` : ""}`;
}
function offsetSeconds(micros, timeZone) {
  if (timeZone === "UTC") return 0;
  const step = micros / STEP_MICROS - (micros % STEP_MICROS < 0n ? 1n : 0n);
  const name = `${timeZone} ${step}`;
  let seconds = offsets.get(name);
  if (seconds === void 0) {
    if (offsets.size === CACHED_STEPS) offsets.clear();
    seconds = findOffset(step * STEP_MICROS / 1000n, timeZone);
    offsets.set(name, seconds);
  }
  return seconds;
}
function findOffset(milliseconds, timeZone) {
  let bounded = milliseconds;
  while (bounded > LAST_MS) bounded -= CYCLE_MS;
  while (bounded < -LAST_MS) bounded += CYCLE_MS;
  const name = format(timeZone).formatToParts(Number(bounded)).find(({ type }) => type === "timeZoneName")?.value;
  const [, sign, hours, minutes, seconds] = /^GMT([+\-−])(\d+):(\d+)(?::(\d+))?$/.exec(name ?? "") ?? [];
  if (sign === void 0) return 0;
  const size = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds ?? 0);
  return sign === "+" ? size : -size;
}
function format(timeZone) {
  let known = formats.get(timeZone);
  if (known === void 0) {
    known = new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" });
    formats.set(timeZone, known);
  }
  return known;
}

export {
  checkTimeZone,
  timestampText
};
//# sourceMappingURL=chunk-WX4LE7JX.js.map
