/** Structured logs on stderr: stdout belongs to results. */
import pino, { type Logger } from 'pino';
import pretty from 'pino-pretty';
import type { RemovedFile } from './flow.js';

export type { Logger };

export interface LogOptions {
  readonly level: string;
  readonly format: 'pretty' | 'json';
}

const STDERR = 2;

/** A logger that writes synchronously, so that the last line before an exit is never lost. */
export function createLogger(options: LogOptions): Logger {
  const settings = { level: options.level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime };
  if (options.format === 'pretty') {
    return pino(
      settings,
      pretty({ destination: STDERR, sync: true, ignore: 'pid,hostname', translateTime: 'HH:MM:ss.l' }),
    );
  }
  return pino(settings, pino.destination({ dest: STDERR, sync: true }));
}

/** A line for each file that was removed when the sink was opened: its thread has no logger. */
export function logRemoved(log: Logger, removed: readonly RemovedFile[]): void {
  for (const { file, why } of removed) log.warn({ file, why }, `removed ${file}: ${why}`);
}
