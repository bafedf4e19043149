/**
 * Shapes of messages for `KINDS_SPEC` that are easily taken for each other: as JSON text in which `%` stands for the
 * content of a string, `#` for a number and `@` for any value.
 */
import { ODD_AMOUNTS } from './odd-amounts.js';
import type { Random } from './random.js';

const HEAD = '"id":"82%","key":"%"';
const row = (members: string) => `{${HEAD},${members}}`;
const long = (bytes: number) => 'long-'.repeat(bytes).slice(0, bytes);

export const SHAPES = {
  'keys in another order': [
    '{"id":"%","key":"%","text":"%","int":#,"flag":true}',
    '{"key":"%","text":"%","int":#,"flag":true,"id":"%"}',
    '{"text":"%","id":"%","int":#,"key":"%","flag":true}',
    '{"flag":false,"int":#,"text":"%","key":"%","id":"%"}',
    '{"int":#,"flag":true,"id":"%","text":"%","key":"%"}',
    '{"id":"%","key":"%"}',
    '{"key":"%","id":"%"}',
  ],
  'repeated keys': [
    row('"text":"%"'),
    row('"text":"%","text":"%"'),
    row('"text":"%","text":null'),
    row('"text":"%","int":#,"text":[#,"%"]'),
    row('"text":{"text":"%"},"text":"%","int":"%","int":#'),
    row('"json":{"text":"%"},"json":#,"json":[{}]'),
    row('"id":"%","key":"%","id":"%"'),
    row('"id":#'),
    row('"key":null'),
    row('"amount":"%","time":"%","amount":#,"time":#,"amount":{"$numberDecimal":"#"}'),
  ],
  'repeated objects': [
    row('"a":{"d":"%","x":#,"b":{"c":{"d":"%"}}}'),
    row('"a":{"d":"%","x":#},"a":{"b":{"c":{"d":"%"}}}'),
    row('"a":{"d":"%","x":#},"a":{"x":#}'),
    row('"a":{"d":"%"},"text":"%","a":{}'),
    row('"a":{"b":{"c":{"d":"%","y":#},"z":#},"b":{"c":{}}}'),
    row('"a":{"b":{"c":{"d":"%"},"c":{"d":"%"}},"d":"%"}'),
    row('"a":{"x":#},"a":{"x":#},"a":{"y":"%","y":"%"}'),
    row('"x":{"a":1},"a":{"x":1},"a":{"d":"%"},"x":[]'),
  ],
  'an object once, something else another time': [
    row('"a":{"d":"%","x":#},"text":"%"'),
    row('"a":#,"text":"%"'),
    row('"a":"%","text":"%"'),
    row('"a":null,"text":"%"'),
    row('"a":[{"d":"%"}],"text":"%"'),
    row('"a":{},"text":"%"'),
    row('"a":{"d":"%","x":#},"a":@,"text":"%"'),
    row('"a":@,"a":{"d":"%"},"text":"%"'),
    row('"a":{"b":#,"d":{"d":"%"}},"text":"%"'),
    row('"a":{"b":{"c":"%"}},"b":{"a":[]},"text":"%"'),
    row('"a":{"b":{"c":"%"},"b":@},"text":"%"'),
  ],
  arrays: [
    row('"json":[]'),
    row('"json":["%"]'),
    row('"json":[#,#,#,#,#,#,#,#,#,#]'),
    row('"json":[[],[[]],{},[{"id":"%","x":[#]}]]'),
    row('"json":[{"id":"%","key":"%"},{"id":"%","key":"%"}],"text":"%"'),
    row('"x":[{"text":"%","n":#},{"text":"%","n":#},{"text":"%","n":#}],"text":"%"'),
    row('"x":[],"text":"%"'),
    row('"x":[[#],[#,[#,[#,[#]]]]],"text":"%"'),
    row('"x":[{},{"a":{"d":"%"}},[]],"y":[{"a":[]}]'),
  ],
  'one name in several objects': [
    row('"a":{"d":"%"},"b":{"d":#}'),
    row('"b":{"d":#},"a":{"d":"%"}'),
    row('"d":"%","b":{"d":#,"a":{"d":"%","flag":true}},"a":{"d":"%","b":{"d":"%","c":{"d":"%"}}}'),
    row('"b":{"text":"%","a":{"text":"%"}},"text":"%","a":{"text":"%"}'),
    row('"b":{"json":{"b":{"json":#}},"amount":#,"":{"":#}},"":"%","json":{"b":[]}'),
    row('"x":{"text":"%","a":{"d":"%"}},"b":{"x":{"d":#}}'),
    row('"b":{"a":{"flag":true,"x":#}},"flag":false'),
  ],
  'escaped keys, and keys that are alike': [
    row('"text":"%"'),
    row('"te\\u0078t":"%"'),
    row('"\\u0074\\u0065\\u0078\\u0074":"%"'),
    row('"tex":"%","texts":"%","text":"%"'),
    row('"texts":"%","text":"%","tex":"%","te":"%","textst":"%"'),
    row('"":"%","a.b":"%","say \\"hi\\"\\\\":"%","schön":"%"'),
    row('"sch\\u00f6n":"%","say \\u0022hi\\u0022\\u005c":"%","\\u0061":{"\\u0064":"%"},"a\\u002eb":"%"'),
    row('"b":{"":{"":"2025-01-02","x":#},"x":"%"},"":null'),
    row('"b":{"":#},"x\\n":"%","x\\u000a":#,"\\ud83d":1'),
    row('"Text":"%","text ":"%"," text":"%","text\\u0000":"%"'),
  ],
  'values of other kinds': [
    'id',
    'text',
    'json',
    'amount',
    'price',
    'time',
    'nanos',
    'day',
    'int',
    'flag',
    'double',
    'wide',
    'bytes',
    'uuid',
    'binary',
    'x',
  ].flatMap((name) => [
    row(`"${name}":"%","int":#`),
    row(`"${name}":#,"int":#`),
    row(`"${name}":@,"int":#`),
    row(`"${name}":{"${name}":@},"int":#`),
    row(`"${name}":[@],"int":#`),
  ]),
  'containers that columns keep': [
    row('"json":{"a":"%","b":[#,#]},"text":"%","x":{"y":"%"}'),
    row('"json":{},"text":"%","x":{}'),
    row('"json":"%","x":"%"'),
    row('"x":{"y":"%"},"json":[{"a":"%"}]'),
    row('"text":{"a":[{"b":"%"}]},"json":{"a":[{"b":"%"}]},"b":{"json":{ "a" : #},"text":[ "%" ]}'),
    row('"amount":{"$numberDecimal":"#"},"time":{"$date":{"$numberLong":"1735689600000"}},"int":{"$numberLong":"#"}'),
    row('"amount":{"$numberDecimal":"#","$numberDecimal":"1"},"time":{"$date":"2025-01-02"},"int":{"$numberLong":#}'),
  ],
  'fields that have no column': [
    row('"x":"%","text":"%"'),
    row('"x":"%","y":#,"z":null,"text":"%"'),
    row('"text":"%","z": [ #, "%" ] ,"y" : { "x" : "%" }'),
    row('"x":#,"a":{"y":"%","d":"%","z":{"d":#}},"b":{"x":[]},"x":#'),
    row('"x":"%","x":"%","x":"%","\\u0078":"%"'),
    `{"x":#,${HEAD},"y":{"x":@}}`,
  ],
  spaces: [
    '{"id":"%","key":"%","text":"%","a":{"d":"%"},"x":#}',
    '{ "id" : "%" , "key" : "%" , "text" : "%" , "a" : { "d" : "%" } , "x" : # }',
    '{\n  "id": "%",\n  "key": "%",\n  "text": "%",\n  "a": {\n    "d": "%"\n  },\n  "x": #\n}',
    '{\r\n\t"id":\t"%",\r\n\t"key":\t"%",\r\n\t"a":\t{\r\n\t\t"d":\t"%"\r\n\t},\r\n\t"x":\t#\r\n}\r\n',
    `{${' '.repeat(40)}"id":"%",${'\n'.repeat(70)}"key":"%"${' '.repeat(200)}}`,
    ' {"id":"%","key":"%"}',
    '{"id":"%","key":"%"} \n',
    `{"id":"%","key":"%"}${'\n'.repeat(100)}`,
    '{"id":"%","key":"%"}\f',
    '\ufeff{"id":"%","key":"%"}',
  ],
  'long text between values': [12, 13, 14, 15, 16, 28, 29, 30, 31, 60, 61, 62, 63, 64, 200, 1000].flatMap((bytes) => [
    row(`"${long(bytes)}":"%","text":"%"`),
    row(`"a":{"${long(bytes)}":#,"${long(bytes)}s":#},"text":"%"`),
    row(`"json":{"b":{"${long(bytes)}":{"${long(bytes)}":"%"}}},"text":"%"`),
    row(`"x":[${'[],{},'.repeat(bytes / 6)}[]],"text":"%"`),
  ]),
  'nothing to tell, or no object': [
    ...['{}', '{"a":{}}', '{"a":{"b":{"c":{}}},"x":[[],{}]}', '[]', '[{"id":"%","key":"%"}]', '"%"', '#', 'true'],
    ...['null', ' {} ', '', ' ', '{', '{"id":"%"', '{"id":"%","key":"%"', '{"id":"%","key":"', '{"id":"%","key":"%"}}'],
    ...['{"id":"%","key":"%",}', '{"id":"%","key":"%"}{', '{"id":"%" "key":"%"}', '{"id":"%","key":#', row('"x":[')],
    ...[row('"x":[}'), row('"x":{]'), row('"x":[#}'), row('"a":{"d":"%"]'), row('"x":[#,]'), row('"x":[,#]'), '{'],
    ...[row('"x":tru'), row('"x":truee'), row('"x":-'), row('"x":01'), row('"x":1.'), row('"x":"\\u12"')],
  ],
} as const satisfies Record<string, readonly string[]>;

