import { LakeportError } from '../../errors.js';
import { type TableId, tableName } from '../../model/table.js';
import { PARTITION_METHODS } from '../../sources/methods.js';
import type { PartitionMethod, TableOverride } from '../../sources/source.js';
import type { TableConfig } from '../model/options.js';
import { suggestedTable } from './near-names.js';
import { readersPerTable } from './reader-budget.js';
import type { RecordedOverride } from '../model/recorded-override.js';

/** By the names that users type, in lower case. */
const METHODS = new Map(
  PARTITION_METHODS.flatMap(({ name, alias }) =>
    [name, alias ?? name].map((typed) => [typed.toLowerCase(), name] as const),
  ),
);

/** Names of methods, as they are shown. */
export const METHOD_NAMES: readonly string[] = PARTITION_METHODS.map(({ name }) => name);

/** A method by the name that a user has typed, in any case; `Modulo` is `Random`. Undefined for no such name. */
export function methodNamed(text: string): PartitionMethod | undefined {
  return METHODS.get(text.trim().toLowerCase());
}

export interface OverrideSources {
  /** Rows of `partition_columns`; the first that names a table counts, and comes before the command line's. */
  readonly recorded: readonly RecordedOverride[];
  readonly config: readonly TableConfig[];
  readonly cores: number;
}

/** What users ask for single tables: from `partition_columns`, or else from the command line. */
export class TableOverrides {
  readonly #sources: OverrideSources;

  constructor(sources: OverrideSources) {
    this.#sources = sources;
  }

  /**
   * Undefined where nobody has asked for anything.
   * @throws LakeportError for a row of `partition_columns` with a method that there is not
   */
  of(table: TableId): TableOverride | undefined {
    const setting = best(this.#sources.recorded, table);
    const { method: text } = setting ?? {};
    const method = text === undefined ? undefined : methodNamed(text);
    if (text !== undefined && method === undefined) throw unknownMethod(text, table);
    const chosen = setting === undefined ? best(this.#sources.config, table) : { ...setting, method };
    if (chosen === undefined) return undefined;
    const { key, degree } = chosen;
    return {
      method: chosen.method,
      key,
      degree: degree === undefined ? undefined : readersPerTable(degree, this.#sources.cores),
    };
  }

  /** One sentence for each entry of the command line that names none of the tables. */
  warnings(tables: readonly TableId[]): string[] {
    return this.#sources.config
      .filter((entry) => !tables.some((table) => isFor(entry, table, exactly) || isFor(entry, table, inAnyCase)))
      .map(({ schema, table }) => {
        const name = schema === undefined ? table : `${schema}.${table}`;
        const ids = tables.map((id) => ({ id }));
        return `No exported table is called ${JSON.stringify(name)}, as --table-config says${suggestedTable(name, ids)}`;
      });
  }
}

interface Named {
  readonly schema: string | undefined;
  readonly table: string;
}

/** The name as it is written goes before the same name in another case, and one with a schema before one without. */
function best<Entry extends Named>(entries: readonly Entry[], table: TableId): Entry | undefined {
  for (const equal of [exactly, inAnyCase]) {
    const matching = entries.filter((entry) => isFor(entry, table, equal));
    const found = matching.find(({ schema }) => schema !== undefined) ?? matching[0];
    if (found !== undefined) return found;
  }
  return undefined;
}

type Equality = (a: string, b: string) => boolean;

function isFor(entry: Named, { schema, name }: TableId, equal: Equality): boolean {
  return equal(entry.table, name) && (entry.schema === undefined || equal(entry.schema, schema));
}

function exactly(a: string, b: string): boolean {
  return a === b;
}

function inAnyCase(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function unknownMethod(text: string, table: TableId): LakeportError {
  return new LakeportError({
    code: 'METHOD_UNKNOWN',
    exit: 'usage',
    message: `partition_columns asks for the method ${JSON.stringify(text)} for ${tableName(table)}, which there is not`,
    hint: `The methods are ${METHOD_NAMES.join(', ')}.`,
    context: { table: tableName(table), detail: 'fastbcp_method' },
  });
}
