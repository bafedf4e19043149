import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  loadSpec
} from "./chunk-KBMPOV5R.js";
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
} from "./chunk-YDIRAWJT.js";

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
//# sourceMappingURL=chunk-NR534RHR.js.map
