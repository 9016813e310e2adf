/** The place tree: built from a flat list, searched, and flattened into visible rows. */

import type { Place } from '../api/types'

export interface PlaceTree {
  byId: Map<string, Place>
  /** Ids of children in display order; null holds the roots. */
  children: Map<string | null, string[]>
}

export interface TreeRow {
  place: Place
  /** 1 for a root, as aria-level counts. */
  level: number
  position: number
  siblings: number
  hasChildren: boolean
  expanded: boolean
}

/** A place whose parent is missing, or is itself below the place, counts as a root. */
export function buildTree(places: Place[], locale: string): PlaceTree {
  const byId = new Map(places.map((place) => [place.id, place]))
  const children = new Map<string | null, string[]>()
  for (const place of places) {
    const parent = parentOf(place, byId)
    const siblings = children.get(parent)
    if (siblings) siblings.push(place.id)
    else children.set(parent, [place.id])
  }
  const order = new Intl.Collator(locale, { numeric: true })
  const label = (id: string): string => nameOf(byId.get(id), locale)
  for (const ids of children.values()) ids.sort((a, b) => order.compare(label(a), label(b)))
  return { byId, children }
}

function parentOf(place: Place, byId: Map<string, Place>): string | null {
  const seen = new Set([place.id])
  let parent = place.parent_id
  while (parent !== null) {
    if (seen.has(parent)) return null
    seen.add(parent)
    const above = byId.get(parent)
    if (!above) break
    parent = above.parent_id
  }
  return place.parent_id !== null && byId.has(place.parent_id) ? place.parent_id : null
}

/** The name in the page's language; the id if the place is not known. */
export function nameOf(named: { id: string; name: Place['name'] } | undefined, locale: string): string {
  if (!named) return ''
  const name = locale.startsWith('zh') ? named.name.zh : named.name.en
  return name || named.name.zh || named.name.en || named.id
}

/** Root first, the place itself last. */
export function pathTo(tree: PlaceTree, id: string): Place[] {
  const path: Place[] = []
  const seen = new Set<string>()
  let place = tree.byId.get(id)
  while (place && !seen.has(place.id)) {
    path.unshift(place)
    seen.add(place.id)
    place = place.parent_id === null ? undefined : tree.byId.get(place.parent_id)
  }
  return path
}

/** The place and every place below it. */
export function subtree(tree: PlaceTree, id: string): Set<string> {
  const found = new Set([id])
  for (const member of found) for (const child of tree.children.get(member) ?? []) found.add(child)
  return found
}

/** Matching places with the way to them; null if nothing is searched for. */
export function search(tree: PlaceTree, text: string): Set<string> | null {
  const wanted = text.trim().toLocaleLowerCase()
  if (!wanted) return null
  const shown = new Set<string>()
  for (const place of tree.byId.values()) {
    const texts = [place.id, place.name.zh, place.name.en]
    if (!texts.some((one) => one.toLocaleLowerCase().includes(wanted))) continue
    for (const step of pathTo(tree, place.id)) shown.add(step.id)
  }
  return shown
}

/** Rows to draw, parents before children. A search shows its hits whatever is collapsed. */
export function visibleRows(tree: PlaceTree, expanded: Set<string>, found: Set<string> | null): TreeRow[] {
  const rows: TreeRow[] = []
  const walk = (parent: string | null, level: number): void => {
    const ids = (tree.children.get(parent) ?? []).filter((id) => !found || found.has(id))
    ids.forEach((id, index) => {
      const place = tree.byId.get(id)
      if (!place) return
      const below = (tree.children.get(id) ?? []).filter((child) => !found || found.has(child))
      const open = below.length > 0 && (found !== null || expanded.has(id))
      rows.push({
        place, level, position: index + 1, siblings: ids.length, hasChildren: below.length > 0, expanded: open,
      })
      if (open) walk(id, level + 1)
    })
  }
  walk(null, 1)
  return rows
}

/** How many of the alerts' places lie in each place's subtree. */
export function countUp(tree: PlaceTree, placeIds: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>()
  for (const id of placeIds) {
    for (const step of pathTo(tree, id)) counts.set(step.id, (counts.get(step.id) ?? 0) + 1)
  }
  return counts
}
