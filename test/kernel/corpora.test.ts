import { expect, it } from 'vitest';
import { corpora, packed, parseIntoColumns } from '../../bench/corpora.js';
import { kernelsOf } from '../support/kernel.js';

it('benchmarks have valid specs, and messages of which the kernel makes as many rows as JSON.parse', () => {
  for (const corpus of corpora(200)) {
    const [kernel] = kernelsOf(corpus.spec, { batchBytes: 4 << 20 });
    const chunks = packed(corpus.values, 0, corpus.keys).map((chunk) => chunk.handle());
    const rows = kernel.read(0, chunks).counts.ok;
    expect(rows, corpus.name).toBeGreaterThan(0);
    expect(rows, corpus.name).toBe(parseIntoColumns(corpus));
  }
});
