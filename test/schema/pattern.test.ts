import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Automaton, accepts, automatonOf } from '../../src/schema/automaton.js';
import { PatternError, parsePattern, patternText } from '../../src/schema/pattern.js';

function matches(pattern: string, text: string): boolean {
  return accepts(automatonOf(parsePattern(pattern)), Buffer.from(text));
}

describe('a pattern', () => {
  it.each([
    ['[A-Z]{3}', ['EUR'], ['eur', 'EURO', 'EU', '']],
    ['^[A-Z]{3}$', ['EUR'], ['EURO']],
    ['(created|paid)?', ['', 'paid'], ['pai', 'paidpaid']],
    ['82[0-9A-F]{16}.*', [`82${'0A'.repeat(8)}`, `82${'0A'.repeat(8)}é🎉`], ['82', `82${'0A'.repeat(8)}\n`]],
    ['[^@\\s]+@[^@\\s]+\\.[a-z]{2,}', ['a@b.de', 'é🎉@ü.org'], ['a@b', 'a b@c.de', '@b.de']],
    ['[à-ü]+', ['é', 'àü'], ['e', '']],
    ['[^a]', ['é', '🎉', '\n'], ['a', 'ab', '']],
    ['.', ['é', '\r', '\u2028', '\u{10ffff}'], ['\n', 'éé']],
    ['a{2,3}', ['aa', 'aaa'], ['a', 'aaaa']],
    ['a{2,}', ['aa', 'aaaaa'], ['a']],
    ['(?:a|b)*c', ['c', 'abbac'], ['ab']],
    ['\\d\\.\\-\\w\\S', ['1.-_x'], ['1x-_x', '١.-_x']],
    ['[\\]\\[^-]', [']', '[', '^', '-'], ['\\']],
    ['', [''], ['a']],
  ])('%s takes and refuses as it should', (pattern, taken, refused) => {
    for (const text of taken) expect([text, matches(pattern, text)]).toEqual([text, true]);
    for (const text of refused) expect([text, matches(pattern, text)]).toEqual([text, false]);
  });

  it.each([
    ['a|b$', 'in parentheses'],
    ['a$b', '"b" has no place here (character 2)'],
    ['a**', 'a repetition of a repetition'],
    ['*', '"*" for itself is "\\*"'],
    ['(?=a)', 'of the groups with (? only (?: is supported'],
    ['\\b', '\\b is not supported'],
    ['\\1', '\\1 is not supported'],
    ['(a', 'a group without its )'],
    ['a)', '")" has no place here'],
    ['[a', 'it ends too early'],
    ['[z-a]', 'the lower one first'],
    ['[]', 'a class without characters'],
    ['[^\\s\\S]', 'a class without characters'],
    ['a{3,2}', 'the lower one first'],
    ['(a{50}){50}', 'at most 1000 together'],
    ['a{x}', 'a repetition is {n}'],
    ['('.repeat(60), 'groups in each other'],
  ])('%s is refused, and it is said why', (pattern, why) => {
    expect(() => parsePattern(pattern)).toThrow(PatternError);
    expect(() => parsePattern(pattern)).toThrow(why);
  });

  it('that would not fit the memory is refused', () => {
    expect(() => automatonOf(parsePattern('(.*a.{20})'))).toThrow('more states');
  });

  const member = fc.constantFrom('a', 'b', 'é', '-', '\\d', '\\w', 'a-f', '\\S');
  const atom = fc.oneof(
    fc.constantFrom('a', 'b', '.', 'é', '🎉', '\\d', '\\W', '\\.', '\\n'),
    fc.tuple(fc.constantFrom('', '^'), fc.array(member, { minLength: 1, maxLength: 3 })).map(
      // A "-" in the middle would be a range.
      ([negated, members]) =>
        `[${negated}${[...members]
          .sort((m) => (m === '-' ? 1 : -1))
          .join('')
          .replaceAll('-\\', '\\-\\')}]`,
    ),
  );
  const patterns = fc.letrec<{ pattern: string; part: string }>((tie) => ({
    part: fc.oneof(
      { withCrossShrink: true, maxDepth: 3 },
      atom,
      fc
        .tuple(tie('pattern'), fc.constantFrom('', '*', '+', '?', '{2}', '{1,2}', '{1,}'))
        .map(([p, r]) => `(${p})${r}`),
    ),
    pattern: fc.oneof(
      fc.array(tie('part'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('')),
      fc.tuple(tie('part'), tie('part')).map((parts) => parts.join('|')),
    ),
  })).pattern;
  const text = fc.string({
    unit: fc.constantFrom('a', 'b', 'c', '1', 'é', '🎉', '-', '.', '\n', ' '),
    maxLength: 6,
  });

  it('means what it means to the platform, as it is and in the form for others', () => {
    fc.assert(
      fc.property(patterns, fc.array(text, { minLength: 20, maxLength: 20 }), (pattern, texts) => {
        let node: ReturnType<typeof parsePattern>;
        let automaton: Automaton;
        try {
          node = parsePattern(pattern);
          automaton = automatonOf(node);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(PatternError);
          return;
        }
        const platform = new RegExp(`^(?:${patternText(node)})$`, 'u');
        // Its "." leaves out more than a line feed.
        const plain = new RegExp(`^(?:${pattern.replaceAll(/(?<!\\)\.(?![^[]*\])/g, '[^\\n]')})$`, 'u');
        for (const each of texts) {
          const accepted = accepts(automaton, Buffer.from(each));
          expect([pattern, each, platform.test(each), plain.test(each)]).toEqual([pattern, each, accepted, accepted]);
        }
      }),
      { numRuns: 150, seed: 1 },
    );
  });
});
