import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  Chunk,
  ChunkPool,
  ChunkViews,
  bit,
  setBit
} from "../chunk-XC7MPS2P.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  Chunk,
  ChunkPool,
  ChunkViews,
  bit,
  setBit
};
//# sourceMappingURL=chunk.js.map
