import type { Field, FieldNotes } from '../auth/entry-kind.js';

/** The fields that a `directory` URL stands for; or what is wrong with it. Undefined values are omitted. */
export type Address =
  { readonly fields: Readonly<Record<string, string | boolean | undefined>> } | { readonly problem: string };

export interface DirectoryRules {
  /** Fields that are not reported as missing if the URL is wrong. */
  readonly standsFor: readonly string[];
  readonly resolve: (directory: string) => Address;
}

/** Replaces a `directory` URL by the fields that it stands for, and strips the scheme from a bucket name. */
export function resolveDirectory(rules: DirectoryRules): (fields: Map<string, Field>, notes: FieldNotes) => void {
  return (fields, notes) => {
    takeBucketScheme(fields, notes);
    const directory = fields.get('directory');
    if (directory === undefined || !directory.resolved || typeof directory.value !== 'string') return;
    fields.delete('directory');
    const address = rules.resolve(directory.value);
    if ('problem' in address) {
      notes.problem(directory.line, `\`${directory.given}\` ${address.problem}`);
      for (const name of rules.standsFor) fields.set(name, { ...directory, resolved: false });
      return;
    }
    for (const [name, value] of Object.entries(address.fields)) {
      if (value === undefined) continue;
      const other = fields.get(name);
      if (other === undefined) fields.set(name, { ...directory, value });
      else if (other.value !== value && value !== '') {
        const message = `\`${directory.given}\` contradicts \`${other.given}\` in line ${other.line}`;
        notes.problem(directory.line, message);
      }
    }
  };
}

function takeBucketScheme(fields: Map<string, Field>, notes: FieldNotes): void {
  const bucket = fields.get('bucket');
  if (bucket === undefined || typeof bucket.value !== 'string') return;
  const [, scheme, name, path] = /^(s3a?|gs):\/\/([^/]*)\/*(.*)$/i.exec(bucket.value) ?? [];
  if (scheme === undefined || name === undefined) return;
  notes.warning(bucket.line, `\`${bucket.given}\` is used without ${scheme.toLowerCase()}://; write only the name`);
  fields.set('bucket', { ...bucket, value: name });
  if (path === undefined || path === '') return;
  if (fields.has('base_path'))
    notes.problem(bucket.line, `\`${bucket.given}\` contains a path, but \`base_path\` is given too`);
  else fields.set('base_path', { ...bucket, value: path });
}

/** Bucket and path of a URL with one of the schemes; `example` is shown for any other URL. */
export function bucketAddress(
  directory: string,
  { schemes, example }: { readonly schemes: RegExp; readonly example: string },
): Address {
  const { scheme, authority, path } = urlParts(directory);
  if (!schemes.test(scheme)) return { problem: `must be a URL such as ${example}` };
  return authority === '' ? { problem: 'names no bucket' } : { fields: { bucket: authority, base_path: path } };
}

/** `scheme://authority/path`, the scheme in lower case; all empty if it is not a URL. */
export function urlParts(url: string): { readonly scheme: string; readonly authority: string; readonly path: string } {
  const [, scheme = '', authority = '', path = ''] = /^([a-z][a-z0-9+.-]*):\/\/([^/]*)\/*(.*)$/i.exec(url) ?? [];
  return { scheme: scheme.toLowerCase(), authority, path };
}

/** `scheme://bucket/base`, for messages. */
export function bucketUrl(scheme: string, bucket: string, basePath: string): string {
  return `${scheme}://${bucket}${basePath === '' ? '' : `/${basePath}`}`;
}
