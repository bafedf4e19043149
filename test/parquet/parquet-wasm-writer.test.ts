import { join } from 'node:path';
import { wasmMemory } from 'parquet-wasm';
import { expect, it } from 'vitest';
import { ParquetWasmWriter } from '../../src/parquet/parquet-wasm-writer.js';
import { temporaryDirectory } from '../support/batches.js';
import { Random } from '../support/random.js';
import { randomColumns, recordBatchOf, SPEC } from '../support/random-rows.js';

it('gives back the memory of each file: it is as large after fifty as after a few', async () => {
  const writer = new ParquetWasmWriter({ compression: 'zstd', spec: SPEC });
  const path = join(temporaryDirectory(), 'file.parquet');
  const recordBatch = recordBatchOf(randomColumns(2000, new Random(1), true));
  const write = async (files: number) => {
    for (let file = 0; file < files; file++) await writer.write([recordBatch], path, new Map([['sluice.topic', 't']]));
    return wasmMemory().buffer.byteLength;
  };
  const few = await write(5);
  expect(await write(45)).toBe(few);
});
