import { ByteWriter } from './byte-writer.js';
import { MESSAGE, type IncomingMessage, type PacketWriter } from './packets.js';
import { type Parameter, parseBatch, parseRpc, parseTransactionRequest } from './requests.js';
import { ResultEncoder, type ResultSet } from './result-set.js';
import { DONE, doneToken, errorToken, returnStatusToken, TdsError, transactionTokens } from './tokens.js';

/** A query, by whichever way it came. */
export interface TdsQuery {
  readonly sql: string;
  /** By name, without the @. */
  readonly parameters: ReadonlyMap<string, Parameter['value']>;
  readonly session: SessionFacts;
  /** Aborted when the client wants the request to end. */
  readonly attention: AbortSignal;
}

interface SessionFacts {
  readonly user: string;
  readonly database: string;
  /** As the client has last set it. */
  readonly isolation: string;
  readonly inTransaction: boolean;
}

/** A result that is encoded already: costs the server next to nothing. */
export interface EncodedResult {
  readonly head: Uint8Array;
  /** Complete rows, as many in each; sent one after the other, and again from the first one. */
  readonly blocks: readonly Uint8Array[];
  readonly rowsInBlock: number;
  /** How many blocks are sent. */
  readonly count: number;
}

/** What a statement gives; undefined where it gives nothing, not even a count. */
export type TdsAnswer = (ResultSet & Fault) | EncodedResult | { readonly rowsAffected: number } | undefined;

/** What several statements give, one after the other. */
export interface BatchAnswer {
  readonly answers: readonly (TdsAnswer | TdsError)[];
}

interface Fault {
  /** The connection is cut after so many bytes of the answer. */
  readonly cutAfterBytes?: number;
  /** DONE without a count, as under `SET NOCOUNT ON`. */
  readonly noCount?: boolean;
}

/** @throws TdsError for what the server would refuse */
export type TdsHandler = (query: TdsQuery) => TdsAnswer | Promise<TdsAnswer>;

export type RequestHandler = (query: TdsQuery) => Promise<TdsAnswer | BatchAnswer>;

/** Bytes that go to the packets at once. */
const PORTION_BYTES = 32 << 10;

/** A session after its login: answers one request at a time, and can be told to stop in the middle. */
export class TdsSession {
  readonly #handler: RequestHandler;
  readonly #out: PacketWriter;
  readonly #cut: () => void;
  readonly #facts: { user: string; database: string; isolation: string; inTransaction: boolean };
  #canceled = false;
  #busy = false;
  #attention = new AbortController();

  constructor(options: {
    readonly handler: RequestHandler;
    readonly out: PacketWriter;
    readonly cut: () => void;
    readonly user: string;
    readonly database: string;
  }) {
    const { handler, out, cut, user, database } = options;
    this.#handler = handler;
    this.#out = out;
    this.#cut = cut;
    this.#facts = { user, database, isolation: 'READ COMMITTED', inTransaction: false };
  }

  /** MS-TDS 2.2.1.7: the request in progress ends, and the acknowledgment follows as a message of its own. */
  async attention(): Promise<void> {
    if (this.#busy) {
      this.#canceled = true;
      this.#attention.abort();
    } else await this.#out.end(doneToken({ attention: true }));
  }

  async answer(message: IncomingMessage): Promise<void> {
    this.#busy = true;
    this.#attention = new AbortController();
    try {
      await this.#answer(message);
    } finally {
      this.#busy = false;
      if (this.#canceled) {
        this.#canceled = false;
        await this.#out.end(doneToken({ attention: true }));
      }
    }
  }

  async #answer({ type, data }: IncomingMessage): Promise<void> {
    if (type === MESSAGE.batch) return this.#run(parseBatch(data), new Map(), { token: DONE.done });
    if (type === MESSAGE.transaction) return this.#changeTransaction(data);
    if (type !== MESSAGE.rpc) throw new Error(`a message of type ${type}`);
    const { procedure, parameters } = parseRpc(data);
    if (procedure !== 'sp_executesql') throw new Error(`a call of ${procedure}`);
    const [statement, , ...given] = parameters;
    const named = new Map(given.map(({ name, value }) => [name.replace(/^@/, ''), value]));
    return this.#run(String(statement?.value), named, { token: DONE.inProc });
  }

  async #changeTransaction(data: Buffer): Promise<void> {
    const request = parseTransactionRequest(data);
    this.#facts.inTransaction = request.kind === 'begin';
    if (request.kind === 'begin' && request.isolation !== '') this.#facts.isolation = request.isolation;
    await this.#out.end(transactionTokens(request.kind));
  }

  async #run(sql: string, parameters: TdsQuery['parameters'], { token }: { readonly token: number }): Promise<void> {
    const isolation = /set transaction isolation level ([a-z ]+?)\s*(?:;|$)/im.exec(sql)?.[1];
    if (isolation !== undefined) this.#facts.isolation = isolation.toUpperCase();
    const isCall = token === DONE.inProc;
    try {
      const answer = await this.#handler({
        sql,
        parameters,
        session: { ...this.#facts },
        attention: this.#attention.signal,
      });
      const answers = answer && 'answers' in answer ? answer.answers : [answer];
      for (const [i, one] of answers.entries()) {
        const more = isCall || i < answers.length - 1;
        if (one instanceof TdsError) {
          await this.#out.write(Buffer.concat([errorToken(one), doneToken({ token, error: true, more })]));
          continue;
        }
        const rows = await this.#send(one);
        const counted = one && 'noCount' in one && one.noCount ? undefined : rows;
        // What is left out after an attention is the rest of the rows, not the end of the message.
        if (this.#canceled) {
          await this.#out.end(doneToken({ error: true }));
          return;
        }
        await this.#out.write(doneToken({ token, rows: counted, more }));
      }
      if (isCall) await this.#out.write(Buffer.concat([returnStatusToken(0), doneToken({ token: DONE.proc })]));
      await this.#out.end();
    } catch (thrown) {
      if (!(thrown instanceof TdsError)) throw thrown;
      await this.#out.write(errorToken(thrown));
      await this.#out.end(doneToken({ token: isCall ? DONE.proc : DONE.done, error: true }));
    }
  }

  /** @returns the count of rows */
  async #send(answer: TdsAnswer): Promise<number | undefined> {
    if (answer === undefined) return undefined;
    if ('rowsAffected' in answer) return answer.rowsAffected;
    if ('blocks' in answer) {
      const { head, blocks, rowsInBlock, count } = answer;
      await this.#out.write(head);
      for (let i = 0; i < count && !this.#canceled; i++) await this.#out.write(blocks[i % blocks.length]!);
      return rowsInBlock * count;
    }
    const { columns, rows, cutAfterBytes = Infinity, ...encoding } = answer;
    const encoder = new ResultEncoder(columns, encoding);
    const tokens = new ByteWriter(PORTION_BYTES * 2);
    encoder.writeColumns(tokens);
    let sent = 0;
    let count = 0;
    for await (const row of rows) {
      if (this.#canceled) break;
      encoder.writeRow(tokens, row);
      count++;
      if (sent + tokens.length > cutAfterBytes) {
        await this.#out.write(tokens.take().subarray(0, cutAfterBytes - sent));
        this.#out.flush();
        this.#cut();
        return count;
      }
      if (tokens.length < PORTION_BYTES) continue;
      sent += tokens.length;
      await this.#out.write(tokens.take());
    }
    await this.#out.write(tokens.take());
    return count;
  }
}
