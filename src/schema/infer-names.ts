/** Names of columns for fields that have any name. */
import { reservedBecause } from './reserved-names.js';

const MAX_LENGTH = 63;

/** A lower-case SQL identifier that says the same; undefined if nothing is left. */
export function identifierOf(text: string): string | undefined {
  const name = text
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .slice(0, MAX_LENGTH - 1);
  return name === '' ? undefined : name.replace(/^(?=\d)/, '_');
}

/** The names of a spec's columns, each once. */
export class ColumnNames {
  readonly #taken = new Set<string>();

  /** @param name an identifier */
  unique(name: string): string {
    const free = (one: string) => !this.#taken.has(one) && reservedBecause(one) === undefined;
    let found = name;
    for (let count = 2; !free(found); count++) found = `${name.slice(0, MAX_LENGTH - 4)}_${count}`;
    this.#taken.add(found);
    return found;
  }
}
