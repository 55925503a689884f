/** The settings that can come from single fields or from a connection string. */
export interface MssqlAddress {
  readonly server: string;
  /** A named instance, whose port the SQL Server Browser reports. Undefined if the port is given. */
  readonly instance: string | undefined;
  readonly port: number | undefined;
  /** Undefined for the login's default database. */
  readonly database: string | undefined;
  readonly authentication: MssqlAuthentication;
  readonly encrypt: boolean | 'strict';
  readonly trustServerCertificate: boolean;
  /** `ApplicationIntent=ReadOnly`: a readable secondary of an availability group is enough. */
  readonly readOnlyIntent: boolean;
  readonly multiSubnetFailover: boolean;
  /** The name expected in the server's certificate, if it is not the host name. */
  readonly certificateName?: string | undefined;
  readonly connectTimeoutMs?: number | undefined;
}

/** How the driver logs in, in its own terms. */
export interface MssqlAuthentication {
  /** `default` for SQL Server logins, `ntlm` for Windows domain logins, or a Microsoft Entra method. */
  readonly type: string;
  readonly options: Readonly<Record<string, string>>;
}

export interface Login {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly domain: string | undefined;
}

/** `host:port` or `host\instance`, for messages. */
export function displayAddress({ server, instance, port }: MssqlAddress): string {
  if (port === undefined) return `${server}\\${instance ?? ''}`;
  return server.includes(':') ? `[${server}]:${port}` : `${server}:${port}`;
}

/** NTLM if there is a domain, a SQL Server login otherwise. */
export function loginOf({ username = '', password = '', domain }: Login): MssqlAuthentication {
  if (domain === undefined) return { type: 'default', options: { userName: username, password } };
  return { type: 'ntlm', options: { userName: username, password, domain } };
}
