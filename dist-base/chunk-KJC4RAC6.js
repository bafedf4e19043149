import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);

// src/query/lines.ts
var NEWLINE = 10;
async function* linesOf(stream) {
  let begun = [];
  for await (const bytes of stream) {
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      begun.push(bytes.subarray(start, end));
      yield Buffer.concat(begun).toString();
      begun = [];
      start = end + 1;
    }
    if (start < bytes.length) begun.push(bytes.subarray(start));
  }
}

export {
  linesOf
};
//# sourceMappingURL=chunk-KJC4RAC6.js.map
