/** The order in which open alerts deserve attention. */

import type { Alert, Severity } from '../api/types'
import { isShelved, isUnhandled } from './handled'

const URGENCY: Record<Severity, number> = { critical: 0, warning: 1, info: 2 }

/** 0: needs somebody; 1: somebody is at it; 2: set aside or closed. */
function attention(alert: Alert, nowMs: number): number {
  if (isUnhandled(alert, nowMs)) return 0
  return isShelved(alert, nowMs) || alert.handling.status === 'closed' ? 2 : 1
}

/** Worst first, within that those that nobody handles, then newest. */
export function byUrgency(alerts: Iterable<Alert>, nowMs: number): Alert[] {
  return [...alerts].sort((a, b) =>
    URGENCY[a.rule.severity] - URGENCY[b.rule.severity]
    || attention(a, nowMs) - attention(b, nowMs)
    || Date.parse(b.active_at) - Date.parse(a.active_at))
}
