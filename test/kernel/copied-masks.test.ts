/** Masks of fields that a message has a second time: in the updates of a capture, and before a change. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TableSpec } from '../../src/schema/spec.js';
import { parseSpec, presetText } from '../../src/schema/spec-file.js';
import { anySpec, NAMES } from '../support/any-spec.js';
import { expectAsReference, kernelResults, kernelsOf, messagesOf } from '../support/kernel.js';
import { withMasks } from '../support/masked-spec.js';
import { Random } from '../support/random.js';
import { referenceHmac } from '../support/reference-masks.js';

const COLUMN_MASKS: Readonly<Record<string, unknown>> = {
  order_id: 'hmac',
  customer_email: 'hmac',
  customer_name: { partial: { keep: 2 } },
  amount: { truncate: { to: 100 } },
  currency: 'drop',
};

/** `preset:capture` with masks, and what a test adds. */
function captureSpec(more: object = {}, columns: object[] = []) {
  const preset = JSON.parse(presetText('capture')) as { columns: { name: string }[] };
  const masked = preset.columns.map((column) => ({ ...column, mask: COLUMN_MASKS[column.name] }));
  const masks = [
    { path: 'items.note', mask: 'redact' },
    { path: 'address', mask: { partial: { keep: 2 } } },
    { path: ['a', 'b'], mask: 'redact' },
    { path: ['a.c'], mask: 'hmac' },
    { path: ['a', 'c'], mask: 'redact' },
    { path: 'document.operation', mask: 'redact' },
  ];
  return parseSpec(JSON.stringify({ ...preset, columns: [...masked, ...columns], masks, ...more }), 'of the test');
}

const SPEC = captureSpec({ ignore: ['internal', 'seen'] });
const kernels = kernelsOf(SPEC);
const hmac = (text: string) => `"${referenceHmac(text)}"`;

/** The extras of a message with these members. */
function extraOf(members: string, [spec, all] = [SPEC, kernels] as const): string | null {
  const messages = messagesOf([`{"change_id":"1","order_id":"i",${members}}`]);
  expectAsReference(all, spec, messages);
  return kernelResults(all[0], spec, messages)[0].row!.extra as string | null;
}

