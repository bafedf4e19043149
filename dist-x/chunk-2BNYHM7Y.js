import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  ledgerChecks
} from "./chunk-LS4AT5JP.js";
import {
  fileChecks
} from "./chunk-ZV4RSKXB.js";

// src/verify/checks.ts
async function* checks(client, scope) {
  yield* ledgerChecks(client, scope);
  yield* fileChecks(client, scope);
}

export {
  checks
};
//# sourceMappingURL=chunk-2BNYHM7Y.js.map
