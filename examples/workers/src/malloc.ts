/**
 * Has glibc give freed buffers back to the kernel at once, since what it keeps for later it keeps in each worker; and take them
 * in huge pages, since of small ones each new buffer costs thousands of page faults.
 */
export const MALLOC = {
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '131072',
  GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
}
