import { describe, expect, it } from 'vitest';

import { isLoopback } from '../../../../src/storage/http/endpoint.js';
import { ProxyExcludes } from '../../../../src/storage/http/proxy-excludes.js';

describe('hosts without a proxy', () => {
  const excludes = new ProxyExcludes([
    'db.corp',
    '.lake.corp',
    '*.site.corp',
    '10.0.0.0/8',
    '192.168.1.7',
    'fd00::/8',
    '',
  ]);

  it.each([
    'db.corp',
    'DB.CORP',
    'a.db.corp',
    'a.b.db.corp',
    'lake.corp',
    'a.lake.corp',
    'b.site.corp',
    '10.1.2.3',
    '192.168.1.7',
    '[fd00::1]',
    '169.254.169.254',
  ])('are %s', (host) => expect(excludes.matches(host)).toBe(true));

  it.each(['other.corp', 'corp', 'xdb.corp', 'db.corp.other', 'xlake.corp', '11.1.2.3', '192.168.1.8', '[fe80::1]'])(
    'are not %s',
    (host) => expect(excludes.matches(host)).toBe(false),
  );

  it('are those of a list as in the documents of LanceDB', () => {
    const lance = new ProxyExcludes('example.com, 192.168.1.0/24'.split(','));
    for (const host of ['example.com', 'api.example.com', 'www.example.com', '192.168.1.77']) {
      expect(lance.matches(host), host).toBe(true);
    }
    for (const host of ['example.org', 'myexample.com', '192.168.2.1']) expect(lance.matches(host), host).toBe(false);
  });

  it('are all of them with *', () => {
    expect(new ProxyExcludes(['*']).matches('anything.example')).toBe(true);
  });
});

describe('addresses of this machine', () => {
  it.each(['localhost', 'app.localhost', '127.0.0.1', '127.9.9.9', '[::1]', '::1'])('are %s', (host) => {
    expect(isLoopback(host)).toBe(true);
  });

  it.each(['localhost.example.com', '128.0.0.1', '0.0.0.0', '[::2]'])('are not %s', (host) => {
    expect(isLoopback(host)).toBe(false);
  });
});
