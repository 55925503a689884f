import { type KernelBuild, type Kernels, openKernels } from '../../src/kernels/kernels.js';

/** Both builds, so that machines without SIMD are tested on those that have it. */
export const KERNEL_BUILDS: readonly KernelBuild[] = ['simd', 'scalar'];

const open = new Map<KernelBuild, Kernels>();

/** One instance a build and test file: each reserves address space. What columns put there before is gone. */
export function kernelsOf(build: KernelBuild): Kernels {
  const kernels = sharedKernels(build);
  kernels.clearColumns();
  return kernels;
}

/** The same instance, as it is. */
export function sharedKernels(build: KernelBuild): Kernels {
  const kernels = open.get(build) ?? openKernels(build);
  open.set(build, kernels);
  return kernels;
}
