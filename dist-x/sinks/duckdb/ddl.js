import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  columnDefinitions,
  migrate
} from "../../chunk-6VYFZIUW.js";
import "../../chunk-MPPZZGPY.js";
import "../../chunk-XA52K7QX.js";
import "../../chunk-35ENZBND.js";
import "../../chunk-CLQZY57A.js";
import "../../chunk-6JEHCNW6.js";
import "../../chunk-Y3JUF4HW.js";
import "../../chunk-YDIRAWJT.js";
import "../../chunk-YJDLZ72D.js";
export {
  columnDefinitions,
  migrate
};
//# sourceMappingURL=ddl.js.map
