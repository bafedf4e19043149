import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  fileChecks
} from "./chunk-LO7CBCK4.js";
import {
  ledgerChecks
} from "./chunk-WIYZIOAD.js";

// src/verify/checks.ts
async function* checks(client, scope) {
  yield* ledgerChecks(client, scope);
  yield* fileChecks(client, scope);
}

export {
  checks
};
//# sourceMappingURL=chunk-2KC2HGLH.js.map
