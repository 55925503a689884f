import type { WireColumn, WireValue } from './result-set.js';

/** A table of a test's database. */
export interface TestTable {
  readonly schema?: string;
  readonly name: string;
  readonly kind?: 'table' | 'view' | 'synonym' | 'external table';
  readonly columns: readonly TestColumn[];
  readonly rows?: readonly (readonly WireValue[])[];
  readonly indexes?: readonly TestIndex[];
  readonly foreignKeys?: readonly TestForeignKey[];
  /** The description that Management Studio shows. */
  readonly comment?: string;
  /** What the statistics say of it; by default what is true. */
  readonly statistics?: { readonly rows: number; readonly pages: number };
  readonly partitions?: number;
  readonly partitionedBy?: PartitionScheme;
  /** Made by the system, or by Management Studio. */
  readonly origin?: 'system' | 'tool';
  /** The error that a query of it gives. */
  readonly refuses?: { readonly number: number; readonly message: string };
  /** Has no physical locations: of memory, or a columnstore. */
  readonly hasLocations?: boolean;
}

export interface TestColumn extends WireColumn {
  readonly comment?: string;
  /** As the catalog shows it, with its parentheses. */
  readonly default?: string;
  /** Name of the alias or CLR type that the column is declared with. */
  readonly userType?: string;
  /** A CLR type: `type` is its own name. */
  readonly isAssembly?: boolean;
  readonly isColumnSet?: boolean;
  readonly isHidden?: boolean;
  /** Of a temporal table's period. */
  readonly isPeriod?: boolean;
  /** Under dynamic data masking, which no user of the server is exempt from. */
  readonly isMasked?: boolean;
  /** Under Always Encrypted. */
  readonly isEncrypted?: boolean;
  /** What results declare the column as, where the catalog says something else. */
  readonly arrivesAs?: string;
}

/** A partition function and its scheme: one partition more than there are boundaries. */
export interface PartitionScheme {
  readonly function: string;
  readonly column: string;
  readonly boundaries: readonly WireValue[];
  /** RANGE RIGHT: a boundary is the first value of the partition on its right. */
  readonly isOnRight: boolean;
}

interface TestForeignKey {
  readonly name: string;
  readonly columns: readonly string[];
  /** The name of a table of the same schema. */
  readonly references: string;
  readonly referenced: readonly string[];
  readonly isTrusted?: boolean;
}

interface TestIndex {
  readonly name?: string;
  readonly isPrimary?: boolean;
  readonly keys: readonly string[];
  readonly isClustered?: boolean;
  readonly isUnique?: boolean;
  readonly filtered?: boolean;
}

/** In what a server differs from Microsoft's, or a user from an administrator. */
export interface Quirks {
  /** Views that queries are refused on: missing (208) or denied (229, 300). */
  readonly refused?: Readonly<Record<string, number>>;
  readonly noPhysloc?: boolean;
  /** Names in `sys.*` in lower case; INFORMATION_SCHEMA keeps them. */
  readonly lowerCaseSys?: boolean;
  /** All columns of results are declared nullable. */
  readonly allNullable?: boolean;
  /** `snapshot_isolation_state` */
  readonly snapshotState?: number;
  readonly readCommittedSnapshot?: boolean;
  /** What MIN_ACTIVE_ROWVERSION says: the least version of a transaction that is open, or the next one. */
  readonly minActiveRowversion?: number;
  /** A database that nobody can write to, such as a secondary. */
  readonly isReadOnly?: boolean;
  readonly version?: string;
  readonly edition?: number;
  /** Names of the catalog arrive in the code page of the collation. */
  readonly varcharNames?: boolean;
  /** CONVERT knows no styles but those of dates (Babelfish). */
  readonly noStyles?: boolean;
}
