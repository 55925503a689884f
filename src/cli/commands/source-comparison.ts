import type { AuthFile } from '../../auth/auth-file.js';
import type { TextEncodingName } from '../../columns/value-digest.js';
import { ENGINES, openSource } from '../../engines.js';
import type { DescribedOrigin } from '../../export/formats/table-format.js';
import {
  type DigestedTable,
  notCompared,
  type SourceComparison,
  verifySource,
} from '../../export/verify/source/verify-source.js';
import type { ExpectedTable, VerifiedTable } from '../../export/verify/verify-tables.js';
import { raceAbort } from '../../runtime/interruption.js';
import type { Inherited, ServerInfo } from '../../sources/source.js';
import type { CliContext } from '../context.js';
import { FLAGS } from '../flags/flags.js';
import { maskNamed } from '../flags/mask-method.js';
import type { ParsedFlags } from '../flags/parsed-flags.js';
import { usageError } from '../flags/usage-error.js';
import type { Session } from '../session.js';

/** Which database tables are compared with; what is undefined comes from their manifests. */
export interface SourceChoice {
  readonly entryId: string | undefined;
  readonly database: string | undefined;
  readonly inherited?: Inherited | undefined;
  /** Of the mask `hash`, if it is known to be that of the export. */
  readonly salt?: string | undefined;
}

/** The encoding in which a table's texts are hashed; undefined if the table cannot be compared. */
export function hashedText({ origin }: ExpectedTable): TextEncodingName | undefined {
  const engine = ENGINES.find(({ name }) => name === origin?.engine);
  return engine && !origin?.isSample ? (engine.hashesTextAs ?? 'utf-8') : undefined;
}

/** @returns undefined without `--against-source` */
export function readSourceChoice(flags: ParsedFlags): SourceChoice | undefined {
  const [entryId, database] = [flags.get(FLAGS.sourceId), flags.get(FLAGS.databaseName)];
  return flags.get(FLAGS.againstSource) ? { entryId, database } : undefined;
}

export interface ComparedTable extends VerifiedTable {
  readonly comparison: SourceComparison;
}

interface Comparing {
  readonly choice: SourceChoice;
  readonly auth: AuthFile | undefined;
  readonly session: Session;
  readonly context: CliContext;
}

/**
 * Compares verified tables with the databases that they were exported from, one after the other.
 * @param expected in the order of `verified`
 * @throws LakeportError if a database cannot be reached, or none is known
 */
export async function compareWithSource(
  verified: readonly VerifiedTable[],
  expected: readonly ExpectedTable[],
  comparing: Comparing,
): Promise<{ readonly tables: readonly ComparedTable[]; readonly servers: readonly ServerInfo[] }> {
  const subjects = verified.map((table, index) => subjectOf(table, expected[index]));
  const comparisons: SourceComparison[] = subjects.map((one) => notCompared('reason' in one ? one.reason : ''));
  const groups = new Map<string, { readonly place: Place; readonly indexes: number[] }>();
  for (const [index, subject] of subjects.entries()) {
    if ('reason' in subject) continue;
    const place = placeOf(subject.origin, comparing);
    const key = JSON.stringify(place);
    const group = groups.get(key) ?? { place, indexes: [] };
    group.indexes.push(index);
    groups.set(key, group);
  }
  const servers: ServerInfo[] = [];
  for (const { place, indexes } of groups.values()) {
    const tables = indexes.flatMap((index) => {
      const subject = subjects[index];
      return subject === undefined || 'reason' in subject ? [] : [subject];
    });
    const compared = await compareGroup(tables, place, comparing);
    servers.push(compared.server);
    compared.comparisons.forEach((comparison, i) => (comparisons[indexes[i] ?? -1] = comparison));
  }
  const tables = verified.map((table, index): ComparedTable => {
    const comparison = comparisons[index] ?? notCompared('');
    return { ...table, comparison, differences: [...table.differences, ...comparison.differences] };
  });
  return { tables, servers };
}

interface Place {
  readonly entryId: string;
  readonly database: string | undefined;
  readonly engine: string | undefined;
}

function placeOf({ entry, database, engine }: DescribedOrigin, { choice }: Comparing): Place {
  const entryId = choice.entryId ?? entry;
  if (entryId === undefined) {
    throw missing('--source-db-auth-id', 'the manifest does not say which entry of the auth file the tables came from');
  }
  // The database of a file is its name, which its entry has.
  const own = engine === 'sqlite' || choice.entryId !== undefined ? undefined : database;
  return { entryId, database: choice.database ?? own, engine };
}

async function compareGroup(
  tables: readonly DigestedTable[],
  { entryId, database, engine }: Place,
  { choice, auth, session, context }: Comparing,
): Promise<{ readonly comparisons: readonly SourceComparison[]; readonly server: ServerInfo }> {
  const { signal } = context;
  if (auth === undefined) throw missing('--auth-file', `the tables were exported from its entry ${entryId}`);
  const entry = auth.database(entryId);
  session.say(`connecting to ${entryId}`);
  const onWait = (message: string) => session.log.write('WARNING', message);
  const { inherited, salt: maskSalt } = choice;
  const source = await openSource(entry, { database, inherited, maskSalt, signal, onWait });
  const stop = () => void source.close();
  signal.addEventListener('abort', stop, { once: true });
  try {
    const onTable = (done: number, of: number) => session.say(`comparing with ${entryId}: table ${done + 1} of ${of}`);
    if (engine !== undefined && engine !== source.engine) {
      const reason = `it was exported from ${engine}, and ${entryId} is ${source.engine}`;
      return { comparisons: tables.map(() => notCompared(reason)), server: source.server };
    }
    const options = { source, maskNamed, hasSalt: maskSalt !== undefined, signal, onTable };
    return { comparisons: await raceAbort(signal, verifySource(tables, options)), server: source.server };
  } finally {
    signal.removeEventListener('abort', stop);
    await source.close();
  }
}

function subjectOf(
  { digested, schema, name, path, rows }: VerifiedTable,
  expected: ExpectedTable | undefined,
): DigestedTable | { readonly reason: string } {
  const { origin, columns } = expected ?? {};
  if (origin === undefined || columns === undefined)
    return { reason: 'there is no manifest that says what was exported' };
  if (origin.engine === undefined)
    return { reason: 'its manifest, of an earlier version, does not say from which kind of database' };
  if (origin.isSample) return { reason: 'its files hold a sample, which is drawn anew each time' };
  if (digested === undefined) return { reason: 'its files cannot be read' };
  return { schema, name, path, rows, columns, origin, files: digested };
}

function missing(flag: string, why: string): Error {
  return usageError({
    code: 'MISSING_FLAG',
    message: `${flag} must be given with --against-source: ${why}`,
    hint: 'lakeport verify RUN_ID|PATH --against-source -a auth.json --source-db-auth-id ID.',
    flag,
  });
}
