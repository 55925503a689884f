import { hasOneOrder, type OrderDialect } from '../../slice-order.js';
import { quoteName } from '../identifiers.js';

/** Types that are text in any collation. */
const TEXT = /^(?:text|character varying|name|citext)\b/;

export const POSTGRES_ORDER: OrderDialect = {
  nullIsLeast: false,
  key: ({ spec, expression }) => {
    const name = quoteName(spec.name);
    const { physical, logical } = spec.type;
    // Byte by byte, as Parquet's statistics are, so that those of row groups are disjoint.
    if (!spec.list && logical?.kind === 'string' && TEXT.test(spec.sourceType)) {
      return { sql: `CAST(${name} AS pg_catalog.text) COLLATE pg_catalog."C"`, isParquetOrder: true };
    }
    const isBytes = logical?.kind === 'uuid' || (logical === undefined && physical === 'BYTE_ARRAY');
    return { sql: name, isParquetOrder: expression === name && (hasOneOrder(spec) || (isBytes && !spec.list)) };
  },
};
