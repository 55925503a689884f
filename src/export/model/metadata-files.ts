import type { DisplayPath } from '../../model/display-path.js';
import type { ManifestPlace } from './manifest-place.js';

/** What describes the tables of a run for the Common Data Model. */
export interface MetadataOptions {
  /** Names the topmost manifest; undefined for the name of the schema or the database. */
  readonly manifestName: string | undefined;
  /** Whether each table gets a document that defines its entity. */
  readonly includeEntityFiles: boolean;
}

/** The documents of the Common Data Model that are written, or are to be. */
export interface MetadataFiles {
  /** The topmost first. */
  readonly manifests: readonly DisplayPath[];
  readonly entityFiles: readonly DisplayPath[];
}

/** Options of an export, as far as metadata depends on them. */
interface MetadataChoice {
  readonly generateMetadata?: boolean | undefined;
  readonly includeEntityFiles?: boolean | undefined;
  readonly manifestName?: string | undefined;
  readonly manifest?: ManifestPlace | undefined;
}

/** The option that cannot be as it is without `generateMetadata`, or with it; undefined if they go together. */
export function metadataConflict({
  generateMetadata = false,
  includeEntityFiles = false,
  manifestName,
  manifest,
}: MetadataChoice): 'manifest' | 'includeEntityFiles' | 'manifestName' | undefined {
  // Metadata is made from the manifests of tables.
  if (generateMetadata) return manifest === 'none' ? 'manifest' : undefined;
  if (includeEntityFiles) return 'includeEntityFiles';
  return manifestName === undefined ? undefined : 'manifestName';
}
