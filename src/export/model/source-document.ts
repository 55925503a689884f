import type { ServerInfo } from '../../sources/source.js';
import type { SourceDocument } from './source-schema.js';

/** The source of a run, as far as it is known. */
export function sourceDocument(entry: string, server: ServerInfo | undefined): SourceDocument {
  const { product = null, address = null, database = null } = server ?? {};
  return { entry, product, address, database };
}
