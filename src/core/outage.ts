/** Failures of what a process works with over a network: a catalog in Postgres, an object store. */
import { SluiceError, sinkError } from './errors.js';

/** Longer than a restart or a failover of a managed Postgres takes. After it, whoever watches the process decides. */
const OUTAGE_PATIENCE_MS = 600_000;

/** Errors of DuckDB's that no waiting mends, by the names that they begin with. */
const FOR_GOOD = new RegExp(
  '^(Binder|Parser|Syntax|Catalog|Constraint|Conversion|Dependency|FATAL|INTERNAL|Not implemented|Out of Memory|' +
    'Out of Range|Permission|Sequence) Error',
  'i',
);
/** What they may say besides, if that is so because the server went away. */
const GONE = /server closed the connection|connection to server|terminating connection|SSL (connection|SYSCALL)/i;
/** What a server answers to requests that it will never serve. */
const REFUSED = new RegExp(
  'HTTP (code )?(400|401|403|404)|NoSuchBucket|AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|' +
    'permission denied|password authentication',
  'i',
);
const OF_SERVER = /postgres|Failed to execute query|s3:\/\/|HTTP/i;

/** A failure that is worth waiting for if it can pass: servers come back. */
export function outageError(thrown: unknown, context: string): SluiceError {
  const error = lakeError(thrown, context);
  const message = messageOf(thrown);
  if (error.code !== 'SLUICE_LAKE' || REFUSED.test(message)) return error;
  if (FOR_GOOD.test(message) && !GONE.test(message)) return error;
  return new SluiceError(error.code, error.message, { cause: thrown, patienceMs: OUTAGE_PATIENCE_MS });
}

/** A failure that is the lake's, unless it is one of a disk. */
export function lakeError(thrown: unknown, context: string): SluiceError {
  if (thrown instanceof SluiceError) return thrown;
  const error = sinkError(thrown, context);
  if (error.code === 'SLUICE_DATA_DIR' && !OF_SERVER.test(messageOf(thrown))) return error;
  // What Postgres or its client said, if it is that, without what DuckDB tried to do around it.
  const [message] = /connection to server (at )?.*/.exec(messageOf(thrown)) ?? messageOf(thrown).split('\n');
  return new SluiceError('SLUICE_LAKE', `${context}: ${message}`, { cause: thrown });
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
