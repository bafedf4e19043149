import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  PROPERTIES_TEXT,
  PROPERTY_PREFIX,
  consumerSettings,
  kafkaSettings,
  readProperties
} from "../chunk-JUVGXVR4.js";
import "../chunk-VQISXDOC.js";
import "../chunk-TH4FY7UR.js";
import "../chunk-XAGLG5OY.js";
import "../chunk-JJ6JF4DP.js";
import "../chunk-YJDLZ72D.js";
export {
  PROPERTIES_TEXT,
  PROPERTY_PREFIX,
  consumerSettings,
  kafkaSettings,
  readProperties
};
//# sourceMappingURL=settings.js.map
