import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  ChangeReader,
  isImageLost
} from "../chunk-RYH5Q4R2.js";
import "../chunk-XQATTJNJ.js";
import "../chunk-26RKM656.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  ChangeReader,
  isImageLost
};
//# sourceMappingURL=change-stream.js.map
