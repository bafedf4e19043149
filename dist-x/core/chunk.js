import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  Chunk,
  ChunkPool,
  ChunkViews,
  bit,
  setBit
} from "../chunk-TBKYUH34.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  Chunk,
  ChunkPool,
  ChunkViews,
  bit,
  setBit
};
//# sourceMappingURL=chunk.js.map
