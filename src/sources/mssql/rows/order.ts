import { hasOneOrder, type OrderDialect } from '../../slice-order.js';
import { quoteName } from '../identifiers.js';

/** Text by its UTF-16 code units. */
const BY_CODE = 'COLLATE Latin1_General_BIN2';

const UNICODE = /^n(?:var)?char\b|^sysname\b/;
const CODE_PAGE = /^(?:var)?char\b/;

/**
 * Text is sorted by code, so that the statistics of row groups are disjoint: in a collation that ignores case, each of them
 * would span all of it. That is not quite the order of its bytes in UTF-8, so it is not declared. `uniqueidentifier` has an
 * order of its own, and its text that of Parquet.
 */
export const MSSQL_ORDER: OrderDialect = {
  nullIsLeast: true,
  key: ({ spec, expression }) => {
    const name = quoteName(spec.name);
    const { sourceType, type } = spec;
    if (UNICODE.test(sourceType)) return { sql: `${name} ${BY_CODE}`, isParquetOrder: false };
    if (CODE_PAGE.test(sourceType))
      return { sql: `CONVERT(nvarchar(4000), ${name}) ${BY_CODE}`, isParquetOrder: false };
    if (type.logical?.kind === 'uuid')
      return { sql: `CONVERT(nvarchar(36), ${name}) ${BY_CODE}`, isParquetOrder: expression === name };
    return { sql: name, isParquetOrder: expression === name && hasOneOrder(spec) };
  },
};
