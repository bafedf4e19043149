import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  Monitor
} from "../chunk-S7F6MS65.js";
import "../chunk-UZ5IPIWX.js";
import {
  Option
} from "../chunk-KL3522I4.js";
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
import "../chunk-DGTVI5YT.js";
import "../chunk-6NKXPVZU.js";
import "../chunk-CLQZY57A.js";
import "../chunk-A5KJPO3G.js";
import "../chunk-CDQ2KRLW.js";
import "../chunk-6JEHCNW6.js";
import "../chunk-R6P75VNJ.js";
import "../chunk-KXDMV5BO.js";
import {
  CaptureMetrics
} from "../chunk-SIV4BNGZ.js";
import "../chunk-54DXXXXG.js";
import "../chunk-RGOYJG2Y.js";
import {
  Capture
} from "../chunk-3FEEDKR5.js";
import "../chunk-BW2NHP6B.js";
import {
  CheckpointReader
} from "../chunk-NJMXBEVA.js";
import {
  checkSole,
  claimed,
  transactionalId
} from "../chunk-JHJ5UGGO.js";
import {
  GroupWriter,
  oversizeTopic
} from "../chunk-YYA2DCM7.js";
import {
  TRANSACTION_TIMEOUT_MS,
  TransactionalProducer
} from "../chunk-HVOLTKYR.js";
import "../chunk-KKZN6CSE.js";
import {
  CapturedCollection
} from "../chunk-6HJ324J6.js";
import "../chunk-TEA7FTBU.js";
import "../chunk-Y3JUF4HW.js";
import "../chunk-64UPU5I7.js";
import "../chunk-SYKV6E3L.js";
import "../chunk-NS7YMOSL.js";
import "../chunk-SC3AT35C.js";
import "../chunk-TFZU5VFI.js";
import "../chunk-R4PP75HT.js";
import "../chunk-OH6I472K.js";
import "../chunk-MWQGDSM6.js";
import {
  PROPERTIES_TEXT
} from "../chunk-TVFHEO26.js";
import "../chunk-NDIGE3PA.js";
import "../chunk-TH4FY7UR.js";
import "../chunk-XAGLG5OY.js";
import {
  CHECKPOINT_TOPIC_CONFIG,
  checkpointTopic,
  createTopics
} from "../chunk-FVICLPMY.js";
import "../chunk-JJ6JF4DP.js";
import {
  SluiceError
} from "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";

// src/commands/capture.ts
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
function addCaptureCommand(program, { environment, stopSignal }) {
  program.command("capture").description("write a MongoDB collection's changes to the topic, exactly once").addHelpText(
    "after",
    variablesHelp(
      SECTIONS.kafka,
      PROPERTIES_TEXT,
      SECTIONS.capture,
      SECTIONS.process.pick({ shutdownGraceMs: true }),
      SECTIONS.metrics,
      SECTIONS.log
    )
  ).addOption(
    new Option("--snapshot <when>", "read the whole collection: where nothing was captured yet, never, or now").choices(["initial", "never", "always"]).default("initial")
  ).addOption(
    new Option("--on-lost-history <how>", "what to do when changes are no longer in the oplog").choices(["fail", "snapshot", "gap"]).default("fail")
  ).option(
    "--replaces <database.collection>",
    "take over the topic from another collection, by a snapshot of this one"
  ).action(async (choices) => {
    const { config, log } = environment();
    await capture(config, log, choices, stopSignal());
  });
}
async function capture(config, log, choices, signal) {
  const { brokers, topic, properties } = config.kafka;
  const { uri, database, collection, maxMessageBytes } = config.capture;
  const metrics = new CaptureMetrics();
  const source = await CapturedCollection.connect({ uri, database, collection }, log);
  let checkpoints;
  let producer;
  let monitor;
  let following;
  const work = async () => {
    await checkImages(config, source, log);
    const options = { ...config.capture, replaces: void 0, ...choices, topic, source: source.name };
    const stallTimeoutMs = 2 * Number(properties["transaction.timeout.ms"] ?? TRANSACTION_TIMEOUT_MS);
    checkpoints = await CheckpointReader.connect(
      { brokers, topic, source: source.name, properties, stallTimeoutMs },
      log
    );
    checkSole(await checkpoints.read("committed"), options);
    const producerOptions = { brokers, maxMessageBytes, properties };
    const id = transactionalId(source.name, topic);
    producer = await TransactionalProducer.connect({ ...producerOptions, transactionalId: id }, log);
    const writerOptions = { ...options, partitions: await producer.partitionCount(topic) };
    await createTopics({ brokers, properties }, [
      { name: checkpointTopic(topic), config: CHECKPOINT_TOPIC_CONFIG },
      { name: oversizeTopic(topic), config: {} }
    ]);
    const known = await checkpoints.read("everything");
    const claimOptions = { ...writerOptions, producer: producerOptions };
    const record = await claimed(known, claimOptions, { source, checkpoints, metrics, log });
    await checkpoints.close();
    checkpoints = void 0;
    const writer = new GroupWriter(writerOptions, { producer, metrics, log }, record);
    const made = new Capture(options, { source, writer, metrics, log });
    following = made;
    const health = () => ({ problem: made.problem(), ready: true });
    monitor = await Monitor.open({ ...config.metrics, signal }, { metrics, health, refresh: () => {
    } });
    await made.run();
  };
  try {
    await Promise.race([work(), graceOver(signal, () => following, config.shutdownGraceMs, log)]);
  } catch (thrown) {
    monitor?.fail(thrown);
    throw thrown;
  } finally {
    await Promise.allSettled([checkpoints?.close(), producer?.close(), source.close()]);
    await monitor?.close(log);
  }
}
async function graceOver(signal, following, graceMs, log) {
  if (!signal.aborted) await once(signal, "abort");
  const running = following();
  if (running === void 0) return;
  running.stop();
  await sleep(graceMs, void 0, { ref: false });
  log.warn("the grace period is over: what is in flight is dropped and will be captured again");
}
async function checkImages({ capture: { orderIdPath, fullDocument } }, source, log) {
  if (orderIdPath === void 0 && fullDocument === "updateLookup" || await source.keepsImages()) return;
  const [, ...collection] = source.name.split(".");
  const lack = `${source.name} does not keep documents as they were before and after a change`;
  const remedy = `run db.runCommand({ collMod: ${JSON.stringify(collection.join("."))}, changeStreamPreAndPostImages: { enabled: true } })`;
  if (orderIdPath !== void 0) {
    const message = `ORDER_ID_PATH=${orderIdPath}: ${lack}, without which a deleted order never vanishes; ${remedy}`;
    throw new SluiceError("SLUICE_CONFIG", message);
  }
  if (fullDocument === "required") throw new SluiceError("SLUICE_CONFIG", `FULL_DOCUMENT=required: ${lack}; ${remedy}`);
  log.warn(`FULL_DOCUMENT=${fullDocument}: ${lack}: they are looked up as they are when the change is read; ${remedy}`);
}
export {
  addCaptureCommand,
  capture
};
//# sourceMappingURL=capture.js.map
