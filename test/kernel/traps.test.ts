/** What becomes of a batch on which the kernel traps. */
import { expect, it } from 'vitest';
import { MAX_TRAPPING, type Span, trappingMessages, without } from '../../src/kernel/traps.js';
import { ORDERS_SPEC } from '../../src/schema/spec-file.js';
import { chunksOf, kernelsOf, messagesOf } from '../support/kernel.js';
import { rowsOf } from '../support/kernel-output.js';
import '../support/trapping-kernel.mjs';
import { failureOf } from '../support/failure.js';

function order(id: number, note = 'none'): string {
  return `{"change_id":"${id}","order_id":"k","items":"${note}"}`;
}

/** Orders, with these notes at these places. */
function orders(count: number, notes: Readonly<Record<number, string>>): string[] {
  return Array.from({ length: count }, (_, id) => order(id, notes[id]));
}

function read(values: readonly string[], options: Parameters<typeof kernelsOf>[1] = {}) {
  const [kernel] = kernelsOf(ORDERS_SPEC, options);
  const output = kernel.read(
    3,
    chunksOf(messagesOf(values)).map((chunk) => chunk.handle()),
  );
  const ids = rowsOf(output.recordBatches, ORDERS_SPEC).map(({ change_id }) => Number(change_id));
  return { ...output, ids };
}

it('costs the messages that trap, and no other one', () => {
  const bad = [0, 1, 500, 4095, 4096, 8999];
  const values = orders(9000, Object.fromEntries(bad.map((id) => [id, 'trap:alone'])));
  values[7] = '{"order_id":"k"}';
  const { ids, rejects, counts, trap } = read(values, { batchRows: 10_000 });
  expect(ids).toEqual(values.map((_, id) => id).filter((id) => id !== 7 && !bad.includes(id)));
  expect(rejects.map(({ chunk, row, status }) => [chunk * 4096 + row, status])).toEqual(
    [...bad, 7].sort((a, b) => a - b).map((id) => [id, id === 7 ? 'missing_required' : 'kernel_trap']),
  );
  expect(counts).toMatchObject({ ok: 9000 - 7, kernel_trap: 6, missing_required: 1 });
  expect(trap).toBe('unreachable');
});

it('costs a message that has an instance of its own for its size', () => {
  const large = order(1, `${'x'.repeat(3 << 20)}trap:alone`);
  const { ids, rejects } = read([order(0), large, order(2)]);
  expect(ids).toEqual([0, 2]);
  expect(rejects).toMatchObject([{ chunk: 1, row: 0, status: 'kernel_trap', position: -1 }]);
});

it('costs nothing if a new instance does not trap', () => {
  const { ids, rejects, trap } = read(orders(100, { 50: 'trap:once' }));
  expect(ids).toHaveLength(100);
  expect({ rejects, trap }).toEqual({ rejects: [], trap: 'unreachable' });
});

it('leaves a kernel that reads the next batch', () => {
  const [kernel] = kernelsOf(ORDERS_SPEC);
  const handles = (values: readonly string[]) => chunksOf(messagesOf(values)).map((chunk) => chunk.handle());
  kernel.useIssueBits(ORDERS_SPEC.columns.map((_, index) => index + 20));
  const issuesOf = (values: readonly string[]) =>
    rowsOf(kernel.read(3, handles(values)).recordBatches, ORDERS_SPEC).map(({ issues }) => issues);
  const withIssue = '{"change_id":"i","order_id":"k","status":5}';
  const before = issuesOf([withIssue]);
  expect(issuesOf([withIssue, order(1, 'trap:alone')])).toEqual(before);
  expect(issuesOf([withIssue])).toEqual(before);
});

it('ends the run if no message traps alone', () => {
  const { code, message } = failureOf(() => read(orders(100, { 10: 'trap:left', 90: 'trap:right' })));
  expect(code).toBe('SLUICE_KERNEL');
  expect(message).toMatch(
    /trapped on the batch, but on no message of it alone: partition 3, from offset 1000: unreach/,
  );
});

it('ends the run if too many messages trap', () => {
  const notes = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, id) => [id, 'trap:alone']));
  expect(read(orders(200, notes(MAX_TRAPPING))).counts).toMatchObject({ ok: 100, kernel_trap: MAX_TRAPPING });
  const { code, message } = failureOf(() => read(orders(200, notes(MAX_TRAPPING + 1))));
  expect(code).toBe('SLUICE_KERNEL');
  expect(message).toContain(`on more than ${MAX_TRAPPING} messages of the batch`);
});

it('is narrowed down in few attempts', () => {
  const all: Span[] = [3, 0, 60_000, 1].map((to, chunk) => ({ chunk, from: 0, to }));
  const bad = { chunk: 2, from: 777, to: 778 };
  let attempts = 0;
  const found = trappingMessages(all, (spans) => {
    attempts++;
    return spans.some(({ chunk, from, to }) => chunk === 2 && from <= 777 && to > 777);
  });
  expect(found).toEqual([bad]);
  expect(attempts).toBeLessThanOrEqual(1 + 2 * 16);
  expect(without(all, found)).toEqual([
    { chunk: 0, from: 0, to: 3 },
    { chunk: 2, from: 0, to: 777 },
    { chunk: 2, from: 778, to: 60_000 },
    { chunk: 3, from: 0, to: 1 },
  ]);
});
