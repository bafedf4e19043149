/** The settings of Parquet files. */
import * as z from 'zod';
import { oneOf, type Settings, setting } from '../core/settings.js';

export const parquetSettings = z.object({
  parquetWriter: setting(
    'PARQUET_WRITER',
    'what workers write Parquet files with, `duckdb` or `parquet-wasm`; each start may use another',
    oneOf(['duckdb', 'parquet-wasm']).prefault('duckdb'),
  ),
  compression: setting(
    'PARQUET_COMPRESSION',
    '`zstd`, `snappy`, `lz4` or `none`',
    oneOf(['zstd', 'snappy', 'lz4', 'none']).prefault('zstd'),
  ),
});

export type ParquetSettings = Settings<typeof parquetSettings>;
