import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);

// src/core/string-forms.ts
var VECTOR_ROWS = 2048;
var STRING_BYTES = 16;
var INLINED_BYTES = 12;
var strings = new Uint32Array(VECTOR_ROWS * STRING_BYTES / 4);
var stringBytes = new Uint8Array(strings.buffer);
var stringForms = ({ valueOffsets: offsets, values: bytes }, from, rows, address) => {
  const low = Number(address & 0xffffffffn);
  const high = Number(address >> 32n);
  for (let row = 0, word = 0; row < rows; row++, word += 4) {
    const start = offsets[from + row];
    const length = offsets[from + row + 1] - start;
    strings[word] = length;
    if (length > INLINED_BYTES) {
      strings[word + 1] = bytes[start] | bytes[start + 1] << 8 | bytes[start + 2] << 16 | bytes[start + 3] << 24;
      const end = low + start;
      strings[word + 2] = end;
      strings[word + 3] = end > 4294967295 ? high + 1 : high;
    } else {
      strings[word + 1] = 0;
      strings[word + 2] = 0;
      strings[word + 3] = 0;
      const at = word * 4 + 4;
      for (let index = 0; index < length; index++) stringBytes[at + index] = bytes[start + index];
    }
  }
  return stringBytes;
};

export {
  VECTOR_ROWS,
  STRING_BYTES,
  INLINED_BYTES,
  stringForms
};
//# sourceMappingURL=chunk-KYH7TSYC.js.map
