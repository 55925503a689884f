import { type TableId, tableKey, tableName } from '../../model/table.js';
import type { SourceTable } from '../../sources/source.js';
import { joinPath, datasetDirectory } from '../../storage/path.js';
import { TablePattern } from './like-pattern.js';
import { FORMER_MANIFEST_PLACE, manifestPath } from '../model/manifest-place.js';
import { suggestedTable } from './near-names.js';
import type { ExportOptions } from '../model/options.js';
import type { PlanStorages } from '../model/plan-storages.js';
import { checkCollisions } from '../publish/collisions.js';
import type { TableDestination } from '../model/table-destination.js';

export interface TableDestinations {
  /** Only for the tables that were placed. */
  of(id: TableId): TableDestination;
  /** One sentence each, about routes that no table takes. */
  readonly warnings: readonly string[];
}

/**
 * Gives each table its storage and directory, and opens the storages that any of them goes to.
 * @throws LakeportError of class `usage` where two tables would get into each other's way
 */
export async function routeTables(
  tables: readonly Pick<SourceTable, 'id'>[],
  options: Pick<ExportOptions, 'routes' | 'subPath' | 'manifest'>,
  storages: PlanStorages,
): Promise<TableDestinations> {
  const routes = options.routes.map((route) => ({
    ...route,
    patterns: route.patterns.map((text) => new TablePattern(text, '--route')),
    isTaken: false,
  }));
  const places: { readonly id: TableId; readonly place: TableDestination }[] = [];
  for (const { id } of tables) {
    const route = routes.find(({ patterns }) => patterns.some((pattern) => pattern.matches(id)));
    if (route !== undefined) route.isTaken = true;
    const storageId = route?.storageId ?? storages.defaultId;
    const directory = datasetDirectory(joinPath(route?.subPath ?? '', options.subPath), id);
    const storage = await storages.open(storageId);
    const path = manifestPath(directory, options.manifest ?? FORMER_MANIFEST_PLACE);
    const manifest = path === undefined ? undefined : { path, displayPath: storage.display(path) };
    places.push({ id, place: { storageId, directory, displayPath: storage.display(directory), manifest } });
  }
  await checkCollisions(places, storages);
  const byTable = new Map(places.map(({ id, place }) => [tableKey(id), place]));
  return {
    of: (id) => {
      const place = byTable.get(tableKey(id));
      if (place === undefined) throw new TypeError(`${tableName(id)} is none of the tables that were placed`);
      return place;
    },
    warnings: routes.flatMap((route) => routeWarnings(route, tables)),
  };
}

interface TakenRoute {
  readonly patterns: readonly TablePattern[];
  readonly storageId: string;
  readonly isTaken: boolean;
}

/** What of a route has no effect. */
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
      ? ': what matches goes by an earlier --route'
      : suggestedTable(first.text, tables);
  return [`No table goes to ${storageId} by ${list} of --route${why}`];
}
