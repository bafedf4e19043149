/** The kinds of test events. A kind decides the message's status and whether its change id was there before. */
import type { Status } from '../../src/core/flow.js';

const KIND_STATUS = {
  plain: 'ok',
  /** An earlier event again, byte for byte. */
  repeat: 'ok',
  /** The change id and key of an earlier event with other content. */
  repeat_changed: 'ok',
  /** An optional field is not there. */
  missing_field: 'ok',
  /** A field is of another JSON type than the spec's. */
  mistyped_field: 'ok',
  /** An amount in one of the forms of odd-amounts.ts. */
  odd_amount: 'ok',
  /** Fields that no column takes, at the top level and under customer. */
  extra_fields: 'ok',
  /** Non-ASCII text, escapes of all sorts, a lone surrogate, escaped keys. */
  unicode: 'ok',
  /** An optional field is an empty string, object or array, or null. */
  empty_field: 'ok',
  /** event_time is an hour before the Kafka timestamp. */
  late: 'ok',
  /** The message has no key. */
  keyless: 'ok',
  tombstone: 'tombstone',
  truncated: 'malformed',
  bad_syntax: 'malformed',
  invalid_utf8: 'malformed',
  /** A value of no bytes, which is not null. */
  empty: 'malformed',
  not_object: 'not_object',
  missing_required: 'missing_required',
} as const satisfies Record<string, Status>;

export type EventKind = keyof typeof KIND_STATUS;
export const EVENT_KINDS = Object.keys(KIND_STATUS) as EventKind[];

export type Shares = Readonly<Partial<Record<EventKind, number>>>;

/** One in ten events is not plain; about one in eighty is quarantined. */
export const DEFAULT_SHARES: Shares = {
  repeat: 0.02,
  repeat_changed: 0.002,
  missing_field: 0.01,
  mistyped_field: 0.005,
  odd_amount: 0.02,
  extra_fields: 0.005,
  unicode: 0.01,
  empty_field: 0.005,
  late: 0.005,
  keyless: 0.002,
  tombstone: 0.003,
  truncated: 0.004,
  bad_syntax: 0.003,
  invalid_utf8: 0.002,
  empty: 0.001,
  not_object: 0.001,
  missing_required: 0.002,
};

/** Every kind equally often: for tests of few events. */
export const EQUAL_SHARES: Shares = Object.fromEntries(EVENT_KINDS.map((kind) => [kind, 1 / EVENT_KINDS.length]));

export function statusOf(kind: EventKind): Status {
  return KIND_STATUS[kind];
}

/** Turns a random number of [0, 1) into a kind, by the shares; the rest is plain. */
export function kindPicker(shares: Shares): (random: number) => EventKind {
  const ends: { kind: EventKind; end: number }[] = [];
  let end = 0;
  for (const kind of EVENT_KINDS) {
    end += shares[kind] ?? 0;
    ends.push({ kind, end });
  }
  if (end > 1 + 1e-9) throw new RangeError(`shares add up to ${end}, more than 1`);
  return (random) => ends.find((entry) => random < entry.end)?.kind ?? 'plain';
}

/** What a sink must have counted: consumed = merged + duplicate + quarantined + tombstone; none is a marker. */
export interface ExpectedTotals {
  readonly consumed: number;
  readonly merged: number;
  readonly duplicate: number;
  readonly quarantined: number;
  readonly tombstone: number;
}

/** Counts events on their way to Kafka: `produce(bootstrap, topic, tally.through(orderEvents(…)))`. */
export class KindTally {
  readonly counts = Object.fromEntries(EVENT_KINDS.map((kind) => [kind, 0])) as Record<EventKind, number>;

  *through<T extends { readonly kind: EventKind }>(events: Iterable<T>): Generator<T, void, undefined> {
    for (const event of events) {
      this.counts[event.kind]++;
      yield event;
    }
  }

  totals(): ExpectedTotals {
    const sum = (wanted: (kind: EventKind) => boolean) =>
      EVENT_KINDS.filter(wanted).reduce((total, kind) => total + this.counts[kind], 0);
    const duplicate = this.counts.repeat + this.counts.repeat_changed;
    return {
      consumed: sum(() => true),
      merged: sum((kind) => statusOf(kind) === 'ok') - duplicate,
      duplicate,
      quarantined: sum((kind) => statusOf(kind) !== 'ok' && statusOf(kind) !== 'tombstone'),
      tombstone: this.counts.tombstone,
    };
  }
}
