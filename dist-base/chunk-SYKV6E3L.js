import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  FIRST,
  TYPE,
  deserialized,
  endOf,
  int32,
  nameEnd
} from "./chunk-SC3AT35C.js";

// src/capture/json.ts
import { BSON, Decimal128 } from "mongodb";
var START_BYTES = 1 << 16;
var QUOTE = 34;
var BACKSLASH = 92;
var COMMA = 44;
var COLON = 58;
var SHORT = 32;
var TWO_32 = 2 ** 32;
var EXACT_HIGH = 1 << 20;
var JsonText = class {
  #bytes = Buffer.allocUnsafe(START_BYTES);
  #length = 0;
  /** What was written, as bytes of its own; begins anew. */
  take() {
    const taken = Buffer.allocUnsafe(this.#length);
    this.#bytes.copy(taken, 0, 0, this.#length);
    this.#length = 0;
    return taken;
  }
  /** Writes text of ASCII as it is. */
  ascii(text) {
    this.#reserve(text.length);
    const bytes = this.#bytes;
    let length = this.#length;
    if (text.length > SHORT) {
      this.#length += bytes.write(text, length, "latin1");
      return;
    }
    for (let at = 0; at < text.length; at++) bytes[length++] = text.charCodeAt(at);
    this.#length = length;
  }
  /** Writes a string as JSON has it. */
  text(text) {
    const json = JSON.stringify(text);
    this.#reserve(json.length * 3);
    this.#length += this.#bytes.write(json, this.#length);
  }
  value(bytes, type, at) {
    switch (type) {
      case TYPE.string:
        this.#string(bytes, at + 4, at + 3 + int32(bytes, at));
        break;
      case TYPE.document:
        this.#document(bytes, at);
        break;
      case TYPE.array:
        this.#array(bytes, at);
        break;
      case TYPE.int32:
        this.ascii(String(int32(bytes, at)));
        break;
      case TYPE.double:
        this.ascii(doubleText(bytes.readDoubleLE(at)));
        break;
      case TYPE.bool:
        this.ascii(bytes[at] === 0 ? "false" : "true");
        break;
      case TYPE.null:
      case TYPE.undefined:
        this.ascii("null");
        break;
      case TYPE.int64:
        this.ascii(`{"$numberLong":"${int64Text(bytes, at)}"}`);
        break;
      case TYPE.decimal:
        this.ascii(`{"$numberDecimal":"${decimalText(bytes, at)}"}`);
        break;
      case TYPE.date:
        this.ascii(`{"$date":{"$numberLong":"${int64Text(bytes, at)}"}}`);
        break;
      case TYPE.objectId:
        this.ascii(`{"$oid":"${bytes.toString("hex", at, at + 12)}"}`);
        break;
      case TYPE.timestamp:
        this.ascii(`{"$timestamp":{"t":${int32(bytes, at + 4) >>> 0},"i":${int32(bytes, at) >>> 0}}}`);
        break;
      default:
        this.#utf8(BSON.EJSON.stringify(deserialized({ bytes, type, at }), { relaxed: false }));
    }
  }
  /** Writes `"name":value`. @param at of the element's name */
  member(bytes, type, at) {
    const end = nameEnd(bytes, at);
    this.#string(bytes, at, end);
    this.#byte(COLON);
    this.value(bytes, type, end + 1);
  }
  #document(bytes, start) {
    this.ascii("{");
    for (let at = start + FIRST; bytes[at] !== 0; ) {
      if (at !== start + FIRST) this.#byte(COMMA);
      this.member(bytes, bytes[at], at + 1);
      at = endOf(bytes, bytes[at], nameEnd(bytes, at + 1) + 1);
    }
    this.ascii("}");
  }
  #array(bytes, start) {
    this.ascii("[");
    for (let at = start + FIRST; bytes[at] !== 0; ) {
      if (at !== start + FIRST) this.#byte(COMMA);
      const from = nameEnd(bytes, at + 1) + 1;
      this.value(bytes, bytes[at], from);
      at = endOf(bytes, bytes[at], from);
    }
    this.ascii("]");
  }
  /** Bytes that JSON has as they are, else by way of a string: what is no UTF-8 becomes U+FFFD. */
  #string(from, start, end) {
    this.#reserve(end - start + 2);
    const bytes = this.#bytes;
    let length = this.#length;
    bytes[length++] = QUOTE;
    for (let at = start; at < end; at++) {
      const byte = from[at];
      if (byte < 32 || byte > 127 || byte === QUOTE || byte === BACKSLASH) {
        this.text(from.toString("utf8", start, end));
        return;
      }
      bytes[length++] = byte;
    }
    bytes[length++] = QUOTE;
    this.#length = length;
  }
  #utf8(text) {
    this.#reserve(text.length * 3);
    this.#length += this.#bytes.write(text, this.#length);
  }
  #byte(byte) {
    this.#reserve(1);
    this.#bytes[this.#length++] = byte;
  }
  #reserve(more) {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
};
var scratch = new JsonText();
function jsonOf(value) {
  if (value === void 0) return "null";
  scratch.value(value.bytes, value.type, value.at);
  return scratch.take().toString();
}
function doubleText(value) {
  if (!Number.isFinite(value)) return `{"$numberDouble":"${value}"}`;
  return Object.is(value, -0) ? "-0" : String(value);
}
function int64Text(bytes, at) {
  const high = int32(bytes, at + 4);
  if (high >= -EXACT_HIGH && high < EXACT_HIGH) return String(high * TWO_32 + (int32(bytes, at) >>> 0));
  return String(bytes.readBigInt64LE(at));
}
function decimalText(bytes, at) {
  const top = int32(bytes, at + 12);
  const middle = int32(bytes, at + 4) >>> 0;
  const exponent = (top >>> 17 & 16383) - 6176;
  const isSmall = (top & 131071) === 0 && int32(bytes, at + 8) === 0 && middle < EXACT_HIGH * 2;
  const digits = String(middle * TWO_32 + (int32(bytes, at) >>> 0));
  if (!isSmall || exponent > 0 || digits.length - 1 + exponent < -6) {
    return new Decimal128(bytes.subarray(at, at + 16)).toString();
  }
  const sign = top < 0 ? "-" : "";
  if (exponent === 0) return sign + digits;
  const point = digits.length + exponent;
  if (point > 0) return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
  return `${sign}0.${"0".repeat(-point)}${digits}`;
}

export {
  JsonText,
  jsonOf,
  int64Text
};
//# sourceMappingURL=chunk-SYKV6E3L.js.map
