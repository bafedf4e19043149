/** The table spec: which field of a message becomes which column. */
import type { SpecAbout } from '../../src/http/snapshot.js';
import { ResultTableView } from './result-table.js';

export function SpecView({ spec }: { readonly spec: SpecAbout }) {
  const rows = spec.columns.map(({ name, kind, paths, role, required }) => [
    ...[name, kind, paths.join(', or ')],
    ...[role ?? '', required ? 'yes' : ''],
  ]);
  return (
    <>
      <p>
        Changes are rows of <code>{spec.table}</code>; the newest of each key are in the view <code>{spec.view}</code>.
      </p>
      <ResultTableView caption="Columns" columns={['column', 'kind', 'field', 'role', 'required']} rows={rows} />
    </>
  );
}
