import type { MssqlClient } from './client.js';
import { errorNumber } from '../errors.js';

/** What planning needs to know about the server; constant within a session. */
export interface ServerFacts {
  /** `SQL Server 2022 (16.0.4105.2)`. */
  readonly product: string;
  readonly database: string;
}

const RELEASES: Readonly<Record<number, string>> = {
  11: '2012',
  12: '2014',
  13: '2016',
  14: '2017',
  15: '2019',
  16: '2022',
  17: '2025',
};

/** `SERVERPROPERTY('EngineEdition')` of Microsoft's cloud services. */
const CLOUD: Readonly<Record<number, string>> = {
  5: 'Azure SQL Database',
  6: 'Azure Synapse Analytics',
  8: 'Azure SQL Managed Instance',
  11: 'Azure Synapse serverless SQL pool',
  12: 'Microsoft Fabric SQL database',
};

export async function readServerFacts(client: MssqlClient): Promise<ServerFacts> {
  const [row = []] = await client.query(`
    SELECT CONVERT(nvarchar(128), SERVERPROPERTY('ProductVersion')), CONVERT(int, SERVERPROPERTY('EngineEdition')),
           CONVERT(nvarchar(128), DB_NAME())`);
  const [version, edition, database] = row;
  const versionText = typeof version === 'string' ? version : '';
  const major = Number(versionText.split('.')[0]);
  const cloud = CLOUD[Number(edition)];
  const release = RELEASES[major];
  const name = cloud ?? (release === undefined ? 'SQL Server' : `SQL Server ${release}`);
  return {
    product: versionText === '' || cloud !== undefined ? name : `${name} (${versionText})`,
    database: String(database),
  };
}

/** Styles of CONVERT that the server supports; it ignores a style that it does not know. */
export interface TextStyles {
  /** Style 3: every digit of a float (SQL Server 2016). */
  readonly allDigits: boolean;
  /** Style 1: bytes in hexadecimal. */
  readonly hexadecimal: boolean;
}

/** Needs more than sixteen digits. */
const SUM = 0.1 + 0.2;

/** Detected by trying the styles, whatever version the server reports. */
export async function readTextStyles(client: MssqlClient): Promise<TextStyles> {
  const [row] = await firstAnswer([
    () =>
      client.query(`
        SELECT CONVERT(nvarchar(50), CONVERT(float, 0.1E0) + CONVERT(float, 0.2E0), 3),
               CONVERT(nvarchar(50), CONVERT(varbinary(2), 0x0AFF), 1)`),
    () => Promise.resolve([]),
  ]);
  return { allDigits: Number(row?.[0]) === SUM, hexadecimal: row?.[1] === '0x0AFF' };
}

/** How many more connections the server accepts. Undefined if this user may not know. */
export async function countFreeConnections(client: MssqlClient): Promise<number | undefined> {
  const [row] = await client.query(
    `SELECT CONVERT(int, @@MAX_CONNECTIONS - COUNT(*)) FROM sys.dm_exec_sessions WHERE is_user_process = 1`,
  );
  const free = row?.[0];
  return typeof free === 'number' ? Math.max(0, free) : undefined;
}

/**
 * The answer to the first query that the server understands and lets this user run. Some catalog views are missing on
 * other vendors' servers, or closed to some users.
 * @throws any error other than a rejection by the server, or the rejection of the last query
 */
export async function firstAnswer<T>(questions: readonly (() => Promise<T>)[]): Promise<T> {
  for (const [index, ask] of questions.entries()) {
    try {
      return await ask();
    } catch (error) {
      if (errorNumber(error) === undefined || index === questions.length - 1) throw error;
    }
  }
  throw new TypeError('There is no query to try');
}
