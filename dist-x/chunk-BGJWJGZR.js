import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  NATIVE_METHOD
} from "./chunk-D6KRNQUS.js";

// src/kafka/addon.ts
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
function installedAddon() {
  const manifest = createRequire(import.meta.url).resolve("@confluentinc/kafka-javascript/package.json");
  const { librdkafka } = JSON.parse(readFileSync(manifest, "utf8"));
  const file = join(dirname(manifest), "build", "Release", "confluent-kafka-javascript.node");
  return { reader: compiledReader(file), librdkafka };
}
function compiledReader(file) {
  try {
    return readFileSync(file).includes(NATIVE_METHOD) ? "packed" : "stock";
  } catch {
    return void 0;
  }
}

export {
  installedAddon
};
//# sourceMappingURL=chunk-BGJWJGZR.js.map
