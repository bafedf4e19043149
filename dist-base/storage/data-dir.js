import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  FORMAT_VERSION,
  PARTITION_KEY,
  databasePath,
  listFiles,
  makeFolder,
  parquetPath,
  parquetRange,
  sync,
  temporaryPath,
  topicFolder
} from "../chunk-CLQZY57A.js";
import "../chunk-YJDLZ72D.js";
export {
  FORMAT_VERSION,
  PARTITION_KEY,
  databasePath,
  listFiles,
  makeFolder,
  parquetPath,
  parquetRange,
  sync,
  temporaryPath,
  topicFolder
};
//# sourceMappingURL=data-dir.js.map
