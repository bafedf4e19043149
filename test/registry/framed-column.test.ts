import { expect, it } from 'vitest';
import { ChunkViews } from '../../src/core/chunk.js';
import { partColumn } from '../../src/registry/frame.js';
import { framedAvro } from '../../src/registry/framed-column.js';
import { beginJson } from '../../src/registry/json-output.js';
import { avroType, framed } from '../support/avro.js';
import { chunkOfValues } from '../support/chunks.js';

it('a schema that could not be used is used when it is there', () => {
  const value = framed(7, avroType('string').toBuffer('a'));
  const column = partColumn(ChunkViews.of(chunkOfValues([value]).handle()), 'value');
  const avro = framedAvro();
  const reasonWith = (text: string | undefined) => {
    avro.begin([{ ref: 7, id: 7, text, references: [] }]);
    beginJson();
    avro.read(column, 1, 0);
    return avro.reason(0, 0)?.status;
  };
  expect([undefined, '"string"', undefined].map(reasonWith)).toEqual(['unknown_schema', undefined, undefined]);
});
