import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  loadSpec
} from "./chunk-DGTVI5YT.js";
import {
  setting
} from "./chunk-XAGLG5OY.js";
import {
  NEVER,
  object,
  string
} from "./chunk-JJ6JF4DP.js";
import {
  SluiceError
} from "./chunk-OOJGYMCI.js";

// src/schema/settings.ts
var schemaSettings = object({
  tableSpec: setting(
    "TABLE_SPEC",
    "path of a table spec",
    string().transform((path, context) => {
      try {
        return { path, spec: loadSpec(path) };
      } catch (thrown) {
        if (!(thrown instanceof SluiceError)) throw thrown;
        context.addIssue(thrown.message);
        return NEVER;
      }
    }).optional(),
    "orders, built in"
  )
});

export {
  schemaSettings
};
//# sourceMappingURL=chunk-JPEX5SPN.js.map
