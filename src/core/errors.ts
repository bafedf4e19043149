import type { ERROR_CODES } from './error-codes.js';

/** One of the closed list of operational failures. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** An operational failure: says what failed, where, and what to do; `cause` has the library's own error. */
export class SluiceError extends Error {
  override readonly name = 'SluiceError';

  /**
   * @param options `retryable`: it passes by itself, so that the same call may succeed later; default false.
   *   `patienceMs`: it is retryable, and worth to be tried again for this long; default 0, a few times
   */
  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: { cause?: unknown; retryable?: boolean; patienceMs?: number },
  ) {
    super(message, options);
    this.patienceMs = options?.patienceMs ?? 0;
    this.retryable = options?.retryable ?? this.patienceMs > 0;
  }

  readonly retryable: boolean;
  readonly patienceMs: number;

  /** The same error, of something that cannot be tried again. */
  forGood(): SluiceError {
    return new SluiceError(this.code, this.message, { cause: this.cause });
  }

  /** Errors lose their class when they cross threads: this form survives structured cloning. */
  toMessage(): SluiceErrorMessage {
    const { code, message, retryable, patienceMs } = this;
    return { code, message, retryable, patienceMs, cause: describeCause(this.cause) };
  }

  static fromMessage(sent: SluiceErrorMessage): SluiceError {
    const { code, message, retryable, patienceMs, cause } = sent;
    return new SluiceError(code, message, { cause, retryable, patienceMs });
  }
}

export interface SluiceErrorMessage {
  code: ErrorCode;
  message: string;
  retryable: boolean;
  patienceMs: number;
  cause: string | undefined;
}

/** Any thrown value as a SluiceError: itself if it is one, else under `code` and with `context` before its message. */
export function asSluiceError(thrown: unknown, code: ErrorCode, context: string): SluiceError {
  if (thrown instanceof SluiceError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new SluiceError(code, `${context}: ${message}`, { cause: thrown, retryable: isRetryable(thrown) });
}

/**
 * System errors that pass by themselves: space is freed, a file or a descriptor is given up. DuckDB's own errors are
 * none of them: it closes a database whose disk is full.
 */
const RETRYABLE: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EBUSY', 'EAGAIN', 'EMFILE', 'ENFILE']);

function isRetryable(thrown: unknown): boolean {
  return thrown instanceof Error && 'syscall' in thrown && RETRYABLE.has((thrown as NodeJS.ErrnoException).code);
}

const DISK =
  /No space left|Could not write|Cannot open file|Read-only file system|Permission denied|Disk quota|I\/O error/i;

/** What DuckDB or the file system failed with: a full or failing disk is the data directory's, all else the sink's. */
export function sinkError(thrown: unknown, context: string): SluiceError {
  const isSystemCall = thrown instanceof Error && 'syscall' in thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return asSluiceError(thrown, isSystemCall || DISK.test(message) ? 'SLUICE_DATA_DIR' : 'SLUICE_SINK', context);
}

/** What to do about a place that this process may not read or write. */
export const OWNER_OR_MODE = 'correct its owner or mode, or the mount';

/** Whether DuckDB cannot open a file because another process has it. */
export function isLocked(thrown: unknown): boolean {
  return /Could not set lock|Conflicting lock/.test((thrown as Error).message);
}

/** Whether a block of a DuckDB database does not have its checksum. */
export function isDamage(thrown: unknown): boolean {
  return /Corrupt database file/.test((thrown as Error).message);
}

/** What was thrown; DuckDB's words for a damaged block say what can be done about it. */
export function explainDamage(thrown: unknown): unknown {
  if (thrown instanceof SluiceError || !isDamage(thrown)) return thrown;
  const text = `the database is damaged, "sluice recover" says what can be done: ${(thrown as Error).message}`;
  return new SluiceError('SLUICE_SINK', text, { cause: thrown });
}

/** Whether a query failed for what it asks, or what it reads: the database is there, and other queries may work. */
export function isQueryFailure(thrown: unknown): thrown is SluiceError {
  return thrown instanceof SluiceError && (thrown.code === 'SLUICE_QUERY' || thrown.code === 'SLUICE_SINK');
}

/** Whether DuckDB had no memory left under its limit. */
export function isOutOfMemory(thrown: unknown): boolean {
  return /Out of Memory Error|failed to (pin|allocate)|could not allocate block/i.test((thrown as Error).message);
}

/** A broken invariant: a bug in Sluice, not a failure of its surroundings. Stops the process. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${message}`);
}

function describeCause(cause: unknown): string | undefined {
  if (cause === undefined) return undefined;
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}
