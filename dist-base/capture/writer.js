import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  GroupWriter,
  oversizeTopic
} from "../chunk-YYA2DCM7.js";
import "../chunk-TEA7FTBU.js";
import "../chunk-Y3JUF4HW.js";
import "../chunk-64UPU5I7.js";
import "../chunk-SYKV6E3L.js";
import "../chunk-SC3AT35C.js";
import "../chunk-FVICLPMY.js";
import "../chunk-JJ6JF4DP.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  GroupWriter,
  oversizeTopic
};
//# sourceMappingURL=writer.js.map
