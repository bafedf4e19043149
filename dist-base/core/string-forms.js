import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  INLINED_BYTES,
  STRING_BYTES,
  VECTOR_ROWS,
  stringForms
} from "../chunk-KYH7TSYC.js";
import "../chunk-YJDLZ72D.js";
export {
  INLINED_BYTES,
  STRING_BYTES,
  VECTOR_ROWS,
  stringForms
};
//# sourceMappingURL=string-forms.js.map
