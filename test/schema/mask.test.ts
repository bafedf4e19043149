/** Masks in a table spec, and their key. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.js';
import { unmaskedBy } from '../../src/schema/mask.js';
import { isSealed, MessageCipher, readMaskKey, SEAL_BYTES } from '../../src/schema/mask-key.js';
import { specJson } from '../../src/schema/spec.js';
import { parseSpec } from '../../src/schema/spec-file.js';
import { specHash } from '../../src/schema/spec-hash.js';
import { checkStoredSpec } from '../../src/sinks/duckdb/ddl.js';
import { temporaryDirectory } from '../support/batches.js';
import { failureOf } from '../support/failure.js';

const KEY = { name: 'key', kind: 'text', required: true, role: 'key' };

function read(columns: object[], more: object = {}) {
  const spec = { table: 't', view: 'v', columns: [KEY, ...columns], ...more };
  return parseSpec(JSON.stringify(spec), 'of the test');
}

describe('a spec with masks', () => {
  it('is the same when it is read again, and another one than without', () => {
    const column = { name: 'a', kind: 'text', mask: { partial: { keep: 4 } } };
    const spec = read([column], { masks: [{ path: 'b.c', mask: 'hmac' }] });
    expect(parseSpec(specJson(spec), 'again')).toEqual(spec);
    const hashes = [spec, read([column]), read([{ ...column, mask: undefined }])].map(specHash);
    expect(new Set(hashes).size).toBe(3);
  });

  it.each([
    [{ kind: 'int64', mask: 'hmac' }, 'column a: kind int64 can have the masks truncate, drop: not hmac'],
    [
      { kind: 'json', mask: { partial: { keep: 1 } } },
      'column a: kind json can have the masks redact, drop: not partial',
    ],
    [{ kind: 'bool', mask: 'redact' }, 'column a: kind bool can have the masks drop: not redact'],
    [{ kind: 'text', required: true, mask: 'drop' }, 'column a: what is dropped cannot be required'],
    [{ kind: 'text', role: 'operation', mask: 'redact' }, 'column a: role operation needs its values: it has no mask'],
    [
      { kind: 'timestamp', mask: { truncate: { to: 5 } } },
      'column a: a time is truncated to hour, day, month, year, not to 5',
    ],
    [{ kind: 'date', mask: { truncate: { to: 'day' } } }, 'column a: a date is truncated to month or year, not to day'],
    [
      { kind: 'int64', mask: { truncate: { to: 'day' } } },
      'column a: a number is truncated to a multiple, such as 1000, not to day',
    ],
    [{ kind: 'text', mask: { partial: { keep: 0 } } }, 'columns.1.mask.partial.keep: Too small: expected number'],
    [{ kind: 'text', mask: 'hash' }, 'must be "hmac", "redact", "drop", {"partial": {"keep": 4}}'],
  ])('%j is refused', (column, why) => {
    expect(failureOf(() => read([{ name: 'a', ...column }])).message).toContain(why);
  });

  it('cannot expect anything of values that it masks, but that there are some', () => {
    const column = { name: 'a', kind: 'text', mask: 'hmac' };
    const expecting = (test: object) => () => read([column], { expectations: [{ name: 'e', column: 'a', ...test }] });
    expect(failureOf(expecting({ pattern: 'C[0-9]+', action: 'warn' })).message).toContain('a has a mask');
    expect(expecting({ not_null: true, action: 'warn' })().expectations).toHaveLength(1);
  });

  it.each([
    [[{ path: 'key', mask: 'hmac' }], 'masks ["key"]: column key is read from it: give the column a mask'],
    [[{ path: 'key.a', mask: 'hmac' }], 'masks ["key","a"]: column key around it is not of kind json'],
    [[{ path: 'a', mask: { truncate: { to: 5 } } }], 'masks ["a"]: only a column can be truncated'],
    [
      [
        { path: 'a', mask: 'drop' },
        { path: 'a.b', mask: 'drop' },
      ],
      'masks ["a","b"]: is masked by another one already',
    ],
    [[{ path: 'x.y', mask: 'drop' }], 'masks ["x","y"]: is ignored already: leave it out'],
    [[{ path: { key: [] }, mask: 'drop' }], 'masks {"key":[]}: must name a field of the key'],
    [[{ path: 'j.a', mask: 'drop' }], 'masks ["j","a"]: column j around it has a mask already'],
  ])('with the masks %j is refused', (masks, why) => {
    const columns = [{ name: 'j', kind: 'json', mask: 'redact' }];
    expect(failureOf(() => read(columns, { masks, ignore: ['x'] })).message).toContain(why);
  });

  it('says where messages have fields a second time, which its masks are of, too', () => {
    const copies = [
      { path: 'before', of: 'a' },
      { path: ['c', 'd'], dotted: true },
    ];
    const spec = read([{ name: 'x', path: 'a.x', kind: 'text', mask: 'redact' }], { copies });
    expect(parseSpec(specJson(spec), 'again')).toEqual(spec);
    expect(specJson(spec)).toContain('"copies":[{"path":["before"],"of":["a"]},{"path":["c","d"],"dotted":true}]');
    expect(specJson(read([], { copies: [] }))).toContain('"copies":[]');
    expect(specJson(read([]))).not.toContain('copies');
  });

  it.each([
    [{ path: { key: ['k'] } }, [], 'copies {"key":["k"]}: must be of the value, as what it has copies of'],
    [{ path: 'c', of: { key: ['k'] } }, [], 'copies ["c"]: must be of the value'],
    [{ path: 'c' }, [{ path: 'c.a', kind: 'int64' }], 'column x is of the copy of a masked field: give it a mask'],
    [{ path: 'c' }, [{ path: 'c.a.b', kind: 'int64' }], 'column x is of the copy of a masked field: give it a mask'],
    [{ path: 'c' }, [{ path: 'c', kind: 'text' }], 'column x, around the copy of a masked field, is not of kind json'],
    [
      { path: 'c', dotted: true },
      [{ path: ['c', 'm.n'], kind: 'bool' }],
      'copies ["c"]: column x is of the copy of a masked field',
    ],
    [
      { path: 'c', dotted: true },
      [{ path: ['c', 'o.list'], kind: 'json' }],
      'copies ["c"]: column x is of the copy of a masked field or around it, by a dotted name: give it a mask',
    ],
    [{ path: 'c', of: 'o', dotted: true }, [{ path: ['c', 'list.0'], kind: 'json' }], 'around it, by a dotted name'],
    [{ path: 'c', of: 'o', dotted: true }, [{ path: ['c', 'list.0.in'], kind: 'text' }], 'by a dotted name'],
    [{ path: 'c', of: 'o', dotted: true }, [{ path: ['c', '7.list.0', 'in'], kind: 'text' }], 'by a dotted name'],
    [{ path: 'c', of: 'o.list.in.it' }, [{ path: 'c.x', kind: 'text' }], 'is of the copy of a masked field'],
    [{ path: 'a.b.c.d.e.f.g.h.i' }, [], 'a path has at most 8 keys'],
  ])('with the copies %j and columns %j is refused', (copies, columns, why) => {
    const masked = { name: 'a', kind: 'text', mask: 'redact' };
    const masks = ['m.n', 'o.list.in'].map((path) => ({ path, mask: 'redact' }));
    const named = columns.map((column) => ({ name: 'x', ...column }));
    expect(failureOf(() => read([masked, ...named], { masks, copies: [copies] })).message).toContain(why);
  });

  it('takes columns of JSON around copies, and columns with a mask of their own', () => {
    const masked = { name: 'a', kind: 'text', mask: 'redact' };
    const copies = [{ path: 'c' }];
    read([masked, { name: 'c', kind: 'json' }], { copies });
    read([masked, { name: 'c', path: 'c.a', kind: 'text', mask: 'hmac' }], { copies });
    read([masked, { name: 'c', path: 'c.b', kind: 'text' }], { copies });
    const dotted = { copies: [{ path: 'c', dotted: true }], masks: [{ path: 'm.n.o', mask: 'redact' }] };
    read([masked, { name: 'c', path: ['c', 'm', 'n'], kind: 'json' }], dotted);
    read([masked, { name: 'c', path: ['c', 'm.o'], kind: 'text' }], dotted);
  });

  it('keeps the masks of the columns that a data directory has', () => {
    const plain = read([{ name: 'a', kind: 'text' }]);
    const masked = read([{ name: 'a', kind: 'text', mask: 'redact' }], { masks: [{ path: 'b', mask: 'drop' }] });
    const { code, message } = failureOf(() => checkStoredSpec(JSON.parse(specJson(plain)), masked));
    expect(code).toBe('SLUICE_SPEC_CHANGED');
    expect(message).toContain(
      'column a of t has no mask in the data directory, and the mask "redact" in the table spec',
    );
    expect(failureOf(() => checkStoredSpec(JSON.parse(specJson(masked)), plain)).code).toBe('SLUICE_SPEC_CHANGED');
  });

  it('is asked for each field that was masked, which would be in clear in "extra"', () => {
    const before = read([{ name: 'a', kind: 'text', mask: 'redact' }], { masks: [{ path: 'b.c', mask: 'drop' }] });
    const check = (columns: object[], more: object) => () =>
      checkStoredSpec(JSON.parse(specJson(before)), read(columns, more));
    const b = [{ path: 'b', mask: 'redact' }];
    expect(failureOf(check([], { masks: b })).message).toContain('the field ["a"] has a mask in the data directory');
    expect(failureOf(check([], { ignore: ['a'] })).message).toContain('the field ["b","c"] has a mask');
    check([], { masks: b, ignore: ['a'] })();
    check([], { masks: [...b, { path: 'a', mask: 'hmac' }] })();
    check([{ name: 'a_clear', path: 'a', kind: 'text' }], { ignore: ['b'] })();
    check([{ name: 'a', kind: 'text', mask: 'redact' }], { ignore: ['b.c'] })();
  });

  it('is asked for the places of copies that a spec named', () => {
    const column = { name: 'a', kind: 'text', mask: 'redact' };
    const known = (copies?: object[]) => JSON.parse(specJson(read([column], { copies })));
    const [before, update] = [{ path: 'before' }, { path: 'update', dotted: true }];
    const check = (copies: object[] | undefined, more: object) => () =>
      checkStoredSpec(known(copies), read([column], more));
    expect(failureOf(check([before], {})).message).toContain('the field ["before"] has a mask in the data directory');
    expect(failureOf(check([update], { copies: [{ path: 'update' }] })).message).toContain('the field ["update"] has');
    check([before], { copies: [update, before] })();
    check([before], { copies: [], ignore: ['before'] })();
    check([before], { copies: [], masks: [{ path: 'before', mask: 'redact' }] })();
    // What applies if a spec does not say is nobody's word.
    check(undefined, { copies: [] })();
  });
});

describe('a field that was masked, and is ignored with what is around it', () => {
  const level = { name: 'level', path: 'after.customer.level', kind: 'text' };
  const copies = [{ path: 'before', of: 'after' }];
  const before = read([level], { copies, masks: [{ path: 'after.customer.email', mask: 'redact' }] });
  const later = (columns: object[]) => read([level, ...columns], { copies, ignore: ['after.customer'] });
  const clear = (columns: object[]) => unmaskedBy(before, later(columns));

  it('is null in copies', () => {
    expect(clear([])).toEqual([]);
    expect(clear([{ name: 'old', path: 'before', kind: 'json' }])).toEqual([]);
    expect(clear([{ name: 'old', path: 'before.customer.level', kind: 'text' }])).toEqual([]);
  });

  it('is in clear in a column of the copy, and in the update of a field of capture’s own name', () => {
    expect(clear([{ name: 'old', path: 'before.customer', kind: 'json' }])).toHaveLength(1);
    const operation = read([], { masks: [{ path: 'document.operation', mask: 'redact' }] });
    expect(unmaskedBy(operation, read([], { ignore: ['document'] }))).toHaveLength(1);
    expect(unmaskedBy(operation, read([], { ignore: ['document.operation'] }))).toEqual([]);
  });
});

describe('the key of masks', () => {
  const file = (text: string | Uint8Array, mode = 0o600) => {
    const path = join(temporaryDirectory(), 'key');
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  };

  it('is what is in the file, without a line end', () => {
    const text = 'k'.repeat(64);
    expect(Buffer.from(readMaskKey(file(`${text}\n`))).toString()).toBe(text);
    expect(readConfig({ KAFKA_TOPIC: 't', MASK_KEY_FILE: file(text) }).maskKey).toEqual(
      Uint8Array.from(Buffer.from(text)),
    );
  });

  it.each([
    [
      'a file that all may read',
      () => file('k'.repeat(32), 0o644),
      'all users of this machine may use the file: chmod 600 it',
    ],
    ['too few bytes', () => file('secret-secret'), 'a key has 32 to 64 bytes, this one 13'],
    ['too many bytes', () => file('secret-secret'.repeat(9)), 'a key has 32 to 64 bytes, this one 117'],
    ['no file', () => '/no/such/file', 'ENOENT'],
  ])('is none in %s, which is said without it', (_, pathOf, why) => {
    const path = pathOf();
    const { code, message } = failureOf(() => readConfig({ KAFKA_TOPIC: 't', MASK_KEY_FILE: path }));
    expect(code).toBe('SLUICE_CONFIG');
    expect(message).toContain(`MASK_KEY_FILE=${JSON.stringify(path)}: cannot be used: `);
    expect(message).toContain(why);
    expect(message).not.toContain('secret');
  });

  it('encrypts and decrypts, each time in another way', () => {
    const cipher = new MessageCipher(Buffer.alloc(32, 1));
    for (const text of ['', 'a message']) {
      const [one, other] = [cipher.seal(Buffer.from(text), 'here'), cipher.seal(Buffer.from(text), 'here')];
      expect(Buffer.from(cipher.open(one, 'here')).toString()).toBe(text);
      expect(one).not.toEqual(other);
      expect(one).toHaveLength(text.length + SEAL_BYTES);
      expect(isSealed(one)).toBe(true);
    }
    const plain = Buffer.from('not encrypted');
    expect(cipher.open(plain, 'here')).toBe(plain);
  });

  it('that is another one, or of bytes that were changed, decrypts nothing', () => {
    const cipher = new MessageCipher(Buffer.alloc(32, 1));
    const sealed = cipher.seal(Buffer.from('a message'), 'here');
    const ofOther = failureOf(() => new MessageCipher(Buffer.alloc(32, 2)).open(sealed, 'here'));
    expect([ofOther.code, ofOther.message]).toEqual(['SLUICE_CONFIG', expect.stringContaining('with another key')]);
    expect(failureOf(() => cipher.open(sealed, 'there')).message).toContain('changed or moved since');
    sealed[sealed.length - 1] ^= 1;
    expect(failureOf(() => cipher.open(sealed, 'here')).message).toContain('changed or moved since');
  });

  it('decrypts what earlier versions encrypted, wherever it is', () => {
    const cipher = new MessageCipher(Buffer.alloc(32, 1));
    const sealed = '00736c7569636501bffff597070707070707070707070707d858428cdbe12aa898a6978f9990afa2cb2c4c1bd780479355';
    expect(Buffer.from(cipher.open(Buffer.from(sealed, 'hex'), 'here')).toString()).toBe('a message');
  });
});
