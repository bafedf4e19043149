import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  SluiceError
} from "./chunk-OOJGYMCI.js";

// src/capture/split-event.ts
var MAX_EMPTY_READS = 100;
function splitsLargeEvents([major = 0, minor = 0, patch = 0]) {
  return major >= 7 || major === 6 && minor === 0 && patch >= 9;
}
async function readWhole(read) {
  let part = await read();
  if (part?.splitEvent === void 0) return part;
  const { of } = part.splitEvent;
  let whole;
  for (let fragment = 1; ; fragment++) {
    const { splitEvent, operationType, ...fields } = part;
    if (splitEvent?.fragment !== fragment || splitEvent.of !== of) {
      const came = splitEvent === void 0 ? "a change" : `fragment ${splitEvent.fragment} of ${splitEvent.of}`;
      throw new SluiceError("SLUICE_MONGODB", `${came} came where fragment ${fragment} of ${of} of a change was due`);
    }
    whole = { ...whole, ...fields, operationType: operationType || (whole?.operationType ?? "") };
    if (fragment === of) return whole;
    part = await nextFragment(read, fragment, of);
  }
}
async function nextFragment(read, fragment, of) {
  let cause;
  try {
    for (let reads = 0; reads < MAX_EMPTY_READS; reads++) {
      const part = await read();
      if (part !== null) return part;
    }
  } catch (thrown) {
    cause = thrown;
  }
  const why = cause instanceof Error ? cause.message : "no more came";
  throw new SluiceError("SLUICE_MONGODB", `a change broke off after fragment ${fragment} of ${of}: ${why}`, { cause });
}

export {
  splitsLargeEvents,
  readWhole
};
//# sourceMappingURL=chunk-TFZU5VFI.js.map
