import pLimit from 'p-limit';
import type pg from 'pg';
import { LakeportError } from '../../errors.js';
import type {
  DescribeOptions,
  PinOptions,
  ReadColumn,
  ReaderSettings,
  ServerInfo,
  Slice,
  SliceOptions,
  Snapshot,
  Source,
  SourceTable,
  TableId,
  TableProblem,
} from '../source.js';
import { listTables } from './catalog.js';
import { describeColumns } from './columns.js';
import { type ConnectOptions, discard, negotiatePostgres } from './connection.js';
import { postgresError } from './errors.js';
import { readMembers } from './members.js';
import { findRelations, type Relation } from './relations.js';
import { countFreeConnections, readServerFacts, type ServerFacts } from './server.js';
import { displayAddress, type PostgresSettings } from './settings.js';
import { isLarge, sliceMembers, wholeTable } from './slices.js';
import { pinTables } from './snapshot.js';
import { checkWish, requirePages } from './wish.js';

/** Connects the planner's session. @throws LakeportError */
export async function openPostgresSource(settings: PostgresSettings, options: ConnectOptions): Promise<Source> {
  const session = await openSession(settings, options);
  return new PostgresSource(session);
}

interface PlannerSession {
  readonly client: pg.Client;
  readonly settings: PostgresSettings;
  readonly facts: ServerFacts;
}

async function openSession(settings: PostgresSettings, options: ConnectOptions): Promise<PlannerSession> {
  const negotiated = await negotiatePostgres(settings, options);
  try {
    // All that the planner asks for is named in full; nothing that lies in the user's search_path may stand before it.
    await negotiated.client.query('SET search_path = pg_catalog');
    return { ...negotiated, facts: await readServerFacts(negotiated.client) };
  } catch (error) {
    await negotiated.client.end().catch(() => undefined);
    throw postgresError(error, { entry: settings.entryId });
  }
}

/** A server that does not answer an idle connection within so many milliseconds has lost it. */
const ANSWER_MS = 15_000;

/** The planning side: one connection, which holds the snapshot and the locks until it is closed. */
class PostgresSource implements Source {
  readonly engine = 'postgres';
  readonly server: ServerInfo;
  #client: pg.Client;
  readonly #settings: PostgresSettings;
  #facts: ServerFacts;
  readonly #relations = new Map<string, Relation>();
  /** A savepoint belongs to one question, so they are asked one after the other. */
  readonly #oneByOne = pLimit(1);
  #pinned = false;

  constructor({ client, settings, facts }: PlannerSession) {
    this.#client = client;
    this.#settings = settings;
    this.#facts = facts;
    this.server = {
      product: `PostgreSQL ${facts.versionText}`,
      address: displayAddress(settings),
      database: facts.database,
    };
  }

  listTables(options: { readonly views: boolean }): Promise<SourceTable[]> {
    return this.#asking(undefined, () => listTables(this.#client, this.#facts, options));
  }

