import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { readAuthFile } from '../../../src/auth-file.js';
import { Redactor } from '../../../src/auth/redaction.js';
import { LakeportError } from '../../../src/errors.js';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'lakeport-auth-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function write(content: unknown, name = 'auth.json'): string {
  const file = path.join(directory, name);
  const text = typeof content === 'string' ? content : JSON.stringify(content, undefined, 2);
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

async function read(content: unknown, environment: NodeJS.ProcessEnv = {}) {
  return readAuthFile(write(content), { environment });
}

async function failure(content: unknown, environment: NodeJS.ProcessEnv = {}): Promise<LakeportError> {
  return read(content, environment).then(
    () => expect.fail('the file was accepted'),
    (error: unknown) => (error instanceof LakeportError ? error : expect.fail(String(error))),
  );
}

const postgres = { ds_type: 'postgres', info: { server: 'db', username: 'me', password: 'pw' } };

describe('the name of the schema', () => {
  it('is for editors, and no entry', async () => {
    const auth = await read({ $schema: './docs/schemas/auth.json', ds: postgres });
    expect(auth.ids()).toEqual(['ds']);
    expect(auth.warnings).toEqual([]);
  });
});

describe('a file that is no auth file', () => {
  it('is refused with its path where it does not exist', async () => {
    const error = await readAuthFile(path.join(directory, 'none.json')).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'AUTH_FILE_NOT_FOUND', exit: 'usage' });
    expect(String(error)).toContain('none.json');
  });

  it('is refused where it is a directory', async () => {
    await expect(readAuthFile(directory)).rejects.toThrow(/is a directory/);
  });

  it('is refused with line and column where it is not JSON, and without its text', async () => {
    const error = await failure('{\n  "ds": {\n    "password": "hunter2-secret",\n  }\n}');
    expect(error.code).toBe('AUTH_FILE_NOT_JSON');
    expect(error.message).toMatch(/line 4, column 3/);
    expect(error.message).not.toContain('hunter2');
  });

  it.each([
    ['', /the file is empty|not valid JSON/],
    ['[]', /one JSON object/],
    ['"x"', /one JSON object/],
    ['{ // comment\n}', /not valid JSON/],
    ['{"a": NaN}', /not valid JSON/],
  ])('is refused: %j', async (text, message) => {
    expect((await failure(text)).message).toMatch(message);
  });

  it('is refused where it is UTF-16', async () => {
    const file = path.join(directory, 'auth.json');
    writeFileSync(file, Buffer.from('\ufeff{}', 'utf16le'));
    await expect(readAuthFile(file)).rejects.toMatchObject({ code: 'AUTH_FILE_NOT_UTF8' });
  });

  it('may begin with a byte order mark', async () => {
    expect((await read(`\ufeff${JSON.stringify({ pg: postgres })}`)).ids()).toEqual(['pg']);
  });
});

describe('problems', () => {
  it('are all listed at once, with line, id and field', async () => {
    const error = await failure(`{
  "pg": {
    "ds_type": "postgres",
    "info": {
      "server": 5,
      "passwrod": "hunter2-secret",
      "port": "abc",
      "ssl": "verify_full",
      "connect_timeout": "soon"
    }
  },
  "lake": {
    "storage_type": "s4",
    "info": {}
  },
  "bucket": {
    "storage_type": "s3",
    "info": {
      "bucket": "",
      "profile": "p",
      "access_key_id": "AK",
      "sse_kms_key_id": "k"
    }
  }
}`);
    expect(error.message.split('\n').slice(1)).toEqual([
      '  line 4: pg: `username` is missing',
      '  line 5: pg: `server` must be a string',
      '  line 6: pg: unknown field `passwrod`; did you mean `password`?',
      '  line 7: pg: `port` must be a whole number from 1 to 65535',
      '  line 8: pg: `ssl` must be one of disable, prefer, require, verify-ca, verify-full; did you mean verify-full?',
      '  line 9: pg: `connect_timeout` must be a duration such as "30s", "500ms" or "2m", or a number of seconds',
      '  line 13: lake: unknown `storage_type` "s4": the known ones are s3, gcs, azure, azure_blob, azure_adls, onelake, local, filesystem; did you mean s3?',
      '  line 19: bucket: `bucket` is empty',
      '  line 20: bucket: `profile` cannot be combined with `access_key_id`; keep one of them',
      '  line 22: bucket: `sse_kms_key_id` requires `server_side_encryption` aws:kms or aws:kms:dsse',
    ]);
    expect(error.exit).toBe('usage');
    expect(JSON.stringify(error.toData())).not.toContain('hunter2');
  });

  it('include an id that is used twice, with both lines', async () => {
    const error = await failure(`{
  "pg": ${JSON.stringify(postgres)},
  "other": ${JSON.stringify(postgres)},
  "pg": ${JSON.stringify(postgres)}
}`);
    expect(error.message).toMatch(/line 4: pg: the id is used twice, in line 2 and in line 4/);
  });

  it('include a field that is given twice, also by two of its names', async () => {
    const error = await failure(`{
  "lake": {
    "storage_type": "s3",
    "info": {
      "bucket": "a",
      "bucket_name": "b",
      "region": "x",
      "REGION": "y"
    }
  }
}`);
    expect(error.message).toContain(
      'line 6: lake: `bucket_name` means the same as `bucket` in line 5; keep one of them',
    );
    expect(error.message).toContain('line 8: lake: `REGION` means the same as `region` in line 7');
  });

  it.each<[string, unknown, RegExp]>([
    ['an entry that is no object', { pg: 5 }, /line 2: pg: the entry must be an object/],
    ['an entry without a type', { pg: { info: {} } }, /`ds_type` \(a database\) or `storage_type`/],
    [
      'an unknown ds_type',
      { pg: { ds_type: 'postgress', info: {} } },
      /unknown `ds_type` "postgress".*did you mean postgres\?/,
    ],
    ['a type that is no string', { pg: { ds_type: 5, info: {} } }, /`ds_type` must be a string/],
    ['types that contradict', { pg: { ds_type: 's3', storage_type: 'gcs', info: {} } }, /contradict each other/],
    ['no info', { pg: { ds_type: 'postgres' } }, /pg: `info` is missing/],
    ['info that is no object', { pg: { ds_type: 'postgres', info: [] } }, /`info` must be an object/],
    ['a field outside info', { pg: { ...postgres, server: 'x' } }, /`server` belongs into `info`/],
    [
      'an unknown field beside info',
      { pg: { ...postgres, auth_mod: 'x' } },
      /unknown field `auth_mod`; did you mean `auth_mode`\?/,
    ],
    ['another auth_mode', { pg: { ...postgres, auth_mode: 'kerberos' } }, /`auth_mode` must be "classic"/],
    ['an empty id', { '': postgres }, /an entry has an empty id/],
  ])('name %s', async (_, content, message) => {
    expect((await failure(content)).message).toMatch(message);
  });
});

