import type { Connection, Request } from 'tedious';
import type { ColumnMetadata } from 'tedious/lib/token/colmetadata-token-parser.js';
import type { Tedious } from './driver-connection.js';
import { type WireType, wireTypeOf } from '../tds/wire-type.js';

/** A value as the driver returns it; the queries select none that the driver would alter. */
export type QueryValue = string | number | boolean | Uint8Array | null;

export interface StreamEnd {
  /** As counted by the server; undefined if it was told not to count. */
  readonly rows: number | undefined;
}

/** By name, without the @. */
export type StatementParameters = Readonly<Record<string, string>>;

/** A column of a result. */
export interface ResultColumn {
  readonly name: string;
  readonly nullable: boolean;
  readonly type: WireType;
}

/** What several statements in one request give. */
export interface DescribedResults {
  /** Columns of each result, in the order of the statements; those that failed have none, and may end the request. */
  readonly results: readonly (readonly ResultColumn[])[];
  /** The driver's error if a statement failed. */
  readonly error: Error | undefined;
}

/** Flag of COLMETADATA (MS-TDS 2.2.7.4). */
const NULLABLE = 1;

/** Intercepts a response's bytes between the driver's packets and its parser. */
export type ResponseFilter = (response: AsyncIterable<Uint8Array>) => AsyncIterable<Buffer>;

/** One session with a promise API. Runs one query at a time. */
export class MssqlClient {
  readonly #connection: Connection;
  readonly #tedious: Tedious;
  /** Applied to the next response. */
  #filter: ResponseFilter | undefined;
  #isClosed = false;
  #inProgress: Promise<unknown> = Promise.resolve();

  constructor(connection: Connection, tedious: Tedious) {
    this.#connection = connection;
    this.#tedious = tedious;
    const createParser = connection.createTokenStreamParser.bind(connection);
    connection.createTokenStreamParser = (response, handler) => {
      const filter = this.#filter;
      this.#filter = undefined;
      // The parser only iterates over the response.
      return createParser(filter === undefined ? response : (filter(response) as unknown as typeof response), handler);
    };
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The driver's options for parsing tokens. */
  get parserOptions(): Connection['config']['options'] {
    return this.#connection.config.options;
  }

  /**
   * Runs statements and collects their rows; meant for small results. Each `@name` is a parameter.
   * @throws the driver's errors
   */
  query(sql: string, parameters: StatementParameters = {}): Promise<QueryValue[][]> {
    const answer = new Promise<QueryValue[][]>((resolve, reject) => {
      const rows: QueryValue[][] = [];
      const request = new this.#tedious.Request(sql, (error) => {
        if (error) reject(error);
        else resolve(rows);
      });
      request.on('row', (columns: readonly { readonly value: QueryValue }[]) => {
        rows.push(columns.map(({ value }) => value));
      });
      this.#execute(request, parameters);
    });
    return this.#track(answer);
  }

  /**
   * Types of a query's columns, as the server declares them.
   * @throws the driver's errors
   */
  async describe(sql: string, parameters: StatementParameters = {}): Promise<WireType[]> {
    return (await this.describeColumns(sql, parameters)).map(({ type }) => type);
  }

  /**
   * A query's columns, as the server declares them.
   * @throws the driver's errors
   */
  async describeColumns(sql: string, parameters: StatementParameters = {}): Promise<readonly ResultColumn[]> {
    const { results, error } = await this.describeResults(sql, parameters);
    if (error !== undefined) throw error;
    return results.at(-1) ?? [];
  }

  /** Columns of several statements, as the server declares them. Never rejects. */
  describeResults(sql: string, parameters: StatementParameters = {}): Promise<DescribedResults> {
    const answer = new Promise<DescribedResults>((resolve) => {
      const results: ResultColumn[][] = [];
      let isOpen = false;
      const failed = () => {
        // A statement may fail after its columns.
        if (isOpen) results.pop();
        isOpen = false;
      };
      const ended = () => {
        isOpen = false;
      };
      const request = new this.#tedious.Request(sql, (error) => {
        this.#connection.off('errorMessage', failed);
        resolve({ results, error: error ?? undefined });
      });
      this.#connection.on('errorMessage', failed);
      request.on('columnMetadata', (metadata) => {
        isOpen = true;
        // The driver only returns an object by name if configured to.
        results.push((metadata as ColumnMetadata[]).map(resultColumn));
      });
      request.on('done', ended);
      request.on('doneInProc', ended);
      this.#execute(request, parameters);
    });
    return this.#track(answer);
  }

  /**
   * Runs one query and passes its response through the filter before the driver sees it.
   * @throws the driver's errors
   */
  stream(sql: string, filter: ResponseFilter, parameters: StatementParameters = {}): Promise<StreamEnd> {
    return new Promise((resolve, reject) => {
      let rows: number | undefined;
      const request: Request = new this.#tedious.Request(sql, (error) => {
        this.#filter = undefined;
        if (error) reject(error);
        else resolve({ rows });
      });
      request.on('done', (count) => (rows = count));
      // A statement with parameters runs in a procedure.
      request.on('doneInProc', (count) => (rows = count));
      this.#filter = filter;
      this.#execute(request, parameters);
    });
  }

  /** Asks the server to cancel the current query, which then fails. */
  cancel(): void {
    this.#connection.cancel();
  }

  close(): void {
    this.#isClosed = true;
    this.#connection.close();
  }

  /**
   * Cancels the current query on the server, which would otherwise continue it, then closes the connection. Waits for the
   * server's acknowledgement for as long as the driver is configured to. Never rejects.
   */
  async cancelAndClose(): Promise<void> {
    if (this.#connection.cancel()) await this.#inProgress.catch(() => undefined);
    this.close();
  }

  #execute(request: Request, parameters: StatementParameters): void {
    const given = Object.entries(parameters);
    for (const [name, value] of given) request.addParameter(name, this.#tedious.TYPES.NVarChar, value);
    if (given.length > 0) this.#connection.execSql(request);
    else this.#connection.execSqlBatch(request);
  }

  #track<T>(answer: Promise<T>): Promise<T> {
    this.#inProgress = answer;
    return answer;
  }
}

function resultColumn(column: ColumnMetadata): ResultColumn {
  return { name: column.colName, nullable: (column.flags & NULLABLE) !== 0, type: wireTypeOf(column) };
}