  async pin(
    tables: readonly SourceTable[],
    options: PinOptions,
  ): Promise<{ readonly snapshot: Snapshot; readonly problems: TableProblem[] }> {
    const { lockTimeoutMs } = this.#settings;
    const consistency = options.consistency === 'none' ? 'none' : 'run';
    return this.#oneByOne(async () => {
      try {
        if (this.#pinned) await this.#client.query('ROLLBACK');
        this.#pinned = false;
        const pinned = await pinTables(this.#client, this.#facts, tables, { consistency, lockTimeoutMs });
        this.#pinned = consistency === 'run';
        return pinned;
      } catch (error) {
        await this.#client.query('ROLLBACK').catch(() => undefined);
        throw postgresError(error, { entry: this.#settings.entryId });
      }
    });
  }

  async describe(
    tables: readonly SourceTable[],
    options: DescribeOptions,
  ): Promise<({ readonly columns: ReadColumn[] } | TableProblem)[]> {
    const ids = tables.map(({ id }) => id);
    const found = await this.#find(ids);
    const readable = ids.flatMap((id, index) => {
      const relation = found[index];
      return relation === undefined || relation instanceof LakeportError ? [] : [{ id, ...relation }];
    });
    const described = await this.#asking(undefined, () =>
      describeColumns(this.#client, this.#facts, readable, options),
    );
    const columns = new Map(readable.map(({ id }, index) => [keyOf(id), described[index]]));
    return ids.map((id, index) => {
      const relation = found[index];
      const answer = relation instanceof LakeportError ? relation : columns.get(keyOf(id));
      if (answer === undefined || answer instanceof LakeportError) {
        return { id, error: answer ?? LakeportError.from(new TypeError('a table was not described')) };
      }
      return { columns: answer };
    });
  }

  async slice(
    { id, estimatedRows }: SourceTable,
    columns: readonly ReadColumn[],
    options: SliceOptions,
  ): Promise<Slice[]> {
    const relation = this.#relations.get(keyOf(id)) ?? (await this.#find([id]))[0];
    if (relation === undefined || relation instanceof LakeportError) {
      throw relation ?? new TypeError('a table was not looked up');
    }
    const { oid, kind, hasMembers, rowSecurity } = relation;
    checkWish(options.wish);
    // A table that nobody inherits from yet must not be joined by one that comes with older rows while the run lasts.
    const whole = [wholeTable({ id, rows: estimatedRows, only: kind === 'r' && !hasMembers }, columns)];
    if (!isLarge(estimatedRows, options)) return whole;
    const isOneRead = kind === 'v' || rowSecurity;
    const members = isOneRead ? undefined : await this.#asking(id, () => readMembers(this.#client, this.#facts, oid));
    requirePages(options.wish, id, members);
    // Without a page there is no row in the snapshot; without a snapshot there may be one by the time it is read.
    const filled = members?.filter(({ byPage, pages }) => !(this.#pinned && byPage && pages === 0)) ?? [];
    return filled.length === 0 ? whole : sliceMembers(id, filled, columns, options);
  }

  async isPinned(): Promise<boolean> {
    if (!this.#pinned) return true;
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), ANSWER_MS)));
    const answer = this.#oneByOne(() => this.#client.query('SELECT 1')).then(
      () => true,
      () => false,
    );
    const isPinned = await Promise.race([answer, tooLate]);
    clearTimeout(timer);
    return isPinned;
  }

  async reopen(options: { readonly signal?: AbortSignal | undefined }): Promise<void> {
    discard(this.#client);
    this.#pinned = false;
    const { client, facts } = await openSession(this.#settings, options);
    this.#client = client;
    this.#facts = facts;
    this.#relations.clear();
  }

  freeConnections(): Promise<number | undefined> {
    return this.#asking(undefined, () => countFreeConnections(this.#client, this.#facts)).catch(() => undefined);
  }

  readerSettings(): ReaderSettings {
    return { engine: this.engine, connection: this.#settings };
  }

  async close(): Promise<void> {
    // Ends the transaction too, with its snapshot and locks.
    await this.#client.end().catch(() => undefined);
  }

  async #find(ids: readonly TableId[]): Promise<(Relation | LakeportError)[]> {
    const found = await this.#asking(undefined, () => findRelations(this.#client, this.#facts, ids));
    ids.forEach((id, index) => {
      const relation = found[index];
      if (relation !== undefined && !(relation instanceof LakeportError)) this.#relations.set(keyOf(id), relation);
    });
    return found;
  }

  /** Asks the server; an error leaves the snapshot as it is. */
  #asking<T>(table: TableId | undefined, ask: () => Promise<T>): Promise<T> {
    return this.#oneByOne(async () => {
      const guarded = this.#pinned;
      try {
        if (guarded) await this.#client.query('SAVEPOINT question');
        const answer = await ask();
        if (guarded) await this.#client.query('RELEASE SAVEPOINT question');
        return answer;
      } catch (error) {
        if (guarded)
          await this.#client.query('ROLLBACK TO SAVEPOINT question; RELEASE SAVEPOINT question').catch(() => undefined);
        throw postgresError(error, { entry: this.#settings.entryId, table });
      }
    });
  }
}

function keyOf({ schema, name }: TableId): string {
  return JSON.stringify([schema, name]);
}
