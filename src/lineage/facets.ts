/** The facets of OpenLineage that events have, each with the version of its schema. https://openlineage.io/docs/spec */

/** A facet without what all of them have. */
export type FacetContent = Readonly<Record<string, unknown>>;
export type Facets = Readonly<Record<string, FacetContent>>;

const SPEC = 'https://openlineage.io/spec';

/** Of an event. */
export const EVENT_SCHEMA = `${SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent`;

/** By the key of the facet. One of our own has the schema of all facets of its entity, and docs/lineage.md. */
const FACET_SCHEMAS = {
  columnLineage: '1-2-0/ColumnLineageDatasetFacet',
  catalog: '1-1-0/CatalogDatasetFacet',
  dataQualityAssertions: '1-1-0/DataQualityAssertionsDatasetFacet',
  datasetType: '1-0-1/DatasetTypeDatasetFacet',
  errorMessage: '1-0-1/ErrorMessageRunFacet',
  inputStatistics: '1-0-0/InputStatisticsInputDatasetFacet',
  jobType: '2-0-4/JobTypeJobFacet',
  outputStatistics: '1-0-2/OutputStatisticsOutputDatasetFacet',
  processing_engine: '1-1-1/ProcessingEngineRunFacet',
  schema: '1-2-0/SchemaDatasetFacet',
  symlinks: '1-0-1/SymlinksDatasetFacet',
} as const;

const OWN_SCHEMAS = { sluice_offsets: 'InputDatasetFacet' } as const;

type FacetKey = keyof typeof FACET_SCHEMAS | keyof typeof OWN_SCHEMAS;

/** Facets by their keys, as events have them. @param producer a URI */
export function facets(producer: string, contents: Readonly<Partial<Record<FacetKey, FacetContent>>>): Facets {
  return Object.fromEntries(
    Object.entries(contents).map(([key, content]) => [
      key,
      { _producer: producer, _schemaURL: schemaUrl(key as FacetKey), ...content },
    ]),
  );
}

function schemaUrl(key: FacetKey): string {
  if (key in OWN_SCHEMAS)
    return `${SPEC}/2-0-2/OpenLineage.json#/$defs/${OWN_SCHEMAS[key as keyof typeof OWN_SCHEMAS]}`;
  const path = FACET_SCHEMAS[key as keyof typeof FACET_SCHEMAS];
  const [, name] = path.split('/');
  return `${SPEC}/facets/${path}.json#/$defs/${name}`;
}
