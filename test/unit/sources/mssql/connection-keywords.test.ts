import { expect, test } from 'vitest';
import { keywords, refusedKeyword } from '../../../../src/sources/mssql/connection/connection-keywords.js';

const BASE = 'Server=db;User Id=bob;Password=pa55word;';

test.each([
  'ApplicationIntent=ReadOnly;MultiSubnetFailover=True;Encrypt=strict;HostNameInCertificate=db.example',
  'Application Intent=ReadOnly;Multi Subnet Failover=yes;Trust Server Certificate=true',
  'Integrated Security=false;Column Encryption Setting=Disabled;Network Library=dbmssocn',
  'Pooling=false;Max Pool Size=5;Application Name=me;MultipleActiveResultSets=True;Persist Security Info=False',
  'Authentication=Active Directory Password;Connect Timeout=5;Command Timeout=30',
])('takes %s', (more) => {
  expect(refusedKeyword(BASE + more)).toBeUndefined();
});

test.each([
  ['Integrated Security=SSPI', /User Id and Password/],
  ['Trusted_Connection=yes', /User Id and Password/],
  ['Column Encryption Setting=Enabled', /Encrypted columns/],
  ['Failover Partner=other', /listener/],
  ['Server Certificate=/c.cer', /NODE_EXTRA_CA_CERTS/],
  ['AttachDbFilename=|DataDirectory|x.mdf', /Attach the database/],
  ['Network Library=dbnmpntw', /TCP/],
  ['Aplication Intent=ReadOnly', /Remove Aplication Intent/],
])('refuses %s without repeating a secret', (more, hint) => {
  const refused = refusedKeyword(BASE + more);
  expect(refused?.hint).toMatch(hint);
  expect(JSON.stringify(refused)).not.toContain('pa55word');
});

test('values may hold semicolons in quotes', () => {
  expect(keywords(`Password="a;b=c";User Id='x;y' ;Server={db;1}`)).toEqual([
    ['Password', 'a;b=c'],
    ['User Id', 'x;y'],
    ['Server', 'db;1'],
  ]);
});
