import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  ChangeReader,
  isImageLost
} from "../chunk-BW2NHP6B.js";
import "../chunk-TFZU5VFI.js";
import "../chunk-R4PP75HT.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  ChangeReader,
  isImageLost
};
//# sourceMappingURL=change-stream.js.map
