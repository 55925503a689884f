import { wholeTable } from '../../src/model/dataset.js';
import type { TablePlan } from '../../src/export/model/plan.js';
import type { ReadColumn, Slice, Snapshot } from '../../src/sources/source.js';

/** What readers see that share nothing. */
export const NO_SNAPSHOT: Snapshot = { consistency: 'none', token: undefined, id: undefined, takenAt: '' };

/** A nullable column of an engine that there is not. */
export const BOOLEAN_COLUMN: ReadColumn = {
  spec: {
    name: 'b',
    fieldId: 1,
    nullable: true,
    list: false,
    type: { physical: 'BOOLEAN' },
    sourceType: 'boolean',
    fidelity: 'exact',
  },
  expression: 'b',
  decoder: { kind: 'boolean' },
};

/** Plans of tables that exist nowhere, for what looks at their slices and degrees only. */
export function tablePlan(
  name: string,
  options: { readonly slices?: number; readonly degree?: number } = {},
): TablePlan {
  const { slices: count = 1, degree = 1 } = options;
  const slices = Array.from({ length: count }, (_, index): Slice => ({
    index,
    method: 'None',
    bounds: '',
    query: `${name} ${index}`,
    estimatedRows: undefined,
  }));
  return {
    dataset: wholeTable({ schema: 'public', name }),
    id: { schema: 'public', name },
    kind: 'table',
    estimatedRows: undefined,
    estimatedBytes: undefined,
    columns: [],
    method: 'None',
    degree,
    slices,
    storageId: 'test',
    directory: `public/${name}`,
    displayPath: `out/public/${name}`,
  };
}
