import { homedir } from 'node:os';
import path from 'node:path';

import { describe, expect, it } from 'vitest';

import { localPath, outputDirectory } from '../../../../src/cli/flags/path-flags.js';
import { LakeportError } from '../../../../src/errors.js';

const given = (value: string) => ({ flag: '--output-dir', value });

function refusal(value: string): LakeportError {
  try {
    outputDirectory(given(value));
  } catch (error) {
    if (error instanceof LakeportError) return error;
    throw error;
  }
  throw new Error(`${value} was taken`);
}

describe('the directory of an export', () => {
  it.each([
    ['out', 'out'],
    ['./~old', './~old'],
    ['C:\\exports', 'C:\\exports'],
    ['a:b', 'a:b'],
    ['~', homedir()],
    ['~/', homedir()],
    ['~/lake/daily', path.join(homedir(), 'lake/daily')],
    ['file:///data/my%20lake', '/data/my lake'],
    ['FILE://localhost/data', '/data'],
    ['file:/data', '/data'],
  ])('%s is %s', (value, directory) => {
    expect(outputDirectory(given(value))).toBe(directory);
    expect(localPath(given(value))).toBe(directory);
  });

  it.each([
    ['s3://bucket/x', 's3', 's3://bucket/x'],
    ['S3A://bucket/x', 's3', 'S3A://bucket/x'],
    ['s3:/bucket', 's3', 's3://bucket'],
    ['gs://bucket', 'gcs', 'gs://bucket'],
    ['az://container/x', 'azure', 'az://container/x'],
    ['abfss://c@account.dfs.core.windows.net/x', 'azure', 'abfss://c@account.dfs.core.windows.net/x'],
    ['wasbs://c@account.blob.core.windows.net', 'azure', 'wasbs://c@account.blob.core.windows.net'],
    ['onelake://workspace/lakehouse', 'azure', 'onelake://workspace/lakehouse'],
    ['https://account.blob.core.windows.net/c/x?sv=1&sig=hidden', 'azure', 'https://account.blob.core.windows.net/c/x'],
  ])('%s is refused with the entry of type %s that is needed', (value, type, directory) => {
    const error = refusal(value);
    expect(error).toMatchObject({ code: 'NOT_A_LOCAL_PATH', exit: 'usage' });
    expect(error.hint).toContain(`{ "storage_type": "${type}", "info": { "directory": "${directory}" } }`);
    expect(error.hint).toContain('--target-storage-id lake');
    expect(JSON.stringify(error.toData())).not.toContain('hidden');
  });

  it.each([
    ['https://storage.googleapis.com/bucket/x', 'gcs'],
    ['https://bucket.s3.eu-west-1.amazonaws.com/x', 's3'],
    ['https://s3-eu-west-1.amazonaws.com/bucket', 's3'],
  ])('%s is refused as a bucket’s address of type %s', (value, type) => {
    expect(refusal(value).hint).toContain(`"storage_type": "${type}", "info": { "bucket": "…"`);
  });

  it.each([
    'https://example.com/x',
    'hdfs://cluster/x',
    'dbfs:/x',
    'file://server/share',
    'file:relative',
    'file:///data/a#b',
    'file:///data/%2F',
    '~somebody/x',
    ' ',
  ])('%s is refused', (value) => {
    expect(refusal(value)).toMatchObject({ exit: 'usage', context: { detail: '--output-dir' } });
  });
});
