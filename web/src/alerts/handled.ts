/** How far people are with an alert, as far as this page knows. */

import type { Alert } from '../api/types'

/** Set aside by somebody until a time that is yet to come. */
export function isShelved(alert: Alert, nowMs: number): boolean {
  const until = alert.handling.shelved_until
  return until !== null && Date.parse(until) > nowMs
}

/** Nobody has acknowledged it or set it aside. */
export function isUnhandled(alert: Alert, nowMs: number): boolean {
  return alert.handling.status === 'new' && !isShelved(alert, nowMs)
}

/** Its deadline has passed: it goes, or went, one organisation up. */
export function isOverdue(alert: Alert, nowMs: number): boolean {
  const due = alert.handling.due_at
  return due !== null && Date.parse(due) <= nowMs
}