describe('the update of a document that is gone', () => {
  it.each([
    ['"customer.email":"a@b.c"', `"customer.email":${hmac('a@b.c')}`],
    ['"customer\\u002eemail":"a@b.c"', `"customer\\u002eemail":${hmac('a@b.c')}`],
    ['"customer":{"email":"a@b.c","x":1}', `"customer":{"email":${hmac('a@b.c')},"x":1}`],
    ['"customer":"a@b.c"', '"customer":"***"'],
    ['"customer.email.domain":"b.c"', `"customer.email.domain":${hmac('b.c')}`],
    ['"customer.level":"gold"', '"customer.level":"gold"'],
    ['"customer.name":"Ada Lovelace"', '"customer.name":"***ce"'],
    ['"customers.email":"a@b.c"', '"customers.email":"a@b.c"'],
    ['"amount":1250', '"amount":"***"'],
    ['"amount.of":1250', '"amount.of":"***"'],
    ['"currency":"EUR"', '"currency":null'],
    ['"address":["Some Street 1"]', '"address":"***"'],
    ['"address.3":"Some Street 1"', '"address.3":"*** 1"'],
    ['"items.0.note":"n"', '"items.0.note":"***"'],
    ['"items.0.0.note":"n"', '"items.0.0.note":"***"'],
    ['"items.12":{"note":"n","x":1}', '"items.12":{"note":"***","x":1}'],
    ['"items.12":[{"note":"n"}]', '"items.12":[{"note":"***"}]'],
    ['"items.12":"n"', '"items.12":"***"'],
    ['"items.0x.note":"n"', '"items.0x.note":"n"'],
    ['"items.note":["n"],"items":[{"note":"n"}]', '"items.note":"***","items":[{"note":"***"}]'],
    ['"0.note":"n","0":1', '"0.note":"n","0":1'],
    ['"a.b":1,"a.c":1,"a.d":1', '"a.b":"***","a.c":"***","a.d":1'],
    ['"order_id":"o"', `"order_id":${hmac('o')}`],
    ['"operation":"o","document.operation":"o"', '"operation":"***","document.operation":"***"'],
    ['"internal.x":1,"seen":{"by":"me"}', '"internal.x":null,"seen":null'],
    [`"${'x.'.repeat(512)}":1`, `"${'x.'.repeat(512)}":1`],
    [`"${'x.'.repeat(512)}x":1`, `"${'x.'.repeat(512)}x":"***"`],
    ['"":1,".":2,"customer.":3,"customer..email":4', '"":1,".":2,"customer.":3,"customer..email":4'],
  ])('%s', (fields, wanted) => {
    const rest = '"removedFields":["x"],"truncatedArrays":[{"field":"items","newSize":1}]';
    const update = (fields: string) => `"update":{"updatedFields":{${fields}},${rest}}`;
    expect(extraOf(update(fields))).toBe(`{${update(wanted)}}`);
  });

  it('has names that could be followed in more ways than anybody asks for', () => {
    const digits = '.0'.repeat(500);
    const spec = captureSpec({ masks: [{ path: ['a', '0', '0', '0', '0', 'x'], mask: 'redact' }] });
    const update = (name: string, value: string) => `"update":{"updatedFields":{"${name}":${value}}}`;
    const messages = messagesOf([`{"change_id":"1","order_id":"i",${update(`a${digits}`, '1')}}`]);
    for (const kernel of kernelsOf(spec)) {
      expect(kernelResults(kernel, spec, messages)[0].row!.extra).toBe(`{${update(`a${digits}`, '"***"')}}`);
    }
    // An index in each of many arrays is one way only.
    expect(extraOf(update(`items${digits}.note`, '1'))).toBe(`{${update(`items${digits}.note`, '"***"')}}`);
    expect(extraOf(update(`items${digits}.seen`, '1'))).toBe(`{${update(`items${digits}.seen`, '1')}}`);
  });

  it('is as it was, but for what is masked, if the document that it is not in is ignored', () => {
    const spec = captureSpec({ masks: [], ignore: ['document'] });
    const extra = extraOf('"document":{"operation":"o"},"update":{"updatedFields":{"x":1,"customer.email":"e"}}', [
      spec,
      kernelsOf(spec),
    ]);
    expect(extra).toBe(`{"update":{"updatedFields":{"x":1,"customer.email":${hmac('e')}}}}`);
  });

  it('is masked by a spec that says where more copies are', () => {
    const spec = captureSpec({ copies: [{ path: 'old', of: 'new' }] });
    const update = (email: string) => `{"update":{"updatedFields":{"customer.email":${email}}},"document":"x"}`;
    expect(extraOf(update('"e"').slice(1, -1), [spec, kernelsOf(spec)])).toBe(
      update(hmac('e')).replace('"x"', '"***"'),
    );
  });

  it('is masked inside of a column of JSON, all of it or a part', () => {
    const [all, fields, other] = [['update'], ['update', 'updatedFields'], ['update', 'updatedFields', 'customer']].map(
      (path) => {
        const spec = captureSpec({}, [{ name: 'changes', path, kind: 'json' }]);
        const messages = messagesOf([
          '{"change_id":"1","order_id":"i","update":{"updatedFields":{"customer":{"email":"e"},"items.0.note":"n"}}}',
        ]);
        const [kernel, ...more] = kernelsOf(spec);
        expectAsReference([kernel, ...more], spec, messages);
        const row = kernelResults(kernel, spec, messages)[0].row!;
        return [row.changes, row.extra];
      },
    );
    const masked = `{"customer":{"email":${hmac('e')}},"items.0.note":"***"}`;
    expect(all).toEqual([`{"updatedFields":${masked}}`, null]);
    expect(fields).toEqual([masked, null]);
    expect(other).toEqual([`{"email":${hmac('e')}}`, '{"update":{"updatedFields":{"items.0.note":"***"}}}']);
  });
});

describe('a document', () => {
  it.each([
    // Fields that have one of capture's own names.
    ['"document":{"order_id":"o","operation":"x"}', `{"document":{"order_id":${hmac('o')},"operation":"***"}}`],
    ['"document":[{"customer":{"email":"e"}}]', `{"document":[{"customer":{"email":${hmac('e')}}}]}`],
    ['"document":{"customer.email":"e"}', '{"document":{"customer.email":"e"}}'],
    ['"document":{"document":{"operation":"x"}}', '{"document":{"document":{"operation":"***"}}}'],
    ['"document":"x"', '{"document":"***"}'],
    ['"update":"x"', '{"update":"x"}'],
    ['"update":[1,{"updatedFields":{"a.b":1}},"x"]', '{"update":[1,{"updatedFields":{"a.b":"***"}},"x"]}'],
  ])('%s', (members, wanted) => {
    expect(extraOf(members)).toBe(wanted);
  });

  it('of a topic of others, which says nothing of copies, is no text that is masked', () => {
    const spec = captureSpec({ masks: [] });
    expect(extraOf('"document":"x"', [spec, kernelsOf(spec)])).toBe('{"document":"x"}');
  });

  it('has no copies of a spec that says so', () => {
    const spec = captureSpec({ copies: [] });
    const members = '"document":{"order_id":"o"},"update":{"updatedFields":{"customer.email":"e"}}';
    expect(extraOf(members, [spec, kernelsOf(spec)])).toBe(`{${members}}`);
  });
});

