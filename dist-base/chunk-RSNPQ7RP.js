import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  workerSettings
} from "./chunk-3KHFPC5P.js";
import {
  storageSettings
} from "./chunk-XX2QXVV5.js";
import {
  compactionSettings,
  duckdbSettings
} from "./chunk-WLLQFX4B.js";
import {
  schemaSettings
} from "./chunk-JPEX5SPN.js";
import {
  ORDERS_SPEC
} from "./chunk-DGTVI5YT.js";
import {
  pipelineSettings
} from "./chunk-A5KJPO3G.js";
import {
  parquetSettings
} from "./chunk-CDQ2KRLW.js";
import {
  metricsSettings
} from "./chunk-R6P75VNJ.js";
import {
  logSettings
} from "./chunk-KXDMV5BO.js";
import {
  captureSettings
} from "./chunk-RGOYJG2Y.js";
import {
  PROPERTY_PREFIX,
  consumerSettings,
  kafkaSettings,
  readProperties
} from "./chunk-TVFHEO26.js";
import {
  integer,
  setting,
  variablesOf
} from "./chunk-XAGLG5OY.js";
import {
  object
} from "./chunk-JJ6JF4DP.js";
import {
  SluiceError
} from "./chunk-OOJGYMCI.js";

// src/config.ts
import { createHash } from "node:crypto";
import { hostname } from "node:os";
var processSettings = object({
  shutdownGraceMs: setting(
    "SHUTDOWN_GRACE_MS",
    "how long SIGTERM waits for what is in flight",
    integer(0, 36e5).prefault("30000")
  ),
  /** Threads that Node runs DuckDB's statements on. */
  threadPoolSize: setting(
    "UV_THREADPOOL_SIZE",
    "Node's threads for native work; at least WORKERS + 3, see [tuning](tuning.md)",
    integer(1, 1024).prefault("4")
  )
});
var SECTIONS = {
  kafka: kafkaSettings,
  consumer: consumerSettings,
  worker: workerSettings,
  pipeline: pipelineSettings,
  storage: storageSettings,
  parquet: parquetSettings,
  compaction: compactionSettings,
  duckdb: duckdbSettings,
  schema: schemaSettings,
  process: processSettings,
  metrics: metricsSettings,
  log: logSettings,
  capture: captureSettings
};
function readConfig(env = process.env, isTerminal = process.stderr.isTTY === true) {
  const problems = [];
  const entries = Object.entries(SECTIONS).map(([name, section]) => [name, readSection(section, env, problems)]);
  const values = Object.fromEntries(entries);
  const properties = readProperties(env, problems);
  if (values.pipeline?.batchBytes > values.pipeline?.bufferBytes / 2) {
    problems.push("BATCH_BYTES: must be at most half of BUFFER_BYTES, so that one batch fills while one is worked on");
  }
  if (problems.length > 0) {
    const list = problems.length === 1 ? ` ${problems[0]}` : ["", ...problems].join("\n  ");
    throw new SluiceError("SLUICE_CONFIG", `the environment is not acceptable:${list}`);
  }
  const { kafka, consumer, storage, schema, process: ofProcess, log: _, ...sections } = values;
  const { dataDir } = storage;
  const instanceId = `sluice-${createHash("sha256").update(`${hostname()}:${dataDir}`).digest("hex").slice(0, 16)}`;
  return {
    ...sections,
    ...ofProcess,
    kafka: { ...kafka, ...consumer, instanceId, properties },
    dataDir,
    spec: schema.tableSpec?.spec ?? ORDERS_SPEC,
    tableSpec: schema.tableSpec?.path,
    log: readLogOptions(env, isTerminal)
  };
}
function readLogOptions(env = process.env, isTerminal = process.stderr.isTTY === true) {
  const { level, format } = logSettings.shape;
  return {
    level: level.safeParse(env.LOG_LEVEL || void 0).data ?? level.parse(void 0),
    format: format.safeParse(env.LOG_FORMAT || void 0).data ?? (isTerminal ? "pretty" : "json")
  };
}
var PASSWORD = /:(?!\/\/).*@/s;
function readSection(section, env, problems) {
  const variables = variablesOf(section);
  const given = Object.fromEntries([...variables].map(([field, name]) => [field, env[name] || void 0]));
  const parsed = section.safeParse(given);
  for (const issue of parsed.error?.issues ?? []) {
    const name = variables.get(String(issue.path[0])) ?? "";
    problems.push(`${name}=${JSON.stringify(env[name]?.replace(PASSWORD, ":***@"))}: ${issue.message}`);
  }
  return parsed.data;
}
function misspelledVariables(env = process.env) {
  const known = new Set(Object.values(SECTIONS).flatMap((section) => [...variablesOf(section).values()]));
  return Object.keys(env).flatMap((variable) => {
    if (known.has(variable) || variable.startsWith(PROPERTY_PREFIX)) return [];
    const near = [...known].filter((name) => distance(variable, name) <= Math.floor(name.length / LETTERS_PER_MISTAKE));
    const [nearest] = near.sort((a, b) => distance(variable, a) - distance(variable, b));
    return nearest === void 0 ? [] : [{ variable, nearest }];
  });
}
var LETTERS_PER_MISTAKE = 5;
function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const above = row;
    row = [i];
    for (let j = 1; j <= b.length; j++) {
      row[j] = Math.min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
  }
  return row[b.length];
}

export {
  SECTIONS,
  readConfig,
  readLogOptions,
  misspelledVariables
};
//# sourceMappingURL=chunk-RSNPQ7RP.js.map
