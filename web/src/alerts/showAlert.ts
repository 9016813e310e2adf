/** Take the page to where and when an alert happened. */

import type { Alert } from '../api/types'
import { selected, tree } from '../places/places'
import { go } from '../route'
import { localDate } from '../time/zone'

export function showAlert(alert: Alert): void {
  const atMs = Date.parse(alert.active_at)
  const place = tree.value.byId.get(alert.place_id) ?? selected.value
  go({ place: alert.place_id, day: localDate(atMs, place?.timezone ?? 'UTC'), energy: undefined, atMs })
  // On a desk the board scrolls by itself, on a phone the page does.
  const board = document.getElementById('board')
  board?.scrollTo({ top: 0 })
  board?.scrollIntoView({ block: 'start' })
}
