import { posix } from 'node:path'

/** Where this process stands in the hierarchy that the memory controller is bound to. */
export interface CgroupHierarchy {
  readonly version: 1 | 2
  readonly mountPoint: string
  readonly ownDirectory: string
}

/**
 * @param selfCgroup `/proc/self/cgroup`
 * @param mountinfo `/proc/self/mountinfo`
 * @see cgroups(7) and proc_pid_mountinfo(5)
 */
export function findMemoryHierarchy(selfCgroup: string, mountinfo: string): CgroupHierarchy | undefined {
  const mounts = parseMountinfo(mountinfo)
  const memberships = parseSelfCgroup(selfCgroup)

  // v1 first: on a hybrid system both are mounted, and a controller bound to v1 is absent from v2.
  const v1Mount = mounts.find(m => m.fileSystem === 'cgroup' && m.superOptions.includes('memory'))
  const v1Path = memberships.find(m => m.controllers.includes('memory'))?.path
  if (v1Mount && v1Path !== undefined) return located(1, v1Mount, v1Path)

  const v2Mount = mounts.find(m => m.fileSystem === 'cgroup2')
  const v2Path = memberships.find(m => m.hierarchy === 0)?.path
  if (v2Mount && v2Path !== undefined) return located(2, v2Mount, v2Path)
  return undefined
}

function located(version: 1 | 2, mount: Mount, path: string): CgroupHierarchy {
  // In a container without a cgroup namespace the path is the host's, and only what lies below
  // the mount's root can be seen. A path out of view ('/../x') leaves the mount point itself.
  const inside = posix.relative(mount.root, path)
  const ownDirectory = inside.startsWith('..') ? mount.mountPoint : posix.join(mount.mountPoint, inside)
  return { version, mountPoint: mount.mountPoint, ownDirectory }
}

interface Membership {
  readonly hierarchy: number
  readonly controllers: readonly string[]
  readonly path: string
}

function parseSelfCgroup(text: string): Membership[] {
  return lines(text).map(line => {
    const [hierarchy = '', controllers = '', ...path] = line.split(':')
    return { hierarchy: Number(hierarchy), controllers: controllers.split(','), path: path.join(':') }
  })
}

interface Mount {
  readonly root: string
  readonly mountPoint: string
  readonly fileSystem: string
  readonly superOptions: readonly string[]
}

function parseMountinfo(text: string): Mount[] {
  return lines(text).map(line => {
    // Optional fields before the lone hyphen vary in number, so both halves are read from their start.
    const [before = '', after = ''] = line.split(' - ')
    const [, , , root = '', mountPoint = ''] = before.split(' ')
    const [fileSystem = '', , superOptions = ''] = after.split(' ')
    return {
      root: unescaped(root),
      mountPoint: unescaped(mountPoint),
      fileSystem,
      superOptions: superOptions.split(','),
    }
  })
}

/** The kernel writes space, tab, newline and backslash in paths as three octal digits. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}

function lines(text: string): string[] {
  return text.split('\n').filter(line => line !== '')
}
