import { describe, expect, it } from 'vitest';

import { embeddedLog, stateDirectory } from '../../../src/runlog/target.js';

const HOME = { HOME: '/home/ada' };

describe('the location of the embedded log', () => {
  it('is the state directory of the XDG specification on Linux', () => {
    expect(stateDirectory({ environment: HOME, platform: 'linux' })).toBe('/home/ada/.local/state/lakeport');
    expect(stateDirectory({ environment: { ...HOME, XDG_STATE_HOME: '/state' }, platform: 'linux' })).toBe(
      '/state/lakeport',
    );
  });

  it('ignores a relative XDG_STATE_HOME, as the specification requires', () => {
    const environment = { ...HOME, XDG_STATE_HOME: 'state' };
    expect(stateDirectory({ environment, platform: 'linux' })).toBe('/home/ada/.local/state/lakeport');
  });

  it('is Application Support on macOS', () => {
    expect(stateDirectory({ environment: HOME, platform: 'darwin' })).toBe(
      '/home/ada/Library/Application Support/lakeport',
    );
  });

  it('is LOCALAPPDATA on Windows', () => {
    const environment = { USERPROFILE: '/users/ada', LOCALAPPDATA: '/users/ada/local' };
    expect(stateDirectory({ environment, platform: 'win32' })).toBe('/users/ada/local/lakeport');
    expect(stateDirectory({ environment: { USERPROFILE: '/users/ada' }, platform: 'win32' })).toBe(
      '/users/ada/AppData/Local/lakeport',
    );
  });

  it('is a SQLite file', () => {
    expect(embeddedLog({ environment: HOME, platform: 'linux' })).toMatchObject({
      engine: 'sqlite',
      info: { filepath: '/home/ada/.local/state/lakeport/runs.sqlite' },
    });
  });
});
