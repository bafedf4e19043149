import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);

// src/pipeline/progress.ts
var TERMINAL_INTERVAL_MS = 1e3;
var LOG_INTERVAL_MS = 1e4;
function reportProgress(status, { terminal, log }) {
  let lastEvents = 0;
  let lastMs = performance.now();
  const timer = setInterval(
    () => {
      const nowMs = performance.now();
      const { totals, lag, inFlightBatches } = status();
      const { events, merged, quarantined } = totals;
      const eventsPerSecond = Math.round((events - lastEvents) * 1e3 / (nowMs - lastMs));
      lastEvents = events;
      lastMs = nowMs;
      if (terminal === void 0) {
        log.info({ events, eventsPerSecond, merged, quarantined, lag, inFlightBatches }, "progress");
        return;
      }
      const count = (value) => value.toLocaleString("en-US");
      terminal.writeLater(
        `\r\x1B[K${count(events)} events  ${count(eventsPerSecond)}/s  ${count(merged)} merged  ${count(quarantined)} quarantined  lag ${count(lag)}  ${inFlightBatches} batches in flight`
      );
    },
    terminal === void 0 ? LOG_INTERVAL_MS : TERMINAL_INTERVAL_MS
  );
  return () => {
    clearInterval(timer);
    terminal?.writeLater("\r\x1B[K");
  };
}

export {
  reportProgress
};
//# sourceMappingURL=chunk-VIOANQAD.js.map
