/** Take the page to an alert: its details, or where and when it happened. */

import type { Alert } from '../api/types'
import { selected, tree } from '../places/places'
import { go } from '../route'
import { localDate } from '../time/zone'

export function showDetails(alert: Alert): void {
  go({ alert: alert.id })
}

export function closeDetails(): void {
  go({ alert: undefined })
}

export function showPlace(alert: Alert): void {
  const atMs = Date.parse(alert.active_at)
  const place = tree.value.byId.get(alert.place_id) ?? selected.value
  go({
    place: alert.place_id, day: localDate(atMs, place?.timezone ?? 'UTC'), energy: undefined, atMs, alert: undefined,
  })
  // On a desk the board scrolls by itself, on a phone the page does.
  const board = document.getElementById('board')
  board?.scrollTo({ top: 0 })
  board?.scrollIntoView({ block: 'start' })
}
