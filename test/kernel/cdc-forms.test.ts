/** Topics of connectors through the specs that are built in, value by value. */
import { describe, expect, it } from 'vitest';
import { PRESETS } from '../../src/schema/presets.js';
import { cdcForms, readableResult } from '../support/cdc-forms.js';
import { expectAsReference, kernelResults, kernelsOf } from '../support/kernel.js';

const FORMS = cdcForms();

describe.each(FORMS)('$name', ({ spec, about, messages, expected }) => {
  it('becomes the rows and rejects that are written down', () => {
    const kernels = kernelsOf(spec);
    expectAsReference(kernels, spec, messages);
    const found = kernelResults(kernels[0], spec, messages);
    expect(found.map((result, index) => readableResult(spec, about[index], result))).toEqual(expected);
  });
});

/** The messages and rows of `capture`. */
const SAME_FORM = ['orders-checked'];

it('each preset has a sample', () => {
  expect(new Set([...FORMS.flatMap(({ preset }) => preset ?? []), ...SAME_FORM])).toEqual(
    new Set(Object.keys(PRESETS)),
  );
});
