import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js';

/** Statistics of a column chunk, with the bounds as bytes: decoded, decimals and texts would lose what they are. */
export interface ChunkStatistics {
  readonly nulls: number | undefined;
  readonly distinct: number | undefined;
  /** PLAIN, without the length of byte arrays. */
  readonly min: Uint8Array | undefined;
  readonly max: Uint8Array | undefined;
  /** Whether the bound is a value; a long one may be shortened to one that still bounds the values. */
  readonly isMinExact: boolean;
  readonly isMaxExact: boolean;
}

/** By the numbers of parquet.thrift: FileMetaData, RowGroup, ColumnChunk, ColumnMetaData. */
interface ThriftFooter {
  readonly field_4?: readonly {
    readonly field_1?: readonly {
      readonly field_3?: { readonly field_1: number; readonly field_12?: ThriftStatistics };
    }[];
  }[];
}

/** In a damaged footer, of any types. */
interface ThriftStatistics {
  /** Deprecated maximum and minimum, of signed comparison whatever the type. */
  readonly field_1?: unknown;
  readonly field_2?: unknown;
  readonly field_3?: unknown;
  readonly field_4?: unknown;
  readonly field_5?: unknown;
  readonly field_6?: unknown;
  readonly field_7?: unknown;
  readonly field_8?: unknown;
}

/** Types 6 and 7 are byte arrays, whose deprecated bounds were compared wrongly. */
const FIRST_BYTE_ARRAY = 6;

/** Statistics by row group and column, from the footer without its trailer. */
export function chunkStatistics(footer: Uint8Array): (ChunkStatistics | undefined)[][] {
  const view = new DataView(footer.buffer, footer.byteOffset, footer.byteLength);
  const thrift = deserializeTCompactProtocol({ view, offset: 0 }) as ThriftFooter; // parquet.thrift
  return (thrift.field_4 ?? []).map(({ field_1: columns = [] }) =>
    columns.map(({ field_3: data }) => {
      if (data?.field_12 === undefined) return undefined;
      return statisticsOf(data.field_12, data.field_1 < FIRST_BYTE_ARRAY);
    }),
  );
}

function statisticsOf(found: ThriftStatistics, takesDeprecated: boolean): ChunkStatistics {
  const number = (value: unknown) => (typeof value === 'bigint' && value >= 0n ? Number(value) : undefined);
  const bytes = (value: unknown, deprecated: unknown) => {
    const chosen = value ?? (takesDeprecated ? deprecated : undefined);
    return chosen instanceof Uint8Array ? chosen : undefined;
  };
  return {
    nulls: number(found.field_3),
    distinct: number(found.field_4),
    max: bytes(found.field_5, found.field_1),
    min: bytes(found.field_6, found.field_2),
    isMaxExact: found.field_7 !== false,
    isMinExact: found.field_8 !== false,
  };
}
