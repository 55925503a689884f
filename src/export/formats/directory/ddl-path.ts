import { directoryOf, joinPath, nameOf } from '../../../storage/path.js';
import type { DdlDialect } from '../../model/ddl-dialect.js';

/** Name of the file with a dialect's statements for the table in this directory: beside it, as the manifest is. */
export function ddlName(directory: string, dialect: DdlDialect): string {
  return `_${nameOf(directory)}.${dialect}.sql`;
}

/** Its path. */
export function ddlPath(directory: string, dialect: DdlDialect): string {
  return joinPath(directoryOf(directory), ddlName(directory, dialect));
}
