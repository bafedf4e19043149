import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  FileStaging
} from "../../chunk-Z3X3PFTP.js";
import "../../chunk-XA52K7QX.js";
import "../../chunk-YJDLZ72D.js";
export {
  FileStaging
};
//# sourceMappingURL=file-staging.js.map
