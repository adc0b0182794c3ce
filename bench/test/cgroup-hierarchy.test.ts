import t from 'tap'
import { findMemoryHierarchy } from '../cage/cgroup-hierarchy.ts'

t.test('v1: the hierarchy with the memory controller, among many', async t => {
  const selfCgroup = '9:name=systemd:/\n4:memory:/user/a\n1:cpu,cpuacct:/\n0::/\n'
  const mountinfo = [
    '31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755',
    '32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct',
    '35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 master:1 - cgroup cgroup rw,memory',
    '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw',
  ].join('\n')
  t.strictSame(findMemoryHierarchy(selfCgroup, mountinfo), {
    version: 1,
    mountPoint: '/sys/fs/cgroup/memory',
    ownDirectory: '/sys/fs/cgroup/memory/user/a',
  })
})

t.test('v2: a user session under systemd', async t => {
  const path = '/user.slice/user-1000.slice/user@1000.service/app.slice/vte-spawn-1.scope'
  const mountinfo = '29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n'
  t.strictSame(findMemoryHierarchy(`0::${path}\n`, mountinfo), {
    version: 2,
    mountPoint: '/sys/fs/cgroup',
    ownDirectory: `/sys/fs/cgroup${path}`,
  })
})

t.test('v2 in a container with a cgroup namespace: the top is our own', async t => {
  const mountinfo = '612 600 0:26 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw\n'
  t.strictSame(findMemoryHierarchy('0::/\n', mountinfo), {
    version: 2,
    mountPoint: '/sys/fs/cgroup',
    ownDirectory: '/sys/fs/cgroup',
  })
})

t.test('v1 in a container without a cgroup namespace: paths are the host’s', async t => {
  const mountinfo = '90 80 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n'
  const found = findMemoryHierarchy('4:memory:/docker/abc/sub\n', mountinfo)
  t.equal(found?.ownDirectory, '/sys/fs/cgroup/memory/sub')
  const outside = findMemoryHierarchy('4:memory:/../elsewhere\n', mountinfo)
  t.equal(outside?.ownDirectory, '/sys/fs/cgroup/memory')
})

t.test('a mount point with a space, as the kernel writes it', async t => {
  const mountinfo = '29 23 0:26 / /my\\040cgroups rw - cgroup2 cgroup2 rw\n'
  t.equal(findMemoryHierarchy('0::/a\n', mountinfo)?.ownDirectory, '/my cgroups/a')
})

t.test('nothing mounted', async t => {
  t.equal(findMemoryHierarchy('0::/\n', ''), undefined)
})
