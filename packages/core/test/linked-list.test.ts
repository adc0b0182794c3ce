import t from 'tap'
import { type Linked, LinkedList } from '../src/linked-list.ts'

class Item implements Linked<Item> {
  before: Item | undefined = undefined
  after: Item | undefined = undefined
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

function names(list: LinkedList<Item>): string {
  let text = ''
  for (let item = list.first; item !== undefined; item = item.after) text += item.name
  return text
}

for (const leaver of ['a', 'b', 'c']) {
  t.test(`${leaver} leaves a list of three, and may come back to its end`, async t => {
    const list = new LinkedList<Item>()
    const items = ['a', 'b', 'c'].map(name => new Item(name))
    for (const item of items) list.add(item)
    t.equal(names(list), 'abc')
    const item = items.find(({ name }) => name === leaver) as Item
    list.remove(item)
    const rest = 'abc'.replace(leaver, '')
    t.equal(names(list), rest)
    t.match(item, { before: undefined, after: undefined }, 'it holds on to nobody')
    list.add(item)
    t.equal(names(list), rest + leaver)
    for (const each of items) list.remove(each)
    t.equal(list.first, undefined)
  })
}
