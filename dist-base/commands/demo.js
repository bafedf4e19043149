import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  EmbeddedKafka
} from "../chunk-UMQ7REQZ.js";
import {
  verify
} from "../chunk-PLGUZZSL.js";
import "../chunk-2KC2HGLH.js";
import "../chunk-6M72BUBQ.js";
import {
  query
} from "../chunk-VLBJAAUE.js";
import "../chunk-LO7CBCK4.js";
import "../chunk-WIYZIOAD.js";
import "../chunk-TTAWQF2C.js";
import "../chunk-QM55ITZM.js";
import "../chunk-KJC4RAC6.js";
import "../chunk-UGEQL673.js";
import "../chunk-DWRPAFQN.js";
import "../chunk-OE7B3VBQ.js";
import {
  run
} from "../chunk-FICZPKZY.js";
import "../chunk-NXMBWKMU.js";
import "../chunk-W6HOR4GN.js";
import "../chunk-FBHQ5Z43.js";
import "../chunk-W2G25LU4.js";
import "../chunk-NWO6NEV3.js";
import "../chunk-4DY4I6IR.js";
import "../chunk-GZLA4OOC.js";
import "../chunk-PYGBLZYJ.js";
import "../chunk-VIOANQAD.js";
import "../chunk-TKECL2ZH.js";
import "../chunk-BNGWBFWW.js";
import "../chunk-ZXXCDJFI.js";
import "../chunk-KITCKQRO.js";
import "../chunk-TITWDC23.js";
import "../chunk-OU6JOUIS.js";
import "../chunk-LGQWCH7A.js";
import "../chunk-BL3W4XIE.js";
import "../chunk-QEBGBBCI.js";
import "../chunk-WR3QQRH3.js";
import "../chunk-PIEFKR7I.js";
import "../chunk-XC7MPS2P.js";
import {
  sampleEvents
} from "../chunk-PTL6NYNQ.js";
import "../chunk-53IJUODJ.js";
import "../chunk-D6KRNQUS.js";
import "../chunk-DGXFOAQC.js";
import "../chunk-GJN24UZD.js";
import "../chunk-S7F6MS65.js";
import "../chunk-UZ5IPIWX.js";
import "../chunk-KL3522I4.js";
import "../chunk-QVZ4RX7Q.js";
import "../chunk-BLAVQB6S.js";
import "../chunk-RXQEFNT4.js";
import "../chunk-XA52K7QX.js";
import "../chunk-35ENZBND.js";
import "../chunk-ZIERCETT.js";
import {
  variablesHelp
} from "../chunk-QVWHMW6S.js";
import {
  SECTIONS
} from "../chunk-RSNPQ7RP.js";
import "../chunk-3KHFPC5P.js";
import "../chunk-XX2QXVV5.js";
import "../chunk-WLLQFX4B.js";
import "../chunk-JPEX5SPN.js";
import {
  ORDERS_SPEC
} from "../chunk-DGTVI5YT.js";
import "../chunk-6NKXPVZU.js";
import "../chunk-CLQZY57A.js";
import "../chunk-A5KJPO3G.js";
import "../chunk-CDQ2KRLW.js";
import "../chunk-6JEHCNW6.js";
import "../chunk-R6P75VNJ.js";
import {
  createLogger
} from "../chunk-KXDMV5BO.js";
import "../chunk-54DXXXXG.js";
import "../chunk-RGOYJG2Y.js";
import "../chunk-EPKFPIWO.js";
import "../chunk-KKZN6CSE.js";
import "../chunk-OH6I472K.js";
import "../chunk-MWQGDSM6.js";
import "../chunk-TVFHEO26.js";
import "../chunk-NDIGE3PA.js";
import "../chunk-TH4FY7UR.js";
import "../chunk-XAGLG5OY.js";
import "../chunk-JJ6JF4DP.js";
import {
  SluiceError
} from "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";

