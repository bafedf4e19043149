/** The settings of the metrics server. */
import * as z from 'zod';
import { integer, setting } from '../core/settings.js';

export const metricsSettings = z.object({
  port: setting(
    'METRICS_PORT',
    'of health, metrics and the page; `0` turns them off',
    integer(0, 65_535).prefault('9464'),
  ),
  graceMs: setting(
    'METRICS_GRACE_MS',
    'how long a failure is shown before the process ends, so that it is scraped; at least a scrape interval',
    integer(0, 600_000).prefault('15000'),
  ),
});
