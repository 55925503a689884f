/**
 * Keywords of SQL Server connection strings (SqlClient's `ConnectionString`, ODBC's where they differ). Each is honoured,
 * irrelevant to an export, or rejected: none that the user may rely on is silently ignored.
 */

const HONOURED = [
  'addr',
  'address',
  'application intent',
  'authentication',
  'client id',
  'client secret',
  'connect timeout',
  'connection timeout',
  'data source',
  'database',
  'domain',
  'encrypt',
  'host name in certificate',
  'initial catalog',
  'msi endpoint',
  'msi secret',
  'multi subnet failover',
  'network address',
  'password',
  'port',
  'pwd',
  'server',
  'tenant id',
  'timeout',
  'token',
  'trust server certificate',
  'uid',
  'user',
  'user id',
];

/** Application names, pooling, retries, and timeouts, which the entry's own fields set. */
const WITHOUT_EFFECT = [
  'app',
  'application name',
  'async',
  'asynchronous processing',
  'command timeout',
  'connect retry count',
  'connect retry interval',
  'connection lifetime',
  'connection reset',
  'current language',
  'driver',
  'enlist',
  'failover partner spn',
  'ip address preference',
  'language',
  'load balance timeout',
  'max pool size',
  'min pool size',
  'multiple active result sets',
  'packet size',
  'parse json',
  'persist security info',
  'persistsecurityinfo',
  'pool blocking period',
  'pooling',
  'provider',
  'request timeout',
  'server spn',
  'stream',
  'transaction binding',
  'transparent network ip resolution',
  'type system version',
  'use utc',
  'workstation id',
  'wsid',
];

const OFF = ['false', 'no', 'disabled', '0'];

/** Keywords of which only these values, lakeport's own behaviour, are accepted. */
const ONLY: Readonly<Record<string, { readonly values: readonly string[]; readonly instead: string }>> = {
  'column encryption setting': {
    values: OFF,
    instead: 'Encrypted columns cannot be exported: leave it out',
  },
  'context connection': { values: OFF, instead: 'Leave it out' },
  'integrated security': {
    values: OFF,
    instead: 'Give User Id and Password; integrated security works on Windows only',
  },
  net: { values: ['dbmssocn'], instead: 'Connect by TCP/IP: leave it out' },
  network: { values: ['dbmssocn'], instead: 'Connect by TCP/IP: leave it out' },
  'network library': { values: ['dbmssocn'], instead: 'Connect by TCP/IP: leave it out' },
  replication: { values: OFF, instead: 'Leave it out' },
  'trusted connection': {
    values: OFF,
    instead: 'Give User Id and Password; integrated security works on Windows only',
  },
  'user instance': { values: OFF, instead: 'Leave it out' },
};

const REFUSED: Readonly<Record<string, string>> = {
  'attach db filename': 'Attach the database in the server, and name it',
  'attestation protocol': 'Leave it out: lakeport uses no enclave',
  'enclave attestation url': 'Leave it out: lakeport uses no enclave',
  'extended properties': 'Attach the database in the server, and name it',
  'failover partner': 'Name the listener of an availability group, or the current principal server',
  'initial file name': 'Attach the database in the server, and name it',
  'server certificate': 'Set NODE_EXTRA_CA_CERTS to the PEM file of its authority',
};

/** Spaces and underscores are optional: `ApplicationIntent`, `Application Intent`. */
const plain = (name: string) => name.toLowerCase().replaceAll(/[\s_]/g, '');
const honoured = new Set(HONOURED.map(plain));
const withoutEffect = new Set(WITHOUT_EFFECT.map(plain));
const only = new Map(Object.entries(ONLY).map(([name, rule]) => [plain(name), rule]));
const refused = new Map(Object.entries(REFUSED).map(([name, instead]) => [plain(name), instead]));

/** The first unsupported keyword, with what to do instead; only values of a fixed set are repeated. */
export function refusedKeyword(text: string): { readonly problem: string; readonly hint: string } | undefined {
  for (const [name, value] of keywords(text)) {
    const key = plain(name);
    const rule = only.get(key);
    if (rule !== undefined && !rule.values.includes(value.toLowerCase())) {
      return { problem: `uses ${name} in a way that lakeport does not support`, hint: rule.instead };
    }
    if (rule !== undefined || honoured.has(key) || withoutEffect.has(key)) continue;
    const instead = refused.get(key);
    if (instead !== undefined) return { problem: `has ${name}, which lakeport does not support`, hint: instead };
    return { problem: `has an unknown keyword, ${name}`, hint: `Remove ${name}` };
  }
  return undefined;
}

/** `name=value` pairs separated by semicolons; values with semicolons are quoted or in braces. */
export function keywords(text: string): [name: string, value: string][] {
  const pairs = text.matchAll(/\s*([^=;]+?)\s*=\s*("(?:[^"]|"")*"|'(?:[^']|'')*'|\{(?:[^}]|\}\})*\}|[^;]*)\s*(?:;|$)/g);
  return [...pairs].map(([, name = '', value = '']) => [name, value.trim().replace(/^["'{](.*)["'}]$/s, '$1')]);
}
