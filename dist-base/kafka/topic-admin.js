import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  TopicAdmin
} from "../chunk-WR3QQRH3.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  TopicAdmin
};
//# sourceMappingURL=topic-admin.js.map