describe('references', () => {
  it('to variables and files are replaced in any string', async () => {
    const secret = write('from-a-file\n', 'secret');
    const auth = await read(
      {
        pg: {
          ds_type: 'postgres',
          info: {
            server: '${DB_HOST}',
            port: '$env{DB_PORT}',
            username: 'a$b$$c$',
            password: `x$file{${secret}}y`,
            options: { search_path: '${DB_PATH}' },
          },
        },
      },
      { DB_HOST: 'db.example', DB_PORT: '6543', DB_PATH: 'sales' },
    );
    expect(auth.database('pg').info).toMatchObject({
      server: 'db.example',
      port: 6543,
      username: 'a$b$c$',
      password: 'xfrom-a-filey',
      options: { search_path: 'sales' },
    });
  });

  it('that lead nowhere are problems with id and field, and the only ones of their field', async () => {
    const error = await failure(
      {
        pg: {
          ds_type: 'postgres',
          info: { server: '${NO_HOST}', port: '$env{NO_PORT}', username: '$file{/no/such/file}', password: 'pa${word' },
        },
      },
      {},
    );
    expect(error.message.split('\n').slice(1)).toEqual([
      '  line 5: pg: `server` refers to the environment variable NO_HOST, which is not set',
      '  line 6: pg: `port` refers to the environment variable NO_PORT, which is not set',
      '  line 7: pg: `username` refers to the file /no/such/file, which does not exist',
      '  line 8: pg: `password` has a ${ without its closing brace (write $$ for a dollar sign)',
    ]);
  });

  it('do not show what stands in the braces when it can be no name', async () => {
    const error = await failure({
      pg: { ds_type: 'postgres', info: { ...postgres.info, password: 'x${hunter2-secret}' } },
    });
    expect(error.message).toMatch(/has a \$\{…\} without a variable name/);
    expect(error.message).not.toContain('hunter2');
  });
});

describe('permissions', () => {
  it.skipIf(process.platform === 'win32')(
    'of a file that others can read give a warning that says chmod 600',
    async () => {
      const file = write({ pg: postgres });
      expect((await readAuthFile(file)).warnings).toEqual([]);
      chmodSync(file, 0o644);
      expect((await readAuthFile(file)).warnings).toEqual([expect.stringMatching(/chmod 600 .*auth\.json/)]);
    },
  );
});

describe('a file that is read by its group', () => {
  it.skipIf(process.platform === 'win32')('gives a warning where it is a file that the user may change', async () => {
    const file = write({ pg: postgres });
    chmodSync(file, 0o640);
    expect((await readAuthFile(file)).warnings).toEqual([expect.stringMatching(/chmod 600/)]);
  });

  it.skipIf(process.platform === 'win32')('gives none as a secret that Kubernetes has mounted', async () => {
    const file = write({ pg: postgres });
    const volume = path.join(path.dirname(file), 'volume');
    mkdirSync(path.join(volume, '..2026_01_01'), { recursive: true });
    renameSync(file, path.join(volume, '..2026_01_01', 'auth.json'));
    symlinkSync('..2026_01_01', path.join(volume, '..data'));
    symlinkSync('..data/auth.json', path.join(volume, 'auth.json'));
    const mounted = path.join(volume, 'auth.json');
    chmodSync(mounted, 0o440);
    expect((await readAuthFile(mounted)).warnings).toEqual([]);
    chmodSync(mounted, 0o444);
    expect((await readAuthFile(mounted)).warnings).toEqual([expect.stringMatching(/defaultMode to 0440/)]);
  });
});

