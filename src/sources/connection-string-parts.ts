/** The parts of a connection string that may be shown. Drivers parse the string themselves. */
export interface ConnectionStringParts {
  readonly host: string | undefined;
  readonly port: string | undefined;
  readonly database: string | undefined;
}

/** Host, port and database of a URL, or of `name=value` pairs separated by blanks (libpq) or semicolons (ADO.NET). */
export function connectionStringParts(text: string): ConnectionStringParts {
  if (/^[a-z]+:\/\//i.test(text) && URL.canParse(text)) {
    const url = new URL(text);
    const database = decoded(url.pathname.slice(1));
    return {
      host: some(url.hostname) ?? some(url.searchParams.get('host') ?? ''),
      port: some(url.port),
      database: some(database) ?? some(url.searchParams.get('dbname') ?? ''),
    };
  }
  const pairs = new Map<string, string>();
  const pattern = text.includes(';')
    ? /([^=;]+)=\s*("[^"]*"|\{[^}]*\}|[^;]*)/g
    : /([\w ]+?)\s*=\s*('(?:[^'\\]|\\.)*'|\S*)/g;
  for (const [, name = '', value = ''] of text.matchAll(pattern)) {
    pairs.set(name.trim().toLowerCase(), value.trim().replace(/^(["'{])(.*)["'}]$/s, '$2'));
  }
  const first = (...names: string[]) => names.map((name) => pairs.get(name)).find((value) => value !== undefined);
  return {
    host: first('host', 'hostaddr', 'server', 'data source', 'address'),
    port: first('port'),
    database: first('dbname', 'database', 'initial catalog'),
  };
}

function some(text: string): string | undefined {
  return text === '' ? undefined : text;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
