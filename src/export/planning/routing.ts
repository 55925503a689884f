import { type TableId, tableKey, tableName } from '../../model/table.js';
import type { SourceTable } from '../../sources/source.js';
import { joinPath, datasetDirectory } from '../../storage/path.js';
import { TablePattern } from './like-pattern.js';
import { tableFormat } from '../formats/formats.js';
import { suggestedTable } from './near-names.js';
import { ddlObstacle } from '../ddl/statement.js';
import type { ExportOptions } from '../model/options.js';
import type { PlanStorages } from '../model/plan-storages.js';
import { checkCollisions } from '../publish/collisions.js';
import type { TableDestination } from '../model/table-destination.js';

export interface TableDestinations {
  /** Only for the routed tables. */
  of(id: TableId): TableDestination;
  /** One sentence for each route that no table takes, and for each system that cannot read from where tables go. */
  readonly warnings: readonly string[];
}

/**
 * Assigns each table its storage and directory, and opens the storages used.
 * @throws LakeportError of class `usage` if the directories of two tables collide
 */
export async function routeTables(
  tables: readonly Pick<SourceTable, 'id'>[],
  options: Pick<ExportOptions, 'routes' | 'subPath' | 'manifest' | 'ddl'>,
  storages: PlanStorages,
): Promise<TableDestinations> {
  const routes = options.routes.map((route) => ({
    ...route,
    patterns: route.patterns.map((text) => new TablePattern(text, '--route')),
    isTaken: false,
  }));
  const format = tableFormat(options);
  const places: { readonly id: TableId; readonly place: TableDestination }[] = [];
  for (const { id } of tables) {
    const route = routes.find(({ patterns }) => patterns.some((pattern) => pattern.matches(id)));
    if (route !== undefined) route.isTaken = true;
    const storageId = route?.storageId ?? storages.defaultId;
    const directory = datasetDirectory(joinPath(route?.subPath ?? '', options.subPath), id);
    const storage = await storages.open(storageId);
    const path = format.descriptionPath(directory);
    const manifest = path === undefined ? undefined : storage.display(path);
    const ddl = format.ddlPaths(directory).map(({ dialect, path: file }) => [dialect, storage.display(file)] as const);
    const files = ddl.length > 0 ? { ddl: Object.fromEntries(ddl) } : {};
    places.push({ id, place: { storageId, directory, displayPath: storage.display(directory), manifest, ...files } });
  }
  await checkCollisions(places, storages);
  const byTable = new Map(places.map(({ id, place }) => [tableKey(id), place]));
  return {
    of: (id) => {
      const place = byTable.get(tableKey(id));
      if (place === undefined) throw new TypeError(`${tableName(id)} is not one of the routed tables`);
      return place;
    },
    warnings: [
      ...routes.flatMap((route) => routeWarnings(route, tables)),
      ...(await ddlWarnings(new Set(places.map(({ place }) => place.storageId)), options, storages)),
    ],
  };
}

interface TakenRoute {
  readonly patterns: readonly TablePattern[];
  readonly storageId: string;
  readonly isTaken: boolean;
}

/** Warnings about a route, or patterns of it, without effect. */
function routeWarnings(
  { patterns, storageId, isTaken }: TakenRoute,
  tables: readonly Pick<SourceTable, 'id'>[],
): string[] {
  const idle = patterns.filter((pattern) => !tables.some(({ id }) => pattern.matches(id)));
  if (isTaken) {
    return idle.map(({ text }) => `No table matches ${JSON.stringify(text)} of --route${suggestedTable(text, tables)}`);
  }
  const list = patterns.map(({ text }) => JSON.stringify(text)).join(', ');
  const [first] = idle;
  const why =
    idle.length < patterns.length || first === undefined
      ? ': matching tables are taken by an earlier --route'
      : suggestedTable(first.text, tables);
  return [`No table is routed to ${storageId} by ${list} of --route${why}`];
}

async function ddlWarnings(
  storageIds: ReadonlySet<string>,
  { ddl = [] }: Pick<ExportOptions, 'ddl'>,
  storages: PlanStorages,
): Promise<string[]> {
  const warnings: string[] = [];
  if (ddl.length === 0) return warnings;
  for (const id of storageIds) {
    const storage = await storages.open(id);
    for (const dialect of ddl) {
      const obstacle = ddlObstacle(dialect, storage.place(''));
      if (obstacle === undefined) continue;
      warnings.push(
        `There are no statements for ${dialect} (--generate-ddl) of tables in ${storage.display('')}: ${obstacle}`,
      );
    }
  }
  return warnings;
}