// src/commands/demo.ts
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
var TOPIC = "cdc_orders";
var MAX_EVENTS = 1e7;
var MAX_AHEAD_EVENTS = 4e4;
var BLOCK_EVENTS = 2e3;
var WAIT_MS = 10;
var QUERIES = [
  {
    title: "Orders by status",
    sql: `SELECT status, count(*) AS orders, count(*) FILTER (WHERE is_high_value) AS high_value, max(amount) AS largest
FROM orders GROUP BY status ORDER BY orders DESC`
  },
  {
    title: "What was refused, and why",
    sql: `SELECT reason, count(*) AS messages, min(octet_length(value)) AS shortest, max(octet_length(value)) AS longest
FROM sluice.quarantine GROUP BY reason ORDER BY messages DESC`
  },
  {
    title: "The ledger",
    sql: `SELECT partition_id, count(*) AS batches, sum(rows_consumed) AS consumed, sum(rows_merged) AS merged,
  sum(rows_duplicate) AS duplicate, sum(rows_quarantined) AS quarantined, sum(rows_tombstone) AS tombstones
FROM sluice.batches GROUP BY partition_id ORDER BY partition_id`
  }
];
function addDemoCommand(program, { environment, stopSignal, stdout }) {
  program.command("demo").description("run the whole pipeline on sample events and an embedded Kafka, and show what it did").addHelpText(
    "after",
    variablesHelp(
      SECTIONS.consumer.pick({ reader: true }),
      SECTIONS.worker,
      SECTIONS.pipeline,
      SECTIONS.storage,
      SECTIONS.parquet,
      SECTIONS.compaction,
      SECTIONS.duckdb,
      SECTIONS.process,
      SECTIONS.log
    )
  ).option("--events <n>", "how many events", "100000").action(async ({ events }) => {
    const write = (piece) => stdout.write(piece);
    await demo(environment().config, { events: Number(events), signal: stopSignal(), write });
  });
}
async function demo(base, { events, signal, write }) {
  if (!Number.isInteger(events) || events < 1 || events > MAX_EVENTS) {
    throw new SluiceError("SLUICE_CONFIG", `--events must be a whole number from 1 to ${MAX_EVENTS}`);
  }
  const dataDir = join(base.dataDir, "demo");
  await rm(dataDir, { recursive: true, force: true });
  const kafka = await EmbeddedKafka.start(TOPIC);
  await write(`An embedded Kafka listens on ${kafka.brokers}; the topic ${TOPIC} has 4 partitions.
`);
  const config = {
    ...base,
    dataDir,
    spec: ORDERS_SPEC,
    metrics: { port: 0, graceMs: 0 },
    kafka: {
      ...base.kafka,
      brokers: kafka.brokers,
      topic: TOPIC,
      startFrom: "earliest",
      hasController: false,
      properties: {}
    }
  };
  const summary = await consumeSamples(kafka, config, events, signal);
  await kafka.stop();
  await write(describeRun(summary, summary.seconds));
  for (const { title, sql } of QUERIES) {
    await write(`
${title}

${sql}

`);
    await query({ ...config, sql, format: "table", write });
  }
  await write("\nDoes it all agree?\n\n");
  const log = createLogger({ ...config.log, level: "warn" });
  if (!await verify(config, { kafka: false, log, write }))
    throw new SluiceError("SLUICE_SINK", "the result of the demo is wrong: see the checks above");
  await write(
    `
Look around:
  DATA_DIR=${dataDir} node dist/cli.js query "FROM orders LIMIT 10"
  find ${dataDir} -name '*.parquet'
`
  );
}
async function consumeSamples(kafka, config, events, signal) {
  const stop = new AbortController();
  signal.addEventListener("abort", () => stop.abort(), { once: true });
  let totals;
  const log = createLogger({ ...config.log, level: "warn" });
  const consumed = run(config, log, {
    untilEnd: false,
    onLostOffsets: "fail",
    signal: stop.signal,
    terminal: void 0,
    onStart: (pipeline) => {
      totals = pipeline.status().totals;
    }
  });
  consumed.catch(() => stop.abort());
  let produced = 0;
  for (const { key, value } of sampleEvents(events, Date.now())) {
    kafka.produce(TOPIC, key, value);
    produced++;
    while (produced % BLOCK_EVENTS === 0 && produced - (totals?.events ?? 0) >= MAX_AHEAD_EVENTS && !stop.signal.aborted) {
      await sleep(WAIT_MS);
    }
    if (stop.signal.aborted) break;
  }
  await kafka.flush();
  while ((totals?.events ?? 0) < produced && !stop.signal.aborted) await sleep(WAIT_MS);
  stop.abort();
  return consumed;
}
function describeRun(totals, seconds) {
  const n = (value) => value.toLocaleString("en-US");
  return [
    `Consumed ${n(totals.events)} events (${n(Math.round(totals.bytes / 1024))} KiB) in ${seconds.toFixed(1)} s,`,
    `in ${n(totals.batches)} batches and ${n(totals.commits)} transactions:`,
    `  ${n(totals.merged)} rows merged into DuckDB`,
    `  ${n(totals.merged + totals.duplicate)} rows in Parquet (${n(totals.highValue)} of high value)`,
    `  ${n(totals.duplicate)} duplicates of a change that was there already`,
    `  ${n(totals.quarantined)} messages quarantined`,
    `  ${n(totals.tombstone)} tombstones`,
    ""
  ].join("\n");
}
export {
  addDemoCommand,
  demo
};
//# sourceMappingURL=demo.js.map
