/** Structured logs on stderr: stdout belongs to results. */
import { writeSync } from 'node:fs';
import pino, { type DestinationStream, type Logger, type LoggerOptions } from 'pino';
import { prettyFactory } from 'pino-pretty';
import * as z from 'zod';
import type { RemovedFile } from './flow.js';
import { RepeatedLines } from './repeated-lines.js';
import { oneOf, type Settings, setting } from './settings.js';

export type { Logger };

export const logSettings = z.object({
  level: setting(
    'LOG_LEVEL',
    '`trace` to `fatal`, or `silent`',
    oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).prefault('info'),
  ),
  format: setting(
    'LOG_FORMAT',
    'logs go to stderr',
    oneOf(['pretty', 'json']).optional(),
    '`pretty` on a terminal, else `json`',
  ),
});

/** A log's settings, with its format decided. */
export type LogOptions = {
  readonly [K in keyof Settings<typeof logSettings>]: NonNullable<Settings<typeof logSettings>[K]>;
};

const STDERR = 2;
/** How long to wait before a reader that has no room is tried again. */
const RETRY_MS = 10;

/**
 * A logger that writes synchronously, so that the last line before an exit is never lost. Equal warnings are counted:
 * `flush` logs how many there were.
 * @param beforeLine clears what else stands on the terminal
 */
export function createLogger(
  options: LogOptions,
  lines: Pick<LineWriter, 'write'> = new LineWriter(STDERR),
  beforeLine = () => {},
): Logger {
  const repeated = new RepeatedLines();
  const settings = {
    level: options.level,
    base: undefined,
    timestamp: pino.stdTimeFunctions.isoTime,
    hooks: { logMethod: countRepeated(repeated) },
  };
  const pretty = prettyFactory({ ignore: 'pid,hostname', translateTime: 'HH:MM:ss.l' });
  const form = options.format === 'json' ? (line: string) => line : pretty;
  return pino(settings, {
    write: (line) => {
      beforeLine();
      lines.write(form(line));
    },
    flush: (done?: () => void) => {
      repeated.flush();
      done?.();
    },
  } as DestinationStream);
}

function countRepeated(repeated: RepeatedLines): NonNullable<LoggerOptions['hooks']>['logMethod'] {
  return function logMethod(args, method, level) {
    const [first, second] = args as unknown[];
    const fields = typeof first === 'object' && first !== null ? first : {};
    const message = String(fields === first ? second : first);
    const again = (more: object) => method.apply(this, [{ ...fields, ...more }, message]);
    if (level !== pino.levels.values.warn || repeated.isFirst(message, fields, again)) method.apply(this, args);
  };
}

/**
 * Writes each line before it returns, and waits for a reader that has no room. A line that cannot be written is lost:
 * a run must not end, nor hang, because the reader of its log is gone or the log's disk is full.
 */
class LineWriter {
  readonly #descriptor: number;
  readonly #pause = new Int32Array(new SharedArrayBuffer(4));
  /** Whether a part of the last line is missing: the next one begins on a line of its own. */
  #isCut = false;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  write(line: string): void {
    const bytes = Buffer.from(this.#isCut ? `\n${line}` : line);
    let written = 0;
    while (written < bytes.length) {
      try {
        written += writeSync(this.#descriptor, bytes, written);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') break;
        Atomics.wait(this.#pause, 0, 0, RETRY_MS);
      }
    }
    if (written > 0) this.#isCut = written < bytes.length;
  }
}

/** A line for each file that the sink removed: its thread has no logger. */
export function logRemoved(log: Logger, removed: readonly RemovedFile[]): void {
  for (const { file, why } of removed) log.warn({ file, why }, `removed ${file}: ${why}`);
}
