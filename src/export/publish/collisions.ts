import { LakeportError } from '../../errors.js';
import { tableName, type TableId } from '../../model/table.js';
import type { Slice } from '../../sources/source.js';
import type { PlanStorages } from '../model/plan-storages.js';
import type { TableDestination } from '../model/table-destination.js';

interface PlacedTable {
  readonly id: TableId;
  /** Known once the table is planned. */
  readonly slices?: readonly Pick<Slice, 'directory'>[];
  readonly place: Pick<TableDestination, 'storageId' | 'directory' | 'displayPath'>;
}

/**
 * Two tables in one directory, or nested directories, would mistake each other for an earlier export.
 * @throws LakeportError of class `usage`
 */
export async function checkCollisions(tables: readonly PlacedTable[], storages: PlanStorages): Promise<void> {
  const taken = new Map<string, PlacedTable>();
  for (const table of tables) {
    const { storageId, directory } = table.place;
    const { ignoresCase = false } = (await storages.open(storageId)).capabilities;
    const exact = storages.place(storageId, directory);
    const place = ignoresCase ? exact.normalize('NFC').toLowerCase() : exact;
    const other = taken.get(place);
    if (other !== undefined) throw collision(other, table.id, 'would share the directory');
    taken.set(place, table);
    if (ignoresCase) checkDirectories(table);
  }
  for (const [place, { id }] of taken) {
    for (let at = place.lastIndexOf('/'); at > 0; at = place.lastIndexOf('/', at - 1)) {
      const outer = taken.get(place.slice(0, at));
      if (outer !== undefined) throw collision(outer, id, 'would be nested in each other, in');
    }
  }
}

/** Rows would get the value of another directory. */
function checkDirectories({ id, slices = [], place }: PlacedTable): void {
  const names = new Map<string, string>();
  for (const { directory = '' } of slices) {
    const folded = directory.normalize('NFC').toLowerCase();
    const other = names.get(folded);
    if (other !== undefined && other !== directory) {
      throw new LakeportError({
        code: 'PATHS_COLLIDE',
        message: `${tableName(id)} would have the directories ${other} and ${directory}, which are one in ${place.displayPath}`,
        hint: 'Partition by an expression that folds the case of the values, or export to a place that tells them apart.',
        context: { table: tableName(id), path: place.displayPath },
      });
    }
    names.set(folded, directory);
  }
}

function collision({ id: other, place }: PlacedTable, id: TableId, how: string): LakeportError {
  return new LakeportError({
    code: 'PATHS_COLLIDE',
    message: `The tables ${tableName(other)} and ${tableName(id)} ${how} ${place.displayPath}`,
    hint: 'Give one of them its own path with --route, or export them separately with --include, each with its own --sub-path.',
    context: { table: tableName(id), path: place.displayPath },
  });
}
