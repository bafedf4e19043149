import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  reply,
  serve
} from "../chunk-UZ5IPIWX.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  reply,
  serve
};
//# sourceMappingURL=server.js.map
