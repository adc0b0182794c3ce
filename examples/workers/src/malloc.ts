/** Has glibc give freed buffers back to the kernel at once: what it keeps for later it keeps in each worker. */
export const MALLOC = { MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_TRIM_THRESHOLD_: '131072' }
