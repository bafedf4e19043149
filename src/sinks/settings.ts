/** Which sink there is. */
import * as z from 'zod';
import { oneOf, type Settings, setting } from '../core/settings.js';

export const sinkSettings = z.object({
  sink: setting(
    'SINK',
    'where changes go: `duckdb`, a database in DATA_DIR, or `ducklake`, a lake that many processes can share',
    oneOf(['duckdb', 'ducklake']).prefault('duckdb'),
  ),
});

export type SinkName = Settings<typeof sinkSettings>['sink'];
