import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { unitTests } from './unit-tests.js';

/**
 * Starts the test files that take long first, so that no process is left alone with one of them at the end: those with
 * servers and other programs, and among these as Vitest does, by the duration of the last run or else by size.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const units = new Set(unitTests());
    const isUnit = ({ moduleId }: TestSpecification) => units.has(moduleId.slice(this.ctx.config.root.length + 1));
    const sorted = await super.sort(files);
    return [...sorted.filter((file) => !isUnit(file)), ...sorted.filter(isUnit)];
  }
}
