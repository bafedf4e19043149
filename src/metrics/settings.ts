/** The settings of the metrics server. */
import * as z from 'zod';
import { integer, setting } from '../core/settings.js';

export const metricsSettings = z.object({
  port: setting('METRICS_PORT', 'on 127.0.0.1; `0` turns metrics off', integer(0, 65_535).prefault('9464')),
});
