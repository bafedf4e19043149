/** How a long run shows progress: one line that renews itself on a terminal, else one log line per interval. */
import type { Logger } from '../core/log.js';
import type { Output } from '../core/output.js';
import type { PipelineStatus } from './status.js';

const TERMINAL_INTERVAL_MS = 1000;
const LOG_INTERVAL_MS = 10_000;

export interface ProgressOptions {
  /** Where the line goes, when it is a terminal. */
  readonly terminal: Pick<Output, 'writeLater'> | undefined;
  readonly log: Logger;
}

/** Reports until the returned function is called. */
export function reportProgress(status: () => PipelineStatus, { terminal, log }: ProgressOptions): () => void {
  let lastEvents = 0;
  let lastMs = performance.now();
  const timer = setInterval(
    () => {
      const nowMs = performance.now();
      const { totals, lag, inFlightBatches } = status();
      const { events, merged, quarantined } = totals;
      const eventsPerSecond = Math.round(((events - lastEvents) * 1e3) / (nowMs - lastMs));
      lastEvents = events;
      lastMs = nowMs;
      if (terminal === undefined) {
        log.info({ events, eventsPerSecond, merged, quarantined, lag, inFlightBatches }, 'progress');
        return;
      }
      const count = (value: number) => value.toLocaleString('en-US');
      terminal.writeLater(
        `\r\u001b[K${count(events)} events  ${count(eventsPerSecond)}/s  ${count(merged)} merged  ` +
          `${count(quarantined)} quarantined  lag ${count(lag)}  ${inFlightBatches} batches in flight`,
      );
    },
    terminal === undefined ? LOG_INTERVAL_MS : TERMINAL_INTERVAL_MS,
  );
  return () => {
    clearInterval(timer);
    terminal?.writeLater('\r\u001b[K');
  };
}
