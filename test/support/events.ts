/** Order change events: deterministic for a seed, made one at a time, about 350 bytes each. */
import { damaged, withoutRequired } from './damage.js';
import { DEFAULT_SHARES, type EventKind, kindPicker, type Shares, statusOf } from './event-kinds.js';
import { type Order, orderJson, randomOrder, variant } from './orders.js';
import { Random } from './random.js';

export interface OrderEvent {
  readonly key: string | null;
  readonly value: Buffer | null;
  /** Kafka timestamp, milliseconds since the epoch. */
  readonly timestamp: number;
  readonly kind: EventKind;
}

export interface EventOptions {
  readonly count: number;
  /** Default 1. */
  readonly seed?: number;
  /** Share of all events per kind, the rest is plain; default DEFAULT_SHARES, `{}` for plain events only. */
  readonly shares?: Shares;
  /** `token` (default): as resume tokens are, growing with time. `random`: 24 hex digits in no order. */
  readonly ids?: 'token' | 'random';
  /** How many different orders; default 100,000. */
  readonly orders?: number;
  /** Kafka timestamp of the first event; default the start of 2025, UTC. */
  readonly startMs?: number;
  /** Milliseconds between two events; default 5. */
  readonly stepMs?: number;
}

const DEFAULT_ORDERS = 100_000;
const DEFAULT_START_MS = Date.UTC(2025, 0, 1);
const DEFAULT_STEP_MS = 5;
/** A repeat is of one of this many latest plain events, as redelivery is. */
const RECENT_EVENTS = 1000;

/** Yields `count` events in the order in which they are to be produced. */
export function* orderEvents(options: EventOptions): Generator<OrderEvent, void, undefined> {
  const { startMs = DEFAULT_START_MS, stepMs = DEFAULT_STEP_MS, orders = DEFAULT_ORDERS } = options;
  const random = new Random(options.seed ?? 1);
  const pickKind = kindPicker(options.shares ?? DEFAULT_SHARES);
  const changeId = options.ids === 'random' ? () => randomId(random) : resumeTokens();
  const recent: Order[] = [];
  let remembered = 0;
  for (let i = 0; i < options.count; i++) {
    const timestamp = Math.floor(startMs + i * stepMs);
    const picked = pickKind(random.next());
    const repeats = picked === 'repeat' || picked === 'repeat_changed';
    const kind = repeats && recent.length === 0 ? 'plain' : picked;
    const order = repeats && recent.length > 0 ? random.pick(recent) : randomOrder(random, changeId, orders, timestamp);
    yield { key: keyOf(order, kind), value: encode(order, kind, random), timestamp, kind };
    if (kind === 'plain') recent[remembered++ % RECENT_EVENTS] = order;
  }
}

function keyOf(order: Order, kind: EventKind): string | null {
  return kind === 'keyless' ? null : order.key;
}

function encode(order: Order, kind: EventKind, random: Random): Buffer | null {
  switch (statusOf(kind)) {
    case 'tombstone':
      return null;
    case 'ok':
      return Buffer.from(orderJson(variant(order.fields, kind, random)));
    case 'missing_required':
      return Buffer.from(orderJson(withoutRequired(order.fields, random)));
    default:
      return damaged(orderJson(order.fields), kind, random);
  }
}

/**
 * Ids that grow with time, in the form of MongoDB's short resume tokens: `82`, 8 hex digits of seconds, 8 of the
 * increment within the second, and a constant rest.
 */
function resumeTokens(): (timestamp: number) => string {
  let second = 0;
  let increment = 0;
  const hex8 = (value: number) => value.toString(16).toUpperCase().padStart(8, '0');
  return (timestamp) => {
    const now = Math.floor(timestamp / 1000);
    increment = now === second ? increment + 1 : 1;
    second = now;
    return `82${hex8(second)}${hex8(increment)}2B0229296E04`;
  };
}

function randomId(random: Random): string {
  return random.hex(8) + random.hex(8) + random.hex(8);
}
