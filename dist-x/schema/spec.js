import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  DEFAULT_UNIT,
  DERIVED_COLUMNS,
  KINDS,
  ROLES,
  TIME_UNITS,
  roleColumn,
  specHash,
  specJson,
  tableColumns
} from "../chunk-6JEHCNW6.js";
import "../chunk-YJDLZ72D.js";
export {
  DEFAULT_UNIT,
  DERIVED_COLUMNS,
  KINDS,
  ROLES,
  TIME_UNITS,
  roleColumn,
  specHash,
  specJson,
  tableColumns
};
//# sourceMappingURL=spec.js.map
