import type { Data } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { INLINED_BYTES, STRING_BYTES, type StringForms, stringForms } from '../../src/core/string-forms.js';
import { tableColumns } from '../../src/schema/spec.js';
import { ORDERS_SPEC } from '../../src/schema/spec-file.js';
import { chunksOf, kernelsOf, messagesOf, VARIANTS } from '../support/kernel.js';
import { Random } from '../support/random.js';

/** Of the last one, an address whose sum with an offset is in the next 4 GiB. */
const ADDRESSES = [0x10n, 0x7fff_1234_5678n, 0x7ffe_ffff_ff80n];
const ROWS = 500;
const TEXTS = ['change_id', 'order_id', 'currency'];

/** The form as DuckDB documents it, built plainly. */
function expectedForm(text: Uint8Array, address: bigint): Buffer {
  const form = Buffer.alloc(STRING_BYTES);
  form.writeUInt32LE(text.length, 0);
  if (text.length <= INLINED_BYTES) form.set(text, 4);
  else {
    form.set(text.subarray(0, 4), 4);
    form.writeBigUInt64LE(address, 8);
  }
  return form;
}

function expectForms(forms: StringForms, column: Data, from: number, rows: number, address: bigint): void {
  const written = Buffer.from(forms(column, from, rows, address).subarray(0, rows * STRING_BYTES));
  const { valueOffsets, values } = column;
  for (let row = 0; row < rows; row++) {
    const [start, end] = valueOffsets.subarray(from + row, from + row + 2);
    const form = expectedForm(values.subarray(start, end), address + BigInt(start));
    expect(written.subarray(row * STRING_BYTES, (row + 1) * STRING_BYTES).equals(form), `row ${from + row}`).toBe(true);
  }
}

describe('the forms of strings', () => {
  const random = new Random(7);
  const values = Array.from({ length: ROWS }, (_, row) => {
    const text = 'abcdefghijklmnopqrstuvwxyzé€😀'.repeat(2).slice(random.below(8), random.below(2 * INLINED_BYTES));
    return JSON.stringify({ change_id: `${row}`, order_id: text, currency: row % 3 === 0 ? null : text.slice(0, 3) });
  });
  const columns = tableColumns(ORDERS_SPEC).flatMap(({ name }, index) => (TEXTS.includes(name) ? [index] : []));
  const kernels = kernelsOf(ORDERS_SPEC, {}, [VARIANTS[0], VARIANTS[2]]);

  it.each(kernels.map((kernel, index) => ({ kernel, build: VARIANTS[index * 2].wasm })))(
    'are the same from the $build kernel, and in any other memory',
    ({ kernel }) => {
      const chunks = chunksOf(messagesOf(values)).map((chunk) => chunk.handle());
      const [{ data }] = kernel.read(0, chunks).recordBatches;
      for (const index of columns) {
        const column = data.children[index];
        const copy = column.clone(column.type, 0, ROWS, column.nullCount, [
          column.valueOffsets.slice(),
          column.values.slice(),
        ] as never);
        for (const address of ADDRESSES) {
          for (const [from, rows] of [
            [0, ROWS],
            [ROWS - 1, 1],
            [17, 100],
          ]) {
            expectForms(kernel.stringForms, column, from, rows, address);
            expectForms(stringForms, column, from, rows, address);
            expectForms(kernel.stringForms, copy, from, rows, address);
          }
        }
      }
    },
  );
});
