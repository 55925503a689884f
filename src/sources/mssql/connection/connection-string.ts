import { LakeportError } from '../../../errors.js';
import { keywords, refusedKeyword } from './connection-keywords.js';
import { loginOf, type MssqlAuthentication, type MssqlAddress } from './address.js';

/** The part of `mssql`'s parsed connection string that is used here. */
interface ParsedString {
  readonly server?: string;
  readonly port?: number;
  readonly database?: string;
  readonly user?: string;
  readonly password?: string;
  readonly domain?: string;
  readonly connectionTimeout?: number;
  readonly authentication_type?: string;
  readonly clientId?: string;
  readonly clientSecret?: string;
  readonly tenantId?: string;
  readonly token?: string;
  readonly options: {
    readonly instanceName?: string;
    readonly trustServerCertificate?: boolean;
    readonly multiSubnetFailover?: boolean;
  };
}

const DEFAULT_PORT = 1433;

/** ADO.NET's form: `Server=host,port;Database=…;User Id=…;Password=…`. @throws LakeportError where it cannot be used */
export async function parseConnectionString(text: string, entryId: string): Promise<MssqlAddress> {
  const { default: mssql } = await import('mssql');
  const invalid = (problem: string, hint: string, cause?: unknown) =>
    new LakeportError({
      code: 'CONNECTION_STRING_INVALID',
      message: `The connection string ${problem}`,
      hint,
      context: { entry: entryId, detail: 'connection_string' },
      cause,
    });
  let parsed: ParsedString;
  try {
    // The package's types omit some of the parser's fields.
    parsed = mssql.ConnectionPool.parseConnectionString(text) as unknown as ParsedString;
  } catch {
    // The parser's message may repeat parts of the string.
    throw invalid('cannot be read', 'Write it as Server=host,port;Database=...;User Id=...;Password=...');
  }
  const problem = refusedKeyword(text);
  if (problem !== undefined) throw invalid(problem.problem, problem.hint);
  const { server, options } = parsed;
  if (server === undefined) throw invalid('names no server', 'Add Server=host or Server=host,port');
  const authentication = authenticationOf(parsed);
  if (authentication === undefined) {
    throw invalid('names no user', 'Add User Id and Password; Integrated Security works on Windows only');
  }
  // The parser fills in the default port if the string has none, even with an instance.
  const usesBrowser = options.instanceName !== undefined && parsed.port === DEFAULT_PORT && !/,\s*1433\b/.test(text);
  return {
    server,
    instance: usesBrowser ? options.instanceName : undefined,
    port: usesBrowser ? undefined : (parsed.port ?? DEFAULT_PORT),
    database: parsed.database,
    authentication,
    encrypt: encryption(text),
    trustServerCertificate: options.trustServerCertificate ?? false,
    readOnlyIntent: /^readonly$/i.test(word(text, /application\s*intent/) ?? ''),
    multiSubnetFailover: options.multiSubnetFailover ?? false,
    certificateName: keywords(text).find(([name]) => /^host\s*name\s*in\s*certificate$/i.test(name))?.[1],
    connectTimeoutMs: parsed.connectionTimeout,
  };
}

function authenticationOf(parsed: ParsedString): MssqlAuthentication | undefined {
  const { authentication_type: type = 'default', user, password, domain } = parsed;
  if (type === 'default' || type === 'ntlm') {
    return user === undefined ? undefined : loginOf({ username: user, password, domain });
  }
  const { clientId, clientSecret, tenantId, token } = parsed;
  const given = Object.entries({ userName: user, password, clientId, clientSecret, tenantId, token }).filter(
    (option): option is [string, string] => option[1] !== undefined,
  );
  return { type, options: Object.fromEntries(given) };
}

/** The parser only knows `true` and `false`, while SqlClient also has `Mandatory`, `Optional` and `Strict`. */
function encryption(text: string): boolean | 'strict' {
  const value = word(text, /encrypt/)?.toLowerCase();
  if (value === 'strict') return 'strict';
  return value === undefined || !['false', 'no', 'optional'].includes(value);
}

/** The value of a one-word setting. */
function word(text: string, name: RegExp): string | undefined {
  return new RegExp(`(?:^|;)\\s*${name.source}\\s*=\\s*["']?(\\w+)`, 'i').exec(text)?.[1];
}
