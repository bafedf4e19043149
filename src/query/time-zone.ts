/** Instants as DuckDB prints them: in the time zone of the query, each with the offset that the zone had then. */
import { DuckDBTimestampValue } from '@duckdb/node-api';
import { SluiceError } from '../core/errors.js';

/** Offsets change at full quarters of an hour, or are cheap to find again. */
const STEP_MICROS = 900_000_000n;
/** Beyond what Date can say, the offset is that of 400 years earlier or later, when the calendar is the same. */
const LAST_MS = 8_640_000_000_000_000n;
const CYCLE_MS = 146_097n * 86_400_000n;
const CACHED_STEPS = 100_000;

const formats = new Map<string, Intl.DateTimeFormat>();
const offsets = new Map<string, number>();

/** @throws SluiceError SLUICE_QUERY if there is no such zone */
export function checkTimeZone(timeZone: string): void {
  try {
    format(timeZone);
  } catch (cause) {
    const message = `the time zone ${timeZone} is not known: give a name such as UTC or America/New_York`;
    throw new SluiceError('SLUICE_QUERY', message, { cause });
  }
}

/** @param micros since the epoch */
export function timestampText(micros: bigint, timeZone: string): string {
  const utc = new DuckDBTimestampValue(micros);
  if (!utc.isFinite) return utc.toString();
  const seconds = offsetSeconds(micros, timeZone);
  return withOffset(new DuckDBTimestampValue(micros + BigInt(seconds) * 1_000_000n).toString(), offsetText(seconds));
}

/** `44-03-15 12:00:00 (BC)` has its offset before the era. */
function withOffset(text: string, offset: string): string {
  return text.endsWith(' (BC)') ? `${text.slice(0, -' (BC)'.length)}${offset} (BC)` : `${text}${offset}`;
}

/** `+00`, `-04`, `+05:45`; DuckDB leaves out the seconds that zones had before there was standard time. */
function offsetText(seconds: number): string {
  const two = (number: number) => String(number).padStart(2, '0');
  const size = Math.abs(seconds);
  const [hours, minutes] = [Math.floor(size / 3600), Math.floor(size / 60) % 60];
  return `${seconds < 0 ? '-' : '+'}${two(hours)}${minutes > 0 ? `:${two(minutes)}` : ''}`;
}

function offsetSeconds(micros: bigint, timeZone: string): number {
  if (timeZone === 'UTC') return 0;
  const step = micros / STEP_MICROS - (micros % STEP_MICROS < 0n ? 1n : 0n);
  const name = `${timeZone} ${step}`;
  let seconds = offsets.get(name);
  if (seconds === undefined) {
    if (offsets.size === CACHED_STEPS) offsets.clear();
    seconds = findOffset((step * STEP_MICROS) / 1000n, timeZone);
    offsets.set(name, seconds);
  }
  return seconds;
}

function findOffset(milliseconds: bigint, timeZone: string): number {
  let bounded = milliseconds;
  while (bounded > LAST_MS) bounded -= CYCLE_MS;
  while (bounded < -LAST_MS) bounded += CYCLE_MS;
  const name = format(timeZone)
    .formatToParts(Number(bounded))
    .find(({ type }) => type === 'timeZoneName')?.value;
  const [, sign, hours, minutes, seconds] = /^GMT([+\-−])(\d+):(\d+)(?::(\d+))?$/.exec(name ?? '') ?? [];
  if (sign === undefined) return 0;
  const size = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds ?? 0);
  return sign === '+' ? size : -size;
}

function format(timeZone: string): Intl.DateTimeFormat {
  let known = formats.get(timeZone);
  if (known === undefined) {
    known = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
    formats.set(timeZone, known);
  }
  return known;
}
