/** What a long run says of its progress: a line on a terminal, else one log line per interval. */
import type { Logger } from '../core/log.js';
import { inThousands as count, type Progress, rateOf } from '../core/progress-line.js';
import type { PipelineStatus } from './status.js';

const LOG_INTERVAL_MS = 10_000;
const AGED_SECONDS = 15;

export function runProgress(status: () => PipelineStatus, log: Logger): Progress {
  const rate = rateOf();
  const text = () => {
    const { totals, lag, lagAgeSeconds, inFlightBatches } = status();
    const { events, merged, quarantined } = totals;
    return (
      `${count(events)} events  ${count(rate(events))}/s  ${count(merged)} merged  ` +
      `${count(quarantined)} quarantined  lag ${count(lag)}${agedBy(lagAgeSeconds)}  ` +
      `${inFlightBatches} batches in flight`
    );
  };
  const report = () => {
    const { totals, lag, lagAgeSeconds, inFlightBatches } = status();
    const { events, merged, quarantined } = totals;
    const lagAge = lagAgeSeconds === undefined ? undefined : Math.round(lagAgeSeconds);
    const eventsPerSecond = rate(events);
    const counts = { events, eventsPerSecond, merged, quarantined, lag, lagAgeSeconds: lagAge, inFlightBatches };
    log.info(counts, 'progress');
  };
  return { text, elsewhere: { everyMs: LOG_INTERVAL_MS, report } };
}

/** Since when the lag is not known anew, once that is longer than usual. */
function agedBy(seconds: number | undefined): string {
  return seconds === undefined || seconds < AGED_SECONDS ? '' : ` as of ${Math.round(seconds)} s ago`;
}
