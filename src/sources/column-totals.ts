/**
 * What a database computes of a column, to be compared with what files hold of it: `columns/value-digest.ts` says which
 * bytes of a value are hashed.
 */
export interface ColumnTotals {
  /** NULLs, and values that the column's Parquet type cannot hold. */
  readonly nulls: number;
  /** NULLs alone. */
  readonly ownNulls: number;
  /** Whether the database can tell which values the Parquet type cannot hold; otherwise `nulls` are only NULLs. */
  readonly tellsUnrepresentable: boolean;
  /** The sum, in 64 bits, of the hashes of its values. Undefined if the database cannot compute them. */
  readonly hash: bigint | undefined;
  /** As decimal numbers; of text, its beginning; of bytes, those of its beginning in hex. Undefined if not computed. */
  readonly min: string | undefined;
  readonly max: string | undefined;
  readonly sum: string | undefined;
}

export interface TableTotals {
  readonly rows: number;
  /** In the order of the columns that were asked for. */
  readonly columns: readonly ColumnTotals[];
}

/** What is known of writes to a table after a moment. */
export type SourceChange =
  | { readonly kind: 'changed' | 'unchanged'; readonly evidence: string }
  | { readonly kind: 'unknown'; readonly reason: string };

/** When an export has seen a table. */
export interface SeenAt {
  /** Of the engine; see `Snapshot.id`. */
  readonly snapshot: string | undefined;
  /** ISO 8601 in UTC, by the source's clock. */
  readonly takenAt: string;
}
