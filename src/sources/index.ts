import type { DatabaseEntry } from '../auth/entries.js';
import { LakeportError } from '../errors.js';
import type { OpenOptions, ReaderSettings, SliceReader, Snapshot, Source, SourceEngine } from './source.js';

/** One line a database engine, loaded when first used. */
const ENGINES: Readonly<Record<string, () => Promise<SourceEngine>>> = {
  mssql: async () => (await import('./mssql/index.js')).mssql,
  postgres: async () => (await import('./postgres/index.js')).postgres,
};

/** Engines that exports can read from, by the auth file's `ds_type`. */
export const SOURCE_ENGINES: readonly string[] = Object.keys(ENGINES);

/** Connects to the entry's database for planning. @throws LakeportError, also for an engine that is not there (yet) */
export async function openSource(entry: DatabaseEntry, options: Omit<OpenOptions, 'entryId'> = {}): Promise<Source> {
  const engine = await loadEngine(entry.engine, entry.id);
  return engine.open(entry.info, { ...options, entryId: entry.id });
}

/** Connects a reader, in a worker, by the settings that the planning side gave out. */
export async function openReader(settings: ReaderSettings, snapshot: Snapshot): Promise<SliceReader> {
  const engine = await loadEngine(settings.engine);
  return engine.openReader(settings, snapshot);
}

async function loadEngine(name: string, entryId?: string): Promise<SourceEngine> {
  const load = ENGINES[name];
  if (load) return load();
  throw new LakeportError({
    code: 'SOURCE_NOT_AVAILABLE',
    exit: 'usage',
    message: `databases of type ${name} cannot be exported from yet`,
    hint: `Available: ${SOURCE_ENGINES.join(', ')}`,
    context: { ...(entryId !== undefined && { entry: entryId }), detail: 'ds_type' },
  });
}
