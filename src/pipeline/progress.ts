/** How a long run shows progress: one line that renews itself on a terminal, else one log line per interval. */
import type { Logger } from '../core/log.js';
import type { Output } from '../core/output.js';
import type { PipelineStatus } from './status.js';

const TERMINAL_INTERVAL_MS = 1000;
const LOG_INTERVAL_MS = 10_000;
const AGED_SECONDS = 15;

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
      const { totals, lag, lagAgeSeconds, inFlightBatches } = status();
      const { events, merged, quarantined } = totals;
      const eventsPerSecond = Math.round(((events - lastEvents) * 1e3) / (nowMs - lastMs));
      lastEvents = events;
      lastMs = nowMs;
      if (terminal === undefined) {
        const lagAge = lagAgeSeconds === undefined ? undefined : Math.round(lagAgeSeconds);
        const counts = { events, eventsPerSecond, merged, quarantined, lag, lagAgeSeconds: lagAge, inFlightBatches };
        log.info(counts, 'progress');
        return;
      }
      const count = (value: number) => value.toLocaleString('en-US');
      terminal.writeLater(
        `\r\u001b[K${count(events)} events  ${count(eventsPerSecond)}/s  ${count(merged)} merged  ` +
          `${count(quarantined)} quarantined  lag ${count(lag)}${agedBy(lagAgeSeconds)}  ` +
          `${inFlightBatches} batches in flight`,
      );
    },
    terminal === undefined ? LOG_INTERVAL_MS : TERMINAL_INTERVAL_MS,
  );
  return () => {
    clearInterval(timer);
    terminal?.writeLater('\r\u001b[K');
  };
}

/** Since when the lag is not known anew, once that is longer than usual. */
function agedBy(seconds: number | undefined): string {
  return seconds === undefined || seconds < AGED_SECONDS ? '' : ` as of ${Math.round(seconds)} s ago`;
}
