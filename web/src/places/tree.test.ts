import { describe, expect, it } from 'vitest'

import type { Place } from '../api/types'
import { buildTree, countUp, nameOf, pathTo, search, subtree, visibleRows } from './tree'

function place(id: string, parent: string | null, name = id): Place {
  return {
    id, kind: 'building', parent_id: parent, name: { zh: `${name}楼`, en: name }, timezone: 'Asia/Shanghai',
    floor_area_m2: null, headcount: null, category: null, latitude: null, longitude: null, energies: [],
  }
}

const estate = [
  place('city', null), place('d2', 'city', 'South'), place('d1', 'city', 'North'),
  place('b10', 'd1', 'Block 10'), place('b2', 'd1', 'Block 2'),
]
const tree = buildTree(estate, 'en')

describe('the place tree', () => {
  it('sorts siblings as people count: 2 before 10', () => {
    expect(tree.children.get('d1')).toEqual(['b2', 'b10'])
    expect(tree.children.get('city')).toEqual(['d1', 'd2'])
  })

  it('loses no place whose parent is missing', () => {
    expect(buildTree([place('lost', 'gone')], 'en').children.get(null)).toEqual(['lost'])
  })

  it('survives a loop of parents', () => {
    const looped = buildTree([place('a', 'b'), place('b', 'a')], 'en')
    expect(looped.children.get(null)).toHaveLength(2)
    expect(visibleRows(looped, new Set(['a', 'b']), null)).toHaveLength(2)
    expect(pathTo(looped, 'a').map((step) => step.id)).toContain('a')
  })

  it('shows only what is expanded, with its place among its siblings', () => {
    expect(visibleRows(tree, new Set(), null).map((row) => row.place.id)).toEqual(['city'])
    const rows = visibleRows(tree, new Set(['city']), null)
    expect(rows.map((row) => [row.place.id, row.level, row.position, row.siblings])).toEqual([
      ['city', 1, 1, 1], ['d1', 2, 1, 2], ['d2', 2, 2, 2],
    ])
  })

  it('finds in both languages and by id, and shows the way to what it found', () => {
    expect(search(tree, '  ')).toBeNull()
    for (const text of ['block 10', 'Block 10楼', 'b10']) {
      const found = search(tree, text)
      expect(visibleRows(tree, new Set(), found).map((row) => row.place.id)).toEqual(['city', 'd1', 'b10'])
    }
    expect(visibleRows(tree, new Set(['city']), search(tree, 'nowhere'))).toEqual([])
  })

  it('knows what is above and below a place', () => {
    expect(pathTo(tree, 'b2').map((step) => step.id)).toEqual(['city', 'd1', 'b2'])
    expect(subtree(tree, 'd1')).toEqual(new Set(['d1', 'b2', 'b10']))
  })

  it('counts alerts up to the root', () => {
    expect(Object.fromEntries(countUp(tree, ['b2', 'b2', 'd2']))).toEqual({ b2: 2, d1: 2, d2: 1, city: 3 })
  })

  it('falls back to another language or the id for a missing name', () => {
    expect(nameOf({ id: 'x', name: { zh: '楼', en: '' } }, 'en')).toBe('楼')
    expect(nameOf({ id: 'x', name: { zh: '', en: '' } }, 'zh-CN')).toBe('x')
  })
})
