/** Which quarantined messages `quarantine` and `replay` mean. */
import { InvalidArgumentError, Option } from 'commander';
import { STATUSES } from '../core/flow.js';
import { literal } from '../core/sql.js';

/** In front of the name of an expectation. */
const EXPECTATION = 'expectation:';
const REASONS = STATUSES.filter((status) => status !== 'ok' && status !== 'tombstone');

export interface QuarantineFilter {
  readonly reason?: string | undefined;
  /** Of the message's timestamp in Kafka: milliseconds since the epoch. */
  readonly since?: number | undefined;
}

export function reasonOption(): Option {
  const known = [...REASONS, `${EXPECTATION}NAME`].join(', ');
  return new Option('--reason <reason>', `only those with this reason (${known})`).argParser((reason: string) => {
    if (REASONS.some((each) => each === reason) || /^expectation:[a-z0-9_]+$/.test(reason)) return reason;
    throw new InvalidArgumentError(`Allowed choices are ${known}.`);
  });
}

export function sinceOption(): Option {
  return new Option(
    '--since <when>',
    'only those from then on, by the time in Kafka: 2026-11-29T10:00Z, or 90m, 2h, 7d',
  ).argParser((text: string) => parseSince(text, Date.now()));
}

const UNITS_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** @returns milliseconds since the epoch. @throws InvalidArgumentError if it is neither a time nor so long ago */
export function parseSince(text: string, nowMs: number): number {
  const [, count, unit] = /^(\d+)([mhd])$/.exec(text) ?? [];
  if (count !== undefined) return nowMs - Number(count) * UNITS_MS[unit];
  // A time without a zone would be that of the machine.
  const time = /^\d{4}-\d{2}-\d{2}(T.*)?$/.test(text) ? Date.parse(withZone(text)) : Number.NaN;
  if (Number.isNaN(time)) throw new InvalidArgumentError('it is no time such as 2026-11-29T10:00Z, nor 90m, 2h or 7d');
  return time;
}

function withZone(text: string): string {
  return !text.includes('T') || /(Z|[+-]\d{2}:?\d{2})$/i.test(text) ? text : `${text}Z`;
}

/** Of all expectations, or of one. */
function isReason(reason: string): string {
  return reason === 'expectation' ? `starts_with(reason, '${EXPECTATION}')` : `reason = ${literal(reason)}`;
}

/** SQL: whether a row of `sluice.quarantine` is meant. A message without a time is not from any time on. */
export function quarantineCondition({ reason, since }: QuarantineFilter): string {
  const conditions = [
    ...(reason === undefined ? [] : [isReason(reason)]),
    ...(since === undefined ? [] : [`kafka_timestamp >= make_timestamptz(${since * 1000})`]),
  ];
  return conditions.length === 0 ? 'true' : conditions.join(' AND ');
}
