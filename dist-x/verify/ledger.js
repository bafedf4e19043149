import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  hasTables,
  ledgerChecks,
  readScope
} from "../chunk-LS4AT5JP.js";
import "../chunk-UFKKNCBU.js";
import "../chunk-HM3HJJNC.js";
import "../chunk-KJC4RAC6.js";
import "../chunk-NTP3J676.js";
import "../chunk-BD3RWV2C.js";
import "../chunk-4J46FUJU.js";
import "../chunk-4RNLI5IY.js";
import "../chunk-WX4LE7JX.js";
import "../chunk-EBS55YID.js";
import "../chunk-XA52K7QX.js";
import "../chunk-ZIERCETT.js";
import "../chunk-CLQZY57A.js";
import "../chunk-6JEHCNW6.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  hasTables,
  ledgerChecks,
  readScope
};
//# sourceMappingURL=ledger.js.map
