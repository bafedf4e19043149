import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  GroupWriter
} from "./chunk-YYA2DCM7.js";
import {
  TransactionalProducer
} from "./chunk-HVOLTKYR.js";
import {
  timeAfter
} from "./chunk-6HJ324J6.js";
import {
  SluiceError,
  assert
} from "./chunk-OOJGYMCI.js";

// src/capture/claim.ts
function transactionalId(source, topic) {
  return `${source}.${topic}`;
}
function checkSole({ others }, { topic, source, replaces }) {
  const strangers = others.filter((other) => other !== replaces);
  if (strangers.length === 0) return;
  throw new SluiceError(
    "SLUICE_CONFIG",
    `the topic ${topic} has the changes of ${strangers.join(" and ")}, this capture is of ${source}, and a topic has one collection: set another KAFKA_TOPIC; or, if ${source} takes the position of ${strangers[0]}, as after a rename, start "sluice capture --replaces ${strangers[0]}" once`
  );
}
async function claimed(known, options, parts) {
  const { topic, replaces } = options;
  checkSole(known, options);
  if (known.record !== void 0 && known.others.length === 0) return known.record;
  const replaced = known.others[0];
  const id = replaced === void 0 ? claimId(topic) : transactionalId(replaced, topic);
  const producer = await TransactionalProducer.connect({ ...options.producer, transactionalId: id }, parts.log);
  try {
    const now = await parts.checkpoints.read("everything");
    checkSole(now, options);
    if (now.others[0] !== replaced) {
      throw new SluiceError("SLUICE_FENCED", `the topic ${topic} passed to or from ${replaces} meanwhile: start again`);
    }
    if (now.record !== void 0 && replaced === void 0) return now.record;
    return await firstRecord(new GroupWriter(options, { ...parts, producer }, void 0), now.others, options, parts);
  } finally {
    await producer.close();
  }
}
function claimId(topic) {
  return `sluice-capture/${topic}`;
}
async function firstRecord(writer, replaced, { snapshot }, { source }) {
  const time = await source.operationTime();
  writer.addTombstones(replaced);
  if (snapshot === "never" && replaced.length === 0) {
    await writer.write({ version: 1, token: null, clusterTime: timeAfter(time) });
  } else await writer.beginSnapshot(time);
  await writer.settled();
  const { record } = writer;
  assert(record !== void 0, "what was written is known");
  return record;
}

export {
  transactionalId,
  checkSole,
  claimed
};
//# sourceMappingURL=chunk-JHJ5UGGO.js.map
