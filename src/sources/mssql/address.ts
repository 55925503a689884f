/** The part of the settings that single fields and a connection string have in common. */
export interface MssqlAddress {
  readonly server: string;
  /** A named instance, whose port the SQL Server Browser tells. Undefined where the port is given. */
  readonly instance: string | undefined;
  readonly port: number | undefined;
  /** Undefined for the login's own default. */
  readonly database: string | undefined;
  readonly authentication: MssqlAuthentication;
  readonly encrypt: boolean | 'strict';
  readonly trustServerCertificate: boolean;
  /** `ApplicationIntent=ReadOnly`: a readable secondary of an availability group will do. */
  readonly readOnlyIntent: boolean;
  readonly multiSubnetFailover: boolean;
  /** Name that the server's certificate has to have, where that is not the server's. */
  readonly certificateName?: string | undefined;
  readonly connectTimeoutMs?: number | undefined;
}

/** How the driver is to log in, in its own terms. */
export interface MssqlAuthentication {
  /** `default` for SQL Server's own logins, `ntlm` for a Windows domain's, or one of Microsoft Entra's. */
  readonly type: string;
  readonly options: Readonly<Record<string, string>>;
}

export interface Login {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly domain: string | undefined;
}

/** `host:port` or `host\instance`, for people. */
export function displayAddress({ server, instance, port }: MssqlAddress): string {
  if (port === undefined) return `${server}\\${instance ?? ''}`;
  return server.includes(':') ? `[${server}]:${port}` : `${server}:${port}`;
}

/** With a domain it is NTLM, else one of SQL Server's own logins. */
export function loginOf({ username = '', password = '', domain }: Login): MssqlAuthentication {
  if (domain === undefined) return { type: 'default', options: { userName: username, password } };
  return { type: 'ntlm', options: { userName: username, password, domain } };
}
