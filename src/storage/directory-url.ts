import type { Field, FieldNotes } from '../auth/entry-kind.js';

/** What a `directory` URL stands for, by names of fields; or what is wrong with it. Undefined values are left out. */
export type Address =
  { readonly fields: Readonly<Record<string, string | boolean | undefined>> } | { readonly problem: string };

export interface DirectoryRules {
  /** Fields that must not be asked for where the URL is wrong. */
  readonly standsFor: readonly string[];
  readonly resolve: (directory: string) => Address;
}

/** Replaces a `directory` URL by the fields that it stands for, and takes the scheme off a bucket's name. */
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
        const message = `\`${directory.given}\` stands for \`${other.given}\` too, which says otherwise in line ${other.line}`;
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
  notes.warning(
    bucket.line,
    `\`${bucket.given}\` is taken without ${scheme.toLowerCase()}:// in front: the name alone is meant`,
  );
  fields.set('bucket', { ...bucket, value: name });
  if (path === undefined || path === '') return;
  if (fields.has('base_path'))
    notes.problem(bucket.line, `\`${bucket.given}\` holds a path, and \`base_path\` is given too`);
  else fields.set('base_path', { ...bucket, value: path });
}

/** The bucket and the path of a URL with one of the schemes; `example` is shown for any other. */
export function bucketAddress(
  directory: string,
  { schemes, example }: { readonly schemes: RegExp; readonly example: string },
): Address {
  const { scheme, authority, path } = urlParts(directory);
  if (!schemes.test(scheme)) return { problem: `must be a URL such as ${example}` };
  return authority === '' ? { problem: 'names no bucket' } : { fields: { bucket: authority, base_path: path } };
}

/** `scheme://authority/path`, the scheme in lower case; all empty for what is no URL. */
export function urlParts(url: string): { readonly scheme: string; readonly authority: string; readonly path: string } {
  const [, scheme = '', authority = '', path = ''] = /^([a-z][a-z0-9+.-]*):\/\/([^/]*)\/*(.*)$/i.exec(url) ?? [];
  return { scheme: scheme.toLowerCase(), authority, path };
}

/** `scheme://bucket/base`, for people. */
export function bucketUrl(scheme: string, bucket: string, basePath: string): string {
  return `${scheme}://${bucket}${basePath === '' ? '' : `/${basePath}`}`;
}