describe('a variable or file that is missing', () => {
  const content = {
    used: { ds_type: 'postgres', info: { server: 's', username: 'u', password: 'p' } },
    other: { ds_type: 'postgres', info: { server: 's', username: 'u', password: '${NOT_HERE}' } },
    third: { storage_type: 'local', info: { directory: '$file{/not/here}' } },
  };

  it('matters only to the entry that refers to it', async () => {
    const auth = await read(content);
    expect(auth.ids()).toEqual(['used', 'other', 'third']);
    expect(auth.database('used')).toMatchObject({ id: 'used' });
    expect(() => auth.database('other')).toThrow(/other: `password` refers to the environment variable NOT_HERE/);
    expect(() => auth.storage('third')).toThrow(/third: `directory` refers to the file \/not\/here/);
  });
});

describe('asking for an entry', () => {
  const content = {
    ds_pg: postgres,
    ds_ms: { ds_type: 'mssql', info: { server: 's', username: 'u', password: 'p' } },
    lake: { storage_type: 'local', info: { directory: 'd' } },
    ora: { ds_type: 'oracle', info: { anything: 1 } },
  };

  it('that does not exist names the ids that do, and the nearest', async () => {
    const auth = await read(content);
    expect(() => auth.database('ds_px')).toThrow(/has no entry "ds_px"; did you mean ds_pg\?/);
    expect(() => auth.database('ds_px')).toThrow(
      expect.objectContaining({ hint: 'Its entries are: ds_pg, ds_ms, lake, ora.' }) as Error,
    );
  });

  it('of the other kind says so and names those of the right kind', async () => {
    const auth = await read(content);
    expect(() => auth.database('lake')).toThrow(/is a storage, where a database is needed/);
    expect(() => auth.database('lake')).toThrow(
      expect.objectContaining({ hint: "The file's databases are: ds_pg, ds_ms." }) as Error,
    );
    expect(() => auth.storage('ds_pg')).toThrow(/is a database, where a storage is needed/);
  });

  it('of a kind that comes later says that it is not available yet', async () => {
    const auth = await read(content);
    expect(() => auth.database('ora')).toThrow(/oracle, which is not available yet/);
  });

  it('does not fall for names of object members', async () => {
    const auth = await read(content);
    expect(() => auth.entry('__proto__')).toThrow(/has no entry/);
    expect(() => auth.entry('constructor')).toThrow(/has no entry/);
  });
});

describe('secrets', () => {
  it('are known to the redactor, also where the file turns out to be wrong', async () => {
    const redactor = new Redactor();
    const file = write({
      pg: { ds_type: 'postgres', info: { server: 'h', username: 'u', password: 'MARK-pg-1' } },
      url: { ds_type: 'postgres', info: { connection_string: 'postgres://u:MARK-url%2F2@h/d' } },
      ms: { ds_type: 'mssql', info: { connection_string: 'Server=h;User Id=u;Password={MARK;ms-3}' } },
      s3: {
        storage_type: 's3',
        info: { bucket: 'b', access_key_id: 'MARK-ak-4', secret_access_key: 'MARK-sk-5', session_token: 'MARK-st-6' },
      },
      az: { storage_type: 'azure', info: { container: 'c', connection_string: 'AccountName=a;AccountKey=TUFSSy03' } },
      gc: {
        storage_type: 'gcs',
        info: {
          bucket: 'b',
          service_account_key: {
            type: 'service_account',
            client_email: 'a@b',
            private_key: '-----BEGIN-----\nMARK-line-8-0123456789\n-----END-----',
          },
        },
      },
      px: { storage_type: 'local', info: { directory: 'd', proxy_url: 'http://u:MARK-px-9@proxy:1' } },
      bad: { storage_type: 'nonsense' },
    });
    await expect(readAuthFile(file, { redactor, environment: {} })).rejects.toThrow(/nonsense/);
    for (const text of [
      'MARK-pg-1',
      'password=MARK-url/2',
      'MARK-url%2F2',
      'MARK;ms-3',
      'MARK-ak-4 MARK-sk-5 MARK-st-6',
      'TUFSSy03',
      '{"private_key":"-----BEGIN-----\\nMARK-line-8-0123456789"}',
      'MARK-line-8-0123456789',
      'http://u:MARK-px-9@proxy:1',
    ]) {
      expect(redactor.redact(text)).not.toMatch(/MARK|TUFSSy03/);
    }
  });
});
