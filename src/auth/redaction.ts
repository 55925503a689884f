import { isDate } from 'node:util/types';

/**
 * The last line of defence against secrets in the program's output. Nothing should put a secret into a text in the
 * first place; if a driver's message or a server's answer does, it is hidden here.
 */

const HIDDEN = '***';

/** Shorter secrets are too likely to be part of ordinary words to be hidden everywhere. */
const SHORTEST_UNMISTAKABLE = 6;

/** Shorter lines of a multi-line secret (a PEM key) are not hidden on their own. */
const SHORTEST_LINE = 16;

/** Remembers secrets and hides them in any text, in every form that programs write them in. */
export class Redactor {
  readonly #secrets = new Set<string>();
  readonly #publicValues = new Set<string>();
  #everywhere: RegExp | undefined;
  #asCredential: RegExp | undefined;
  #stale = false;

  /** Remembers a secret, and the secrets inside it if it is a connection string. */
  add(secret: string): void {
    if (secret === '') return;
    this.#stale = true;
    this.#secrets.add(secret);
    this.addInner(secret);
    if (!secret.includes('\n')) return;
    for (const line of secret.split(/\r?\n/)) {
      if (line.length >= SHORTEST_LINE && !line.startsWith('-----')) this.#secrets.add(line);
    }
  }

  /** Remembers only the passwords and keys inside a URL or a connection string. @returns whether there are any */
  addInner(text: string): boolean {
    const inner = secretsOfConnectionString(text);
    for (const secret of inner) this.#secrets.add(secret);
    this.#stale ||= inner.length > 0;
    return inner.length > 0;
  }

  /**
   * Remembers a value that is not secret, such as the name of a user, a database or a table. A password contained in it
   * (`postgres`) is hidden only where it is used as a credential: hiding it elsewhere would protect nothing and make
   * texts unreadable.
   */
  addPublic(value: string): void {
    this.#publicValues.add(value.toLowerCase());
    this.#stale = true;
  }

  /** Remembers the values of variables that libraries read secrets from on their own. */
  addEnvironment(environment: NodeJS.ProcessEnv, variables: readonly string[]): void {
    for (const name of variables) this.add(environment[name] ?? '');
  }

  /** The text with every known secret replaced by `***`. */
  redact(text: string): string {
    if (this.#secrets.size === 0) return text;
    if (this.#stale) this.#compile();
    let redacted = text;
    if (this.#everywhere !== undefined) redacted = redacted.replace(this.#everywhere, HIDDEN);
    if (this.#asCredential !== undefined) redacted = redacted.replace(this.#asCredential, `$1${HIDDEN}`);
    return redacted;
  }

  /** Plain data with every string redacted, except field names and stable error codes. */
  redactData(value: unknown): unknown {
    if (typeof value === 'string') return this.redact(value);
    if (Array.isArray(value)) return value.map((item) => this.redactData(item));
    if (typeof value !== 'object' || value === null || isDate(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, isErrorCode(key, item) ? item : this.redactData(item)]),
    );
  }

  #compile(): void {
    const unmistakable: string[] = [];
    const mistakable: string[] = [];
    for (const secret of this.#secrets) {
      const weak = secret.length < SHORTEST_UNMISTAKABLE || this.#isInPublic(secret.toLowerCase());
      (weak ? mistakable : unmistakable).push(...formsOf(secret));
    }
    this.#everywhere = alternatives(unmistakable, (forms) => forms);
    this.#asCredential = alternatives(
      mistakable,
      (forms) =>
        `((?:password|passwd|pwd|secret|token|key|signature)["']?\\s*[=:]\\s*["'{]?|//[^\\s/:@]*:)(?:${forms})(?![\\w])`,
    );
    this.#stale = false;
  }

  #isInPublic(secret: string): boolean {
    for (const value of this.#publicValues) if (value.includes(secret)) return true;
    return false;
  }
}

/** Codes are the program's own words: scripts compare them, and a password contained in one reveals nothing. */
function isErrorCode(key: string, value: unknown): boolean {
  return key === 'code' && typeof value === 'string' && /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/.test(value);
}

function alternatives(forms: readonly string[], pattern: (forms: string) => string): RegExp | undefined {
  if (forms.length === 0) return undefined;
  // Longest first: a secret that starts with another one must be hidden completely.
  const sorted = [...new Set(forms)].sort((a, b) => b.length - a.length);
  return new RegExp(pattern(sorted.map(escapePattern).join('|')), 'gi');
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}

/** The secret as it appears in URLs, JSON, quoted connection strings and headers. */
function formsOf(secret: string): string[] {
  // A lone surrogate cannot be encoded in a URL.
  const encoded = encodeURIComponent(secret.replace(/\p{Surrogate}/gu, ''));
  return [
    secret,
    encoded,
    // Characters that stricter encoders escape and `encodeURIComponent` does not.
    encoded.replace(/[!'()*~]/g, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
    encoded.replaceAll('%20', '+'),
    JSON.stringify(secret).slice(1, -1),
    secret.replace(/[\\']/g, '\\$&'),
    secret.replaceAll("'", "''"),
    ...(secret.length >= SHORTEST_UNMISTAKABLE ? [Buffer.from(secret).toString('base64')] : []),
  ];
}

/** Passwords and keys inside a URL or a `name=value` connection string, as written and decoded. */
function secretsOfConnectionString(text: string): string[] {
  const found: string[] = [];
  const userInfo = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@]*?:([^/?#]*)@/i.exec(text)?.[1];
  if (userInfo !== undefined) found.push(userInfo, decoded(userInfo));
  const named =
    /(?:^|[\s;?&])(?:password|pwd|sslpassword|accountkey|sharedaccesssignature|sig)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|"([^"]*)"|\{([^}]*)\}|([^\s;&]+))/gi;
  for (const match of text.matchAll(named)) {
    const value = match[1] ?? match[2] ?? match[3] ?? match[4] ?? '';
    found.push(value, decoded(value), value.replace(/\\(.)/g, '$1'));
  }
  return found.filter((value) => value !== '');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
