import { describe, expect, it } from 'vitest';

import type { AzureInfo } from '../../../src/storage/azure/info.js';
import type { GcsInfo } from '../../../src/storage/gcs/info.js';
import type { S3Info } from '../../../src/storage/s3/info.js';
import { readAuthFile } from '../../../src/auth-file.js';

const environment = { SHOP_DB_PASSWORD: 'secret' };

describe('auth.example.json', () => {
  it('is accepted by the schema', async () => {
    const auth = await readAuthFile('auth.example.json', { environment });
    const kinds = new Set(
      auth.ids().map((id) => {
        const entry = auth.entry(id);
        return entry.kind === 'database' ? entry.engine : entry.storageType;
      }),
    );
    expect([...kinds].sort()).toEqual(['azure', 'gcs', 'local', 'mssql', 'postgres', 's3', 'sqlite']);
  });

  it('shows every way to log in', async () => {
    const auth = await readAuthFile('auth.example.json', { environment });
    const credentials = (id: string) => {
      const entry = auth.storage(id);
      return entry.storageType === 'local'
        ? undefined
        : `${entry.storageType} ${(entry.info as S3Info | GcsInfo | AzureInfo).credentials.kind}`;
    };
    expect(
      new Set(
        auth
          .ids()
          .filter((id) => auth.entry(id).kind === 'storage')
          .map(credentials),
      ),
    ).toEqual(
      new Set([
        's3 profile',
        's3 keys',
        's3 default',
        'gcs file',
        'gcs key',
        'gcs default',
        'azure account-key',
        'azure sas',
        'azure connection-string',
        'azure service-principal',
        'azure workload-identity',
        'azure managed-identity',
        'azure token',
        'azure azure-cli',
        'azure default',
        undefined,
      ]),
    );
  });

  it('holds what the documents of LakeXpress show', async () => {
    const auth = await readAuthFile('auth.example.json', { environment });
    expect(auth.storage('ovh_s3_01').info).toMatchObject({
      bucket: 'your-ovh-bucket',
      basePath: 'lakeport',
      endpointUrl: 'https://s3.gra.io.cloud.ovh.net',
      region: 'gra',
      credentials: { kind: 'keys', accessKeyId: 'YOUR_OVH_ACCESS_KEY', secretAccessKey: 'YOUR_OVH_SECRET_KEY' },
      forcePathStyle: true,
      requestChecksum: 'when_required',
    });
    expect(auth.storage('aws_s3_directory').info).toMatchObject({
      bucket: 'your-bucket-name',
      basePath: 'lakeport/exports',
      credentials: { kind: 'profile', profile: 'your-aws-profile' },
      forcePathStyle: false,
      requestChecksum: 'when_supported',
    });
    expect(auth.storage('onelake_01').info).toMatchObject({
      accountName: 'onelake',
      container: 'your-workspace',
      basePath: 'your-lakehouse.Lakehouse/Files/exports',
      useFabricEndpoint: true,
    });
  });
});
