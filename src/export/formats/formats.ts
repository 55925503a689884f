import { FORMER_MANIFEST_PLACE } from '../model/manifest-place.js';
import type { ExportOptions } from '../model/options.js';
import { DirectoryFormat } from './directory/directory-format.js';
import type { TableFormat } from './table-format.js';

/** The options that choose a format. */
type FormatOptions = Pick<ExportOptions, 'manifest' | 'ddl'>;

/** The format of a run's tables. A new format is a folder, and a case here. */
export function tableFormat({ manifest, ddl = [] }: FormatOptions): TableFormat {
  return new DirectoryFormat({ manifestPlace: manifest ?? FORMER_MANIFEST_PLACE, dialects: [...new Set(ddl)] });
}
