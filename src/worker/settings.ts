/** The settings of the worker threads and of the flags that they compute. */
import { availableParallelism } from 'node:os';
import * as z from 'zod';
import { integer, type Settings, setting, text } from '../core/settings.js';

const CENTURY_MS = 36_500 * 86_400_000;

export const workerSettings = z.object({
  workers: setting(
    'WORKERS',
    'worker threads, at least 1',
    integer(1, 256).prefault(() => String(Math.max(1, availableParallelism() - 1))),
    'cores − 1',
  ),
  /** Decimal text: amounts are never floating point. */
  highValueThreshold: setting(
    'HIGH_VALUE_THRESHOLD',
    '`is_high_value` is amount > this',
    text(/^\d{1,14}(\.\d{1,4})?$/, 'must be an amount from 0 to 99999999999999.9999, such as 1000 or 999.99').prefault(
      '1000',
    ),
  ),
  lateAfterMs: setting(
    'LATE_AFTER_MS',
    '`is_late` is event time < Kafka timestamp − this',
    integer(0, CENTURY_MS).prefault('600000'),
  ),
});

export type WorkerSettings = Settings<typeof workerSettings>;
