/** Something that an option can name: a name itself, or what has one. */
export type Nameable = string | { readonly name: string }

/**
 * Which of all somebody means.
 *
 * @param option that names it, for whoever has it wrong
 * @throws where there is none of this name, telling which there are
 */
export function named<T extends Nameable>(option: string, name: string, all: readonly T[]): T {
  const found = all.find(one => nameOf(one) === name)
  if (found === undefined) throw new TypeError(`${option} is ${all.map(nameOf).join(', ')}, not ${name}`)
  return found
}

/**
 * All that an option names, by comma, in its order; all there are where it is not given.
 *
 * @throws where there is none of a name, telling which there are
 */
export function allNamed<T extends Nameable>(
  option: string,
  names: string | undefined,
  all: readonly T[],
): readonly T[] {
  return names?.split(',').map(name => named(option, name, all)) ?? all
}

function nameOf(one: Nameable): string {
  return typeof one === 'string' ? one : one.name
}
