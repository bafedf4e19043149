/** The settings of batches, commits and what is in flight. */
import * as z from 'zod';
import { bytes, integer, MIB, type Settings, setting } from '../core/settings.js';

export const pipelineSettings = z.object({
  batchRows: setting('BATCH_ROWS', 'a batch closes at this many messages …', integer(1, 1_000_000).prefault('32768')),
  batchBytes: setting(
    'BATCH_BYTES',
    '… or this many bytes of values, whichever comes first; one larger message is a batch of its own',
    bytes(1, 256 * MIB).prefault('32MiB'),
  ),
  flushIntervalMs: setting(
    'FLUSH_INTERVAL_MS',
    'a partial batch closes after this long',
    integer(1, 3_600_000).prefault('250'),
  ),
  commitRows: setting(
    'COMMIT_ROWS',
    'rows of a transaction under backlog: more than a DuckDB row group',
    integer(1, 10_000_000).prefault('163840'),
  ),
  bufferBytes: setting(
    'BUFFER_BYTES',
    'all chunks together: the bound of what is in flight',
    bytes(4 * MIB, 64 * 1024 * MIB).prefault('256MiB'),
  ),
});

export type PipelineSettings = Settings<typeof pipelineSettings>;
