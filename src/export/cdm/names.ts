import { encodeSegment, joinPath, nameOf } from '../../storage/path.js';
import type { DescribedTable } from '../formats/table-format.js';

/** Names of the Common Data Model's files, which no directory of a table or schema can have (`storage/path.ts`). */

/** Of a folder's manifests: `manifest.json`, and the one whose name Microsoft's own readers insist on. */
export const MANIFEST_NAMES = ['manifest.json', 'default.manifest.cdm.json'] as const;

export type ManifestName = (typeof MANIFEST_NAMES)[number];

/** Of a table's entity document, relative to the directory that the table's is in. */
export function entityFileName({ directory }: Pick<DescribedTable, 'directory'>): string {
  // Readers take what ends in `.manifest.cdm.json` or `.folio.cdm.json` for a manifest.
  return `${nameOf(directory).replace(/\.(?=(?:manifest|folio)$)/i, '%2E')}.cdm.json`;
}

/** A name that paths of the Common Data Model can end in: `/` and `:` are parts of their syntax. */
export function entityName({ name }: Pick<DescribedTable, 'name'>): string {
  return /[/:\\\p{Cc}]/u.test(name) ? encodeSegment(name) : name;
}

/** Where a table's entity is defined, relative to the directory that the table's is in. */
export function entityPath(table: Pick<DescribedTable, 'directory' | 'name'>): string {
  return joinPath(entityFileName(table), entityName(table));
}
