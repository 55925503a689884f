import { LakeportError } from '../../errors.js';
import { parquetTypeName } from '../../columns/type-name.js';
import { tableKey, tableName } from '../../model/table.js';
import type { ReadColumn, SourceDataset, SourceTable, TableProblem } from '../../sources/source.js';
import type { ConstantColumn } from '../model/constant-column.js';
import type { TableSync } from '../model/table-sync.js';
import type { PublishedSyncs } from '../formats/table-format.js';
import { type IncrementalTables, type SyncContext, type SyncedTable, withRowsOf } from './incremental-tables.js';
import type { PlanningContext } from './planning-context.js';
import type { TableDestinations } from './routing.js';
import { schemaChanges } from './schema-changes.js';

interface SyncPlanning {
  readonly incremental: IncrementalTables;
  readonly places: TableDestinations;
}

/** The tables with the rows that their syncs read, and these syncs by table key. */
interface PlannedSyncs {
  readonly tables: readonly SourceTable[];
  readonly byKey: ReadonlyMap<string, SyncedTable>;
}

/** Adds tables that cannot be synced to `problems`. */
export async function planSyncs(
  context: PlanningContext,
  tables: readonly SourceTable[],
  { incremental, places, problems }: SyncPlanning & { readonly problems: TableProblem[] },
): Promise<PlannedSyncs> {
  const byKey = new Map<string, SyncedTable>();
  if (incremental.isEmpty) return { tables, byKey };
  const planned: SourceTable[] = [];
  for (const table of tables) {
    context.signal.throwIfAborted();
    try {
      const synced = await nextSync(context, table, { incremental, places });
      if (synced !== undefined) byKey.set(tableKey(table.id), synced);
      planned.push(synced?.table ?? table);
    } catch (thrown) {
      context.signal.throwIfAborted();
      const error = LakeportError.from(thrown).within({ table: tableName(table.id) });
      // The whole plan is retried. A mistake in the options fails every table.
      if ((error.transient && error.exit === 'unreachable') || error.exit === 'usage') throw error;
      problems.push({ id: table.id, error });
    }
  }
  return { tables: planned, byKey };
}

/** A sync of which files are staged goes on as it was planned. */
async function nextSync(
  context: PlanningContext,
  table: SourceTable,
  { incremental, places }: SyncPlanning,
): Promise<SyncedTable | undefined> {
  const recorded = context.resumption?.syncOf(table.id);
  if (recorded === undefined) return incremental.next(table, await syncContext(context, table, places));
  return { table: withRowsOf(recorded, table), sync: recorded, published: undefined };
}

async function syncContext(
  { source, storages, loggedSync }: PlanningContext,
  { id }: SourceDataset,
  places: TableDestinations,
): Promise<SyncContext> {
  const place = places.of(id);
  return { source, storages, place, logged: await loggedSync?.(id, place) };
}

/** What the columns of a table say about its sync. */
export interface PlannedSync {
  readonly table: SourceDataset;
  readonly sync: TableSync | undefined;
  /** What the sync is added to; undefined if it replaces it, or there is nothing. */
  readonly published?: PublishedSyncs | undefined;
}

interface Described {
  readonly table: SourceDataset;
  readonly columns: readonly ReadColumn[];
  readonly added: readonly ConstantColumn[];
}

/** Their columns, by table key. */
type PrimaryKeys = ReadonlyMap<string, readonly string[] | undefined>;

/** Compares the columns of tables with those of their earlier syncs. */
export class SyncsOfColumns {
  readonly #context: PlanningContext;
  readonly #planning: SyncPlanning;
  readonly #synced: ReadonlyMap<string, SyncedTable>;
  readonly #described: readonly Described[];
  #keys: Promise<PrimaryKeys> | undefined;

  /** @param options.described the tables whose columns are known, synced or not */
  constructor(
    context: PlanningContext,
    {
      synced,
      described,
      ...planning
    }: SyncPlanning & { readonly synced: PlannedSyncs['byKey']; readonly described: readonly Described[] },
  ) {
    this.#context = context;
    this.#planning = planning;
    this.#synced = synced;
    this.#described = described;
  }

