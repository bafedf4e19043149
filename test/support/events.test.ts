import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EQUAL_SHARES, EVENT_KINDS, type EventKind, KindTally, statusOf } from './event-kinds.js';
import { type EventOptions, type OrderEvent, orderEvents } from './events.js';

const SAMPLE = new URL('../../fixtures/orders.ndjson', import.meta.url);

function eventsOf(kind: EventKind, count = 300): OrderEvent[] {
  const shares = { [kind]: 0.5 };
  return [...orderEvents({ count, shares })].filter((event) => event.kind === kind);
}

/** The reading of a value by the platform's own decoder and parser. */
function plainStatus(value: Buffer | null): string {
  if (value === null) return 'tombstone';
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value));
  } catch {
    return 'malformed';
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return 'not_object';
  const { change_id: changeId, order_id: orderId } = parsed as Record<string, unknown>;
  const isLacking = (value: unknown) => value === undefined || value === null;
  return isLacking(changeId) || isLacking(orderId) ? 'missing_required' : 'ok';
}

function hash(options: EventOptions): string {
  const sha = createHash('sha256');
  for (const event of orderEvents(options))
    sha.update(JSON.stringify({ ...event, value: event.value?.toString('hex') }));
  return sha.digest('hex');
}

describe('order events', () => {
  it('are the same for the same seed and different for another', () => {
    expect(hash({ count: 2000 })).toBe(hash({ count: 2000, seed: 1 }));
    expect(hash({ count: 2000 })).not.toBe(hash({ count: 2000, seed: 2 }));
  });

  it('begin with the same events, however many there are', () => {
    const [few, many] = [100, 1000].map((count) => [...orderEvents({ count })]);
    expect(many.slice(0, 100)).toEqual(few);
  });

  it.each(EVENT_KINDS)('of kind %s have the status of the kind', (kind) => {
    const events = eventsOf(kind);
    expect(events.length).toBeGreaterThan(50);
    for (const event of events) {
      // The platform's parser has no depth limit; ours has.
      if (event.value?.includes('[[[[[[[[')) continue;
      expect([plainStatus(event.value), event.value?.toString()]).toEqual([statusOf(kind), event.value?.toString()]);
    }
  });

  it('are of every kind, as often as their shares say', () => {
    const tally = new KindTally();
    for (const _ of tally.through(orderEvents({ count: 36_000, shares: EQUAL_SHARES })));
    for (const kind of EVENT_KINDS) expect(Math.abs(tally.counts[kind] - 2000)).toBeLessThan(200);
  });

  it('average about 350 bytes', () => {
    let bytes = 0;
    for (const { value } of orderEvents({ count: 5000 })) bytes += value?.length ?? 0;
    expect(bytes / 5000).toBeGreaterThan(330);
    expect(bytes / 5000).toBeLessThan(370);
  });
});

describe('change ids', () => {
  const idsOf = (events: Iterable<OrderEvent>) =>
    [...events].map(({ value }) => JSON.parse(String(value)).change_id as string);

  it('are resume tokens that grow with time', () => {
    const ids = idsOf(orderEvents({ count: 1000, shares: {} }));
    expect(ids.every((id) => /^82[0-9A-F]{16}2B0229296E04$/.test(id))).toBe(true);
    expect([...new Set(ids)].sort()).toEqual(ids);
  });

  it('are in no order if random ones are asked for', () => {
    const ids = idsOf(orderEvents({ count: 1000, shares: {}, ids: 'random' }));
    expect(new Set(ids).size).toBe(1000);
    expect([...ids].sort()).not.toEqual(ids);
  });

  it('come twice in repeats only: the same bytes, or other bytes under the same key', () => {
    const tally = new KindTally();
    const shares = { repeat: 0.1, repeat_changed: 0.1 };
    const valuesById = new Map<string, Set<string>>();
    const keysById = new Map<string, Set<string | null>>();
    for (const { key, value, kind } of tally.through(orderEvents({ count: 3000, shares }))) {
      const text = String(value);
      const id = JSON.parse(text).change_id;
      if (kind === 'plain') expect(valuesById.has(id)).toBe(false);
      if (kind === 'repeat') expect(valuesById.get(id)).toContain(text);
      if (kind === 'repeat_changed') expect(valuesById.get(id)).not.toContain(text);
      valuesById.set(id, (valuesById.get(id) ?? new Set()).add(text));
      keysById.set(id, (keysById.get(id) ?? new Set()).add(key));
    }
    expect([...keysById.values()].every((keys) => keys.size === 1)).toBe(true);
    expect(tally.totals()).toMatchObject({ consumed: 3000, merged: valuesById.size, quarantined: 0, tombstone: 0 });
  });
});

describe('expected totals', () => {
  it('add up', () => {
    const tally = new KindTally();
    for (const _ of tally.through(orderEvents({ count: 5000, shares: EQUAL_SHARES })));
    const { consumed, merged, duplicate, quarantined, tombstone } = tally.totals();
    expect(consumed).toBe(5000);
    expect(merged + duplicate + quarantined + tombstone).toBe(consumed);
  });

  it('cannot be told for shares of more than 1', () => {
    expect(() => [...orderEvents({ count: 1, shares: { late: 0.6, unicode: 0.6 } })]).toThrow(RangeError);
  });
});

describe('the sample file', () => {
  it('is what the generator makes', () => {
    const shares = { ...EQUAL_SHARES, tombstone: 0, empty: 0, invalid_utf8: 0 };
    const lines = [...orderEvents({ count: 120, seed: 2025, shares })].map(({ value }) => `${value}\n`);
    expect(readFileSync(SAMPLE, 'utf8')).toBe(lines.join(''));
  });
});
