import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  KAFKA_CHECKS,
  kafkaChecks
} from "./chunk-PFXLSM5G.js";
import {
  checks
} from "./chunk-2BNYHM7Y.js";
import {
  readScope
} from "./chunk-LS4AT5JP.js";
import {
  openSql
} from "./chunk-HM3HJJNC.js";
import {
  KafkaSource
} from "./chunk-4W42LGX5.js";
import {
  variablesHelp
} from "./chunk-QVWHMW6S.js";
import {
  SECTIONS
} from "./chunk-2MCCLBOB.js";
import {
  PROPERTIES_TEXT
} from "./chunk-JUVGXVR4.js";
import {
  SluiceError
} from "./chunk-YDIRAWJT.js";

// src/commands/verify.ts
function addVerifyCommand(program, { environment, stdout, onFailure }) {
  program.command("verify").description("check ledger, Parquet, DuckDB and Kafka against each other; exit code 1 on any difference").addHelpText(
    "after",
    variablesHelp(
      SECTIONS.storage,
      SECTIONS.kafka.pick({ brokers: true }),
      PROPERTIES_TEXT,
      SECTIONS.consumer,
      SECTIONS.log
    )
  ).option("--no-kafka", "leave Kafka out").action(async ({ kafka }) => {
    const { config, log } = environment();
    const ok = await verify(config, { kafka, log, write: (text) => stdout.writeIfOpen(text) });
    if (!ok) onFailure();
  });
}
async function verify(config, { kafka, log, write }) {
  const client = await openSql(config.dataDir);
  let failed = 0;
  const report = async ({ name, problems, notes, skipped }) => {
    if (problems.length > 0) failed++;
    if (skipped !== void 0) await write(`skip  ${name}: ${skipped}
`);
    else await write(`${problems.length === 0 ? "ok  " : "FAIL"}  ${name}
`);
    for (const problem of problems) await write(`        ${problem}
`);
    for (const note of notes) await write(`note  ${note}
`);
  };
  try {
    const scope = await readScope(client, config.dataDir);
    for await (const result of checks(client, scope)) await report(result);
    if (kafka) await verifyKafka(client, config, scope.topic, log, report);
  } finally {
    client.close();
  }
  await write(failed === 0 ? "everything agrees\n" : `${failed} ${failed === 1 ? "check" : "checks"} failed
`);
  return failed === 0;
}
async function verifyKafka(client, config, topic, log, report) {
  const source = new KafkaSource({ ...config.kafka, topic, groupId: `${config.kafka.groupId}-verify` }, log);
  const reported = /* @__PURE__ */ new Set();
  try {
    await source.connect();
    for await (const result of kafkaChecks(client, source, config.kafka.startFrom)) {
      reported.add(result.name);
      await report(result);
    }
  } catch (thrown) {
    if (!(thrown instanceof SluiceError) || thrown.code === "SLUICE_QUERY") throw thrown;
    const missing = Object.values(KAFKA_CHECKS).filter((name) => !reported.has(name));
    for (const name of missing) await report({ name, problems: [], notes: [], skipped: thrown.message });
  } finally {
    await source.close();
  }
}

export {
  addVerifyCommand,
  verify
};
//# sourceMappingURL=chunk-QRYGHL3W.js.map
