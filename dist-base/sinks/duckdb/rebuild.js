import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  rebuild
} from "../../chunk-QNPWLFJT.js";
import "../../chunk-VQZHSYMB.js";
import "../../chunk-P37XOSGB.js";
import "../../chunk-PRZGGDYR.js";
import "../../chunk-4RXNSG7Q.js";
import "../../chunk-UFHYT4J4.js";
import "../../chunk-ZXIYXBTA.js";
import "../../chunk-3CYC53KP.js";
import "../../chunk-MGXMPSQE.js";
import "../../chunk-QVZ4RX7Q.js";
import "../../chunk-BLAVQB6S.js";
import "../../chunk-XA52K7QX.js";
import "../../chunk-35ENZBND.js";
import "../../chunk-ZIERCETT.js";
import "../../chunk-CLQZY57A.js";
import "../../chunk-6JEHCNW6.js";
import "../../chunk-Y3JUF4HW.js";
import "../../chunk-TH4FY7UR.js";
import "../../chunk-OOJGYMCI.js";
import "../../chunk-YJDLZ72D.js";
export {
  rebuild
};
//# sourceMappingURL=rebuild.js.map
