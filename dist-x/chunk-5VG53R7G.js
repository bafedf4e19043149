import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);

// src/pipeline/status.ts
var IDLE_AFTER_MS = 6e4;
var MAX_STALLED_MS = 12e4;
function partitionStatus({ number, committed, committedAtMs, uncommitted }, lateAfterMs, nowMs) {
  const { nextOffset, watermark } = committed;
  return {
    partition: number,
    position: nextOffset,
    lag: uncommitted,
    watermarkSeconds: watermark === void 0 ? void 0 : Number(watermark) / 1e6 - lateAfterMs / 1e3,
    isIdle: nowMs - committedAtMs >= IDLE_AFTER_MS
  };
}
function problemOf({ backlog, stalledMs, maxStalledMs }) {
  if (backlog === 0 || stalledMs <= maxStalledMs) return void 0;
  return `nothing was committed for ${Math.round(stalledMs / 1e3)} s, and ${backlog} messages wait`;
}
function showStatus(metrics, { partitions, inFlightBatches, chunksInUse, lagAgeSeconds }) {
  if (lagAgeSeconds !== void 0) metrics.lagAge.set(lagAgeSeconds);
  metrics.inFlightBatches.set(inFlightBatches);
  metrics.chunksInUse.set(chunksInUse);
  let lowest = Number.POSITIVE_INFINITY;
  for (const { partition, position, lag, watermarkSeconds, isIdle } of partitions) {
    metrics.position.set({ partition }, position);
    metrics.lag.set({ partition }, lag);
    if (watermarkSeconds === void 0) continue;
    metrics.watermark.set({ partition }, watermarkSeconds);
    if (!isIdle) lowest = Math.min(lowest, watermarkSeconds);
  }
  if (Number.isFinite(lowest)) metrics.pipelineWatermark.set(lowest);
}

export {
  MAX_STALLED_MS,
  partitionStatus,
  problemOf,
  showStatus
};
//# sourceMappingURL=chunk-5VG53R7G.js.map
