import type { ParquetFooter } from './footer.js';

/** What lakeport wrote into a file of a column's origin. */
export interface SourceFacts {
  /** The type in the database; undefined in files of other programs. */
  readonly sourceType: string | undefined;
  /** `exact`, `text` or `lossy`; undefined in files of other programs and of earlier versions. */
  readonly fidelity: string | undefined;
}

/** Names those that are not exact. */
const FIDELITY = 'lakeport.fidelity';

/** Of the columns (top level), in their order. */
export function sourceFacts({ schema, keyValues }: Pick<ParquetFooter, 'schema' | 'keyValues'>): SourceFacts[] {
  const types = namedTexts(keyValues, 'lakeport.source_types');
  const fidelities = namedTexts(keyValues, FIDELITY);
  const otherwise = keyValues.some(({ key }) => key === FIDELITY) ? 'exact' : undefined;
  return schema.children.map(({ element: { name } }) => ({
    sourceType: types.get(name),
    fidelity: fidelities.get(name) ?? otherwise,
  }));
}

/** A JSON object of texts; empty if it is missing, or anything else. */
function namedTexts(keyValues: ParquetFooter['keyValues'], sought: string): ReadonlyMap<string, string> {
  const text = keyValues.find(({ key }) => key === sought)?.value ?? '';
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null) return new Map();
    return new Map(Object.entries(parsed).filter((pair): pair is [string, string] => typeof pair[1] === 'string'));
  } catch {
    return new Map();
  }
}
