import { describe, expect, it } from 'vitest';
import { LakeportError } from '../../src/errors.js';

describe('an error', () => {
  const thrown = new LakeportError({
    code: 'TABLE_NOT_FOUND',
    exit: 'usage',
    message: 'm',
    hint: 'h',
    context: { column: 'c' },
  });

  it('gains context on its way, and keeps its own and the place where it was thrown', () => {
    const error = thrown.within({ table: 't', column: 'other' });
    expect(error.context).toEqual({ table: 't', column: 'c' });
    expect(error.stack).toBe(thrown.stack);
  });

  it('is the same after a way between threads', () => {
    const error = LakeportError.fromData(structuredClone(thrown.toData()));
    expect(error.toData()).toEqual(thrown.toData());
    expect(error).toBeInstanceOf(LakeportError);
  });

  it('with a code that only another version knows is read as it was recorded', () => {
    const recorded = { ...thrown.toData(), code: 'RETIRED_CODE' as never, transient: undefined };
    expect(LakeportError.fromData(recorded)).toMatchObject({ code: 'RETIRED_CODE', exit: 'usage', transient: false });
  });

  it('is made of anything that is thrown', () => {
    expect(LakeportError.from(thrown)).toBe(thrown);
    expect(LakeportError.from('x')).toMatchObject({ code: 'UNEXPECTED', exit: 'unexpected', message: 'x' });
  });

  it('names a working directory that is gone', () => {
    const thrown = Object.assign(new Error('ENOENT: no such file or directory, uv_cwd'), { syscall: 'uv_cwd' });
    expect(LakeportError.from(thrown)).toMatchObject({ code: 'WORKING_DIRECTORY_GONE', exit: 'usage', cause: thrown });
  });
});
