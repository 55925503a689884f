import { describe, expect, test } from 'vitest';
import { LakeportError } from '../../../../src/errors.js';
import { parseConnectionString } from '../../../../src/sources/mssql/connection/connection-string.js';
import { displayAddress } from '../../../../src/sources/mssql/connection/address.js';

const parse = (text: string) => parseConnectionString(text, 'ds_ms');
const USER = 'User Id=bob;Password=s3cr3t-one';

describe('where to', () => {
  test.each([
    [`Server=db.example;${USER}`, 'db.example:1433'],
    [`Data Source=tcp:db.example,1444;${USER}`, 'db.example:1444'],
    [`Server=db.example\\SALES;${USER}`, 'db.example\\SALES'],
    [`Server=db.example\\SALES,1444;${USER}`, 'db.example:1444'],
    [`Server=db.example\\SALES,1433;${USER}`, 'db.example:1433'],
    [`Server=(local);${USER}`, 'localhost:1433'],
  ])('%s', async (text, address) => {
    expect(displayAddress(await parse(text))).toBe(address);
  });
});

test('database, user, password and what else matters', async () => {
  const text =
    'Server=h;Initial Catalog=Sales Data;UID=bob;PWD="p;w""d";Connect Timeout=7;ApplicationIntent=ReadOnly;MultiSubnetFailover=True;TrustServerCertificate=yes';
  expect(await parse(text)).toMatchObject({
    database: 'Sales Data',
    authentication: { type: 'default', options: { userName: 'bob', password: 'p;w"d' } },
    connectTimeoutMs: 7000,
    readOnlyIntent: true,
    multiSubnetFailover: true,
    trustServerCertificate: true,
  });
});

test.each([
  ['', true],
  ['Encrypt=true', true],
  ['Encrypt=Mandatory', true],
  ['Encrypt=false', false],
  ['Encrypt=no', false],
  ['Encrypt=Optional', false],
  ['encrypt = Strict', 'strict'],
])('encryption by %j is %j', async (setting, encrypt) => {
  expect((await parse(`Server=h;${USER};${setting}`)).encrypt).toBe(encrypt);
});

test('a user of a Windows domain logs in by NTLM', async () => {
  const { authentication } = await parse('Server=h;User Id=CORP\\bob;Password=x');
  expect(authentication).toEqual({ type: 'ntlm', options: { userName: 'bob', password: 'x', domain: 'CORP' } });
});

test.each([
  ['Database=x', /names no server/],
  ['Server=h;Integrated Security=true', /uses Integrated Security/],
  ['Server=np:\\\\h\\pipe;User Id=a;Password=s3cr3t-one', /cannot be read/],
])('%s is refused without a word of its secrets', async (text, message) => {
  const error: unknown = await parse(text).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(LakeportError);
  expect(error).toMatchObject({ code: 'CONNECTION_STRING_INVALID', exit: 'usage', context: { entry: 'ds_ms' } });
  expect((error as LakeportError).message).toMatch(message);
  expect(JSON.stringify((error as LakeportError).toData())).not.toContain('s3cr3t');
});
