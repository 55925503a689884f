import { LakeportError } from '../../errors.js';
import { type ConnectionAdvice, connectionErrorKind, connectionLost } from '../errors/connection-errors.js';
import { type ErrorKind, errorContext, type ErrorPlace } from '../errors/error-kind.js';
import { kindOfNumber } from './error-numbers.js';
import { quoteTable } from './identifiers.js';

/** An error that the server reported, with its number (`sys.messages`). */
export class ServerError extends Error {
  override readonly name = 'ServerError';
  readonly number: number;

  constructor(number: number, message: string, cause?: unknown) {
    super(message, { cause });
    this.number = number;
  }
}

const LOST = {
  message: 'The connection to the server was lost',
  hint: "See the server's error log for why the connection ended",
};

const CONNECTION: ConnectionAdvice = {
  untrusted:
    'Add the CA that signed the server\'s certificate to the system\'s trusted CAs, or name its file in SSL_CERT_FILE or NODE_EXTRA_CA_CERTS, or set "trust_server_certificate" of the entry to trust any',
  tls: 'Check "encrypt" of the entry',
  lost: LOST,
  hints: {
    ECONNREFUSED:
      'Check "server" and "port" of the entry, that the server is running, and that TCP/IP is enabled in it',
  },
  // By the driver's own codes, if it names no cause.
  others: {
    ETIMEOUT: {
      code: 'SOURCE_TIMEOUT',
      hint: 'Check "server", "port" and the firewalls in between, or raise "connect_timeout" of the entry',
      transient: true,
    },
    EINSTLOOKUP: {
      code: 'SOURCE_INSTANCE_UNKNOWN',
      hint: 'The SQL Server Browser (UDP port 1434) must know the instance; or give its "port" instead of its name',
    },
    EENCRYPT: {
      code: 'SOURCE_TLS_REFUSED',
      hint: 'Set "encrypt" of the entry to true if the server requires encryption, to false if it has none',
    },
    ESOCKET: connectionLost(LOST),
    ECLOSE: connectionLost(LOST),
    EINVALIDSTATE: connectionLost(LOST),
  },
};

/** Any error of the driver or the server as a `LakeportError`, classified by its number; a LakeportError is kept. */
export function mssqlError(thrown: unknown, place: ErrorPlace = {}): LakeportError {
  const reported = serverErrorOf(thrown);
  const codes = reported === undefined ? codesOf(thrown) : [];
  const detail = reported === undefined ? codes[0] : `error ${reported.number}`;
  const context = errorContext(place, detail);
  if (thrown instanceof LakeportError) return thrown.within(context);
  const kind =
    reported === undefined
      ? isQueryTimeout(thrown)
        ? QUERY_TIMEOUT
        : connectionErrorKind(codes, CONNECTION)
      : kindOfNumber(reported.number);
  if (kind === undefined) return LakeportError.from(thrown).within(context);
  const said = reported ?? innermost(thrown);
  const message = kind.message ?? (said.message === '' ? 'Unknown error' : said.message);
  const hint = kind.code === 'TABLE_PERMISSION_DENIED' ? grantHint(place) : kind.hint;
  const { code, transient } = kind;
  return new LakeportError({ code, message, hint, transient, context, cause: thrown });
}

const QUERY_TIMEOUT: ErrorKind = {
  code: 'SOURCE_STATEMENT_CANCELED',
  message: 'The server took longer to answer than "statement_timeout" allows',
  hint: 'Raise "statement_timeout" of the entry',
};

/** The driver uses one code for connection and query timeouts. */
function isQueryTimeout(thrown: unknown): boolean {
  return (
    thrown instanceof Error &&
    thrown.constructor.name === 'RequestError' &&
    'code' in thrown &&
    thrown.code === 'ETIMEOUT'
  );
}

/** The server's error number, if the error came from the server. */
export function errorNumber(thrown: unknown): number | undefined {
  return serverErrorOf(thrown)?.number;
}

/** The first of several errors: the later ones are consequences. */
function serverErrorOf(thrown: unknown): ServerError | undefined {
  if (thrown instanceof ServerError) return thrown;
  if (thrown instanceof AggregateError) return serverErrorOf(errorsOf(thrown)[0]);
  if (!(thrown instanceof Error) || !('number' in thrown) || typeof thrown.number !== 'number') return undefined;
  return new ServerError(thrown.number, thrown.message, thrown);
}

function grantHint({ table }: ErrorPlace): string {
  const grant = table ? `GRANT SELECT ON ${quoteTable(table)} TO this user` : 'Grant SELECT to this user';
  return `${grant} (for a view with another owner: on the object that the message names), or leave the table out with --exclude`;
}

/** The codes of an error and its causes, innermost first. */
function codesOf(thrown: unknown): string[] {
  if (thrown instanceof LakeportError || !(thrown instanceof Error)) return [];
  const inner = [thrown.cause, ...errorsOf(thrown)].flatMap(codesOf);
  return 'code' in thrown && typeof thrown.code === 'string' ? [...inner, thrown.code] : inner;
}

/** From Node's error for a host with several addresses, and the driver's error for a query with several errors. */
function errorsOf(thrown: Error): readonly unknown[] {
  return thrown instanceof AggregateError ? (thrown.errors as unknown[]) : [];
}

/** For several addresses, the driver's own message only says that there were several. */
function innermost(thrown: unknown): Error {
  if (!(thrown instanceof Error)) return new Error(String(thrown));
  const all = [...new Set(errorsOf(thrown).map((one) => innermost(one).message))];
  if (all.length > 0) return new Error(all.join(', '), { cause: thrown });
  const cause = thrown.cause instanceof Error ? innermost(thrown.cause) : undefined;
  return cause === undefined || cause.message === '' ? thrown : cause;
}
