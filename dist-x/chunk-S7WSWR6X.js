import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  makeFolder,
  sync,
  temporaryPath
} from "./chunk-CLQZY57A.js";
import {
  sinkError
} from "./chunk-YDIRAWJT.js";

// src/storage/staged-file.ts
import { rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
async function stageFile(path, write, failure = `cannot write ${temporaryPath(path)}`) {
  const tempPath = temporaryPath(path);
  try {
    makeFolder(dirname(path));
    await write(tempPath);
    sync(tempPath);
    return { tempPath, path, bytes: statSync(tempPath).size };
  } catch (thrown) {
    removeIfPossible(tempPath);
    throw sinkError(thrown, failure);
  }
}
function removeIfPossible(path) {
  try {
    rmSync(path, { force: true });
  } catch {
  }
}

export {
  stageFile
};
//# sourceMappingURL=chunk-S7WSWR6X.js.map
