/** Sample change events of an orders collection for `sluice demo`: deterministic for a seed. */

export interface SampleEvent {
  readonly key: Buffer | null;
  /** null is a tombstone. */
  readonly value: Buffer | null;
}

const OPERATIONS = ['insert', 'insert', 'insert', 'update', 'update', 'replace', 'delete'];
const STATUSES = ['created', 'paid', 'packed', 'shipped', 'delivered', 'cancelled'];
const CURRENCIES = ['USD', 'EUR', 'GBP', 'CHF', 'JPY'];
const NAMES = ['Ada', 'Björn', 'Chloé', 'Dmitri', 'Emre', 'Fatou', 'Giulia', 'Håkon', 'Inès', 'Jun'];
/** Shares of what real topics have among their events. */
const DAMAGED = 0.01;
const REDELIVERED = 0.02;
const TOMBSTONES = 0.002;
const LATE = 0.005;
const LATE_BY_MS = 3_600_000;

/** Mulberry32: a small generator with a full period of 2^32, good enough for samples. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Yields `count` events.
 * @param nowMs event times end here, one millisecond apart
 */
export function* sampleEvents(count: number, nowMs: number, seed = 1): Generator<SampleEvent> {
  const random = randomFrom(seed);
  const pick = <T>(values: readonly T[]) => values[Math.floor(random() * values.length)];
  let last: SampleEvent | undefined;
  for (let index = 0; index < count; index++) {
    if (last !== undefined && random() < REDELIVERED) {
      yield last;
      continue;
    }
    const orderId = `ORD-${String(Math.floor(random() * (count / 3 + 1))).padStart(7, '0')}`;
    const key = Buffer.from(orderId);
    if (random() < TOMBSTONES) {
      yield { key, value: null };
      continue;
    }
    const late = random() < LATE ? LATE_BY_MS : 0;
    const eventMs = nowMs - (count - index);
    const seconds = Math.floor(eventMs / 1000);
    const name = pick(NAMES);
    const customer = Math.floor(random() * 5000);
    const items = Array.from({ length: 1 + Math.floor(random() * 3) }, () => ({
      sku: `SKU-${Math.floor(random() * 1000)}`,
      quantity: 1 + Math.floor(random() * 5),
    }));
    const text = JSON.stringify({
      change_id: `82${hex(seconds, 8)}${hex(index, 8)}2B022C0100296E5A1004${hex(customer, 8)}`,
      operation: pick(OPERATIONS),
      order_id: orderId,
      customer: { id: `C${customer}`, email: `${name.toLowerCase()}.${customer}@example.com`, name },
      amount: sampleAmount(random),
      currency: pick(CURRENCIES),
      status: pick(STATUSES),
      items,
      event_time: new Date(eventMs - late).toISOString(),
    });
    const value = Buffer.from(text);
    last = { key, value: random() < DAMAGED ? value.subarray(0, Math.floor(value.length * random())) : value };
    yield last;
  }
}

/** An amount in one of the forms that different systems write it in. */
function sampleAmount(random: () => number): unknown {
  const amount = random() ** 4 * 5000;
  const form = random();
  if (form < 0.5) return Number(amount.toFixed(2));
  if (form < 0.7) return { $numberDecimal: amount.toFixed(2) };
  if (form < 0.85) return `$${amount.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
  if (form < 0.97) return `${amount.toFixed(2).replace('.', ',')} EUR`;
  return form < 0.99 ? null : 'to be agreed';
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0').toUpperCase();
}
