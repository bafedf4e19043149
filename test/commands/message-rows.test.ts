import { expect, it } from 'vitest';
import { rowsOf } from '../../src/commands/message-rows.js';
import { parseSpec } from '../../src/schema/spec-file.js';
import { chunksOf, kernelsOf, messagesOf, VARIANTS } from '../support/kernel.js';

const SPEC = parseSpec(
  JSON.stringify({
    table: 't',
    view: 'v',
    columns: [
      { name: 'key', kind: 'text', required: true, role: 'key' },
      { name: 'double', kind: 'double' },
      { name: 'wide', kind: 'decimal', precision: 38, scale: 3 },
      { name: 'whole', kind: 'decimal', precision: 20 },
      { name: 'uuid', kind: 'uuid' },
      { name: 'bytes', kind: 'binary' },
    ],
  }),
  'of the test',
);

it('says values of all kinds as JSON can', () => {
  const values = [
    '{"key":"a","double":0.1,"wide":-12345678901234567890123456789012345.678,"whole":"-99999999999999999999"}',
    '{"key":"b","wide":"-0.001","whole":0,"uuid":"A0EEBC999C0B4EF8BB6D6BB9BD380A11","bytes":"\\/\\/79"}',
    '{"key":"c","bytes":""}',
  ];
  const [kernel] = kernelsOf(SPEC, {}, [VARIANTS[0]]);
  const { recordBatches } = kernel.read(
    3,
    chunksOf(messagesOf(values)).map((chunk) => chunk.handle()),
  );
  const rows = rowsOf(SPEC, recordBatches[0]).map(({ double, wide, whole, uuid, bytes }) => [
    ...[double, wide, whole, uuid, bytes],
  ]);
  expect(rows).toEqual([
    [0.1, '-12345678901234567890123456789012345.678', '-99999999999999999999', null, null],
    [null, '-0.001', '0', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '//79'],
    [null, null, null, null, ''],
  ]);
});