describe('the image before a change', () => {
  it('has the masks of the one after it', () => {
    const spec = parseSpec(
      JSON.stringify({
        table: 't',
        view: 'v',
        columns: [
          { name: 'id', path: 'after.id', kind: 'text', required: true, role: 'key' },
          { name: 'email', path: 'after.email', kind: 'text', mask: 'hmac' },
          { name: 'before', kind: 'json' },
        ],
        masks: [{ path: 'after.phones.number', mask: 'redact' }],
        embedded: ['patch'],
        copies: [
          { path: 'before', of: 'after' },
          { path: 'patch', of: 'after', dotted: true },
        ],
      }),
      'of the test',
    );
    const messages = messagesOf([
      '{"after":{"id":"1"},"before":{"email":"e","phones":[{"number":1}]},"patch":"{\\"phones.0.number\\":1}"}',
      '{"after":{"id":"1"},"before":"e","patch":"no secret"}'.replace('no secret', '5'),
    ]);
    const all = kernelsOf(spec);
    expectAsReference(all, spec, messages);
    const [one, other] = kernelResults(all[0], spec, messages).map(({ row }) => row!);
    expect(one.before).toBe(`{"email":${hmac('e')},"phones":[{"number":"***"}]}`);
    expect(one.extra).toBe('{"patch":{"phones.0.number":"***"}}');
    expect([other.before, other.extra]).toEqual(['"***"', '{"patch":"***"}']);
  });
});

describe('the copy of a part', () => {
  const specOf = (more: object) => {
    const id = { name: 'id', path: 'after.id', kind: 'text', required: true, role: 'key' };
    const level = { name: 'level', path: 'after.customer.level', kind: 'text' };
    return parseSpec(JSON.stringify({ table: 't', view: 'v', columns: [id, level], ...more }), 'of the test');
  };
  const extraBy = (spec: TableSpec, value: string) => {
    const [all, messages] = [kernelsOf(spec), messagesOf([value])];
    expectAsReference(all, spec, messages);
    return kernelResults(all[0], spec, messages)[0].row!.extra;
  };

  it('is masked by what masks more', () => {
    const spec = specOf({
      copies: [{ path: 'old', of: 'data.person.address' }],
      masks: [{ path: 'data.person', mask: 'redact' }],
    });
    const value = '{"after":{"id":"1"},"data":{"person":{"address":{"street":"s"}}},"old":{"street":"s"}}';
    expect(extraBy(spec, value)).toBe('{"data":{"person":"***"},"old":"***"}');
  });

  it('is null if the part is ignored, also with a column in it', () => {
    const spec = specOf({
      copies: [{ path: 'before', of: 'after' }],
      ignore: ['after.customer'],
      masks: [{ path: 'after.x', mask: 'redact' }],
    });
    const customer = '{"level":"gold","email":"e"}';
    expect(extraBy(spec, `{"after":{"id":"1","customer":${customer}},"before":{"customer":${customer}}}`)).toBe(
      '{"before":{"customer":null}}',
    );
  });
});

describe('the copies of any spec', () => {
  it('are masked as the reference masks them', { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(anySpec, fc.integer(), (plain, seed) => {
        const random = new Random(seed);
        const spec = withMasks(plain, random);
        const nested = (names: readonly string[], json: string): string =>
          names.length === 0 ? json : `{${JSON.stringify(names[0])}:${nested(names.slice(1), json)}}`;
        const values = Array.from({ length: 100 }, () => {
          const place = random.below(4) > 0 ? random.pick(places(spec)) : [random.pick(NAMES)];
          return nested(place, dotted(random, 3, masked(spec))).replace('{', '{"id":"i","key":"k",');
        });
        expectAsReference(kernelsOf(spec), spec, messagesOf(values));
      }),
      { numRuns: 20 },
    );
  });
});

const places = ({ copies }: TableSpec) =>
  copies === undefined || copies.length === 0
    ? [['update', 'updatedFields'], ['document'], ['update']]
    : copies.map(({ path }) => path.names);

/** Names of fields that are masked, in whatever is around them. */
function masked({ columns, masks, copies }: TableSpec): (readonly string[])[] {
  const fields = [
    ...masks,
    ...columns.filter(({ mask }) => mask).flatMap(({ paths }) => paths.map((path) => ({ path }))),
  ];
  const outer = [0, ...(copies ?? []).map(({ of }) => of?.names.length ?? 0)];
  return fields.flatMap(({ path: { names } }) => outer.map((depth) => names.slice(depth)));
}

/** JSON of which names are paths. */
function dotted(random: Random, depth: number, paths: readonly (readonly string[])[]): string {
  const names = [...NAMES, '0', '12'];
  const any = () => Array.from({ length: 1 + random.below(3) }, () => random.pick(names));
  const name = () => {
    const path = paths.length === 0 || random.below(3) === 0 ? any() : [...random.pick(paths)];
    if (random.below(2) === 0) path.splice(random.below(path.length + 1), 0, random.pick(names.slice(-3)));
    return path.slice(0, 1 + random.below(path.length)).join('.');
  };
  const inner = () => dotted(random, depth - 1, paths);
  if (depth === 0 || random.below(4) === 0) return random.pick(['"text"', '1.5', 'null', '{}', '[]', '""']);
  if (random.below(4) === 0) return `[${inner()}, ${inner()}]`;
  return `{${Array.from({ length: 1 + random.below(3) }, () => `${JSON.stringify(name())}: ${inner()}`).join(',')}}`;
}