export const ALL_SHAPES: readonly string[] = Object.values(SHAPES).flat();

const TEXTS = [
  ...['', 'a', 'text', '42', '-7', '2025-01-02T03:04:05.678901Z', '2025-02-30', '12.50', '$1,234.50', '1735689600000'],
  ...[
    '677501C00000002A2B',
    'FFFFFFFFFFFFFFFF',
    '1.234,50 €',
    'AegS',
    'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
    'Zoë',
    '田中 太郎',
    '🎉',
    '\\u00e9',
    '\\"',
    '\\\\',
    '\\n',
  ],
  ...['\\ud83d\\ude00', '\\ud83d', '\\\\\\"', '{}', '[],:', '\\",\\"text\\":\\"', '\u007f', ' ', '\\u0000'],
];
const NUMBERS = [
  ...['0', '-0', '1', '-1', '42', '12.5', '104.0', '-0.5e3', '1E-7', '1e400', '1735689600000', '99999999999999.9999'],
  ...['9223372036854775807', '9223372036854775808', '123456789012345678901234567890', '0.00005', '1000.0001'],
  ...['0.1', '5e-324', '9007199254740993', '-2.5E+40', '1e-10'],
];
const OTHERS = [
  ...['null', 'true', 'false', '[]', '{}', '[null]', '{"d":null}', '{"$numberLong":"42"}', '{"a":{"d":[1,"]"]}}'],
  ...['{"$binary":{"base64":"oO68mZwLTvi7bWu5vTgKEQ==","subType":"04"}}', '{"$uuid":"no"}'],
  ...['{"$oid":"82677501c00000002a2b0229"}', '{"$oid":"no"}', '{"$numberDouble":"104.0"}', '{"$date":1735689600000}'],
  ...ODD_AMOUNTS.map(({ json }) => json),
];

/** A message of the shape. */
export function filled(shape: string, random: Random): Buffer {
  const text = () => {
    const start = random.pick(TEXTS);
    return random.below(3) > 0 ? start : start + 'x'.repeat(random.below(70)) + random.pick(TEXTS);
  };
  const any = () => {
    const kind = random.below(3);
    return kind === 0 ? `"${text()}"` : random.pick(kind === 1 ? NUMBERS : OTHERS);
  };
  const scalars = { '%': text, '#': () => random.pick(NUMBERS), '@': any };
  return Buffer.from(shape.replace(/[%#@]/g, (mark) => scalars[mark as keyof typeof scalars]()));
}