  /** @throws LakeportError if the columns have changed, and the options do not allow it; if a key is needed and missing */
  async of({ table, columns, added }: Described): Promise<PlannedSync> {
    const synced = this.#synced.get(tableKey(table.id));
    if (synced === undefined) return { table, sync: undefined };
    const { options } = this.#context;
    const key = await this.#keyOf(table, synced.sync);
    const sync = key === undefined ? synced.sync : { ...synced.sync, key };
    const now = [...columns, ...added].map(({ spec }) => {
      return { name: spec.name, type: parquetTypeName(spec), nullable: spec.nullable, mask: spec.mask };
    });
    const changes = synced.published === undefined ? [] : schemaChanges(synced.published, now);
    const { published } = synced;
    if (changes.length === 0) return { table, sync, published };
    const texts = changes.map(({ text }) => text);
    const { onSchemaChange = 'fail' } = options;
    const fatal = changes.find(({ kind }) => kind === 'other' || (kind === 'widened' && !sync.compacts));
    if (onSchemaChange === 'fail' || (onSchemaChange === 'evolve' && fatal !== undefined)) {
      throw schemaChanged(table, { texts, fatal: onSchemaChange === 'evolve' ? fatal?.text : undefined });
    }
    if (onSchemaChange === 'evolve') return { table, sync: { ...sync, schemaChanges: texts }, published };
    const why = `its columns have changed: ${texts.join('; ')}`;
    const anew = await this.#planning.incremental.next(
      { ...table, dataset: { ...table.dataset, increment: undefined } },
      await syncContext(this.#context, table, this.#planning.places),
      why,
    );
    if (anew === undefined) throw new TypeError('A table is no longer synced');
    return {
      table: { ...table, dataset: anew.table.dataset },
      sync: { ...anew.sync, schemaChanges: texts, ...(key !== undefined && { key }) },
    };
  }

  /** Of all synced tables at once. */
  async #readKeys(): Promise<PrimaryKeys> {
    const tables = this.#described.map(({ table }) => table).filter(({ id }) => this.#synced.has(tableKey(id)));
    const found = (await this.#context.source.readMetadata?.(tables)) ?? [];
    return new Map(tables.map(({ id }, index) => [tableKey(id), found[index]?.primaryKey?.columns]));
  }

  /** The primary key, if rows must be told apart by it. */
  async #keyOf(table: SourceDataset, { strategy }: TableSync): Promise<readonly string[] | undefined> {
    const { compactEvery, detectDeletes } = this.#context.options;
    const key = (await (this.#keys ??= this.#readKeys())).get(tableKey(table.id));
    if (key !== undefined) return key;
    const needing = [
      ...(strategy === 'upsert' ? ['the strategy upsert'] : []),
      ...(compactEvery === undefined ? [] : ['--compact-every']),
      ...(detectDeletes === true ? ['--detect-deletes'] : []),
    ];
    if (needing.length === 0) return undefined;
    throw new LakeportError({
      code: 'SYNC_NEEDS_KEY',
      message: `${tableName(table.id)} has no primary key, by which ${needing.join(' and ')} ${needing.length === 1 ? 'tells' : 'tell'} rows apart`,
      hint: 'Add a primary key in the source, or sync the table with the strategy append.',
      context: { table: tableName(table.id) },
    });
  }
}

/**
 * Files of one table have the same levels of directories.
 * @param levels of the files to come; undefined where no directory is known yet
 * @throws LakeportError if those of earlier syncs have others
 */
export function checkLevels(
  { id }: SourceDataset,
  {
    published,
    levels,
  }: { readonly published: PublishedSyncs | undefined; readonly levels: readonly string[] | undefined },
): void {
  if (published === undefined || levels === undefined || published.levels.join('/') === levels.join('/')) return;
  const text = (names: readonly string[]) => (names.length === 0 ? 'none' : names.join('/'));
  throw new LakeportError({
    code: 'SYNC_SCHEMA_CHANGED',
    message: `The directories of ${tableName(id)} were by ${text(published.levels)}, and would be by ${text(levels)} now`,
    hint: 'Partition the table as before, or export it again with --reset-watermarks.',
    context: { table: tableName(id) },
  });
}

function schemaChanged(
  { id }: SourceDataset,
  { texts, fatal }: { readonly texts: readonly string[]; readonly fatal: string | undefined },
): LakeportError {
  return new LakeportError({
    code: 'SYNC_SCHEMA_CHANGED',
    message:
      fatal === undefined
        ? `The columns of ${tableName(id)} have changed since the last sync: ${texts.join('; ')}`
        : `Earlier files of ${tableName(id)} cannot be read together with new ones: ${fatal}`,
    hint:
      fatal === undefined
        ? '--on-schema-change evolve keeps earlier files where readers can, full exports the table again.'
        : 'Export the table again with --on-schema-change full.',
    context: { table: tableName(id) },
  });
}
