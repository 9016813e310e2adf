/** The order in which open alerts deserve attention. */

import type { Alert, Severity } from '../api/types'

const URGENCY: Record<Severity, number> = { critical: 0, warning: 1, info: 2 }

/** Firing before pending, worst first, then newest. */
export function byUrgency(alerts: Iterable<Alert>): Alert[] {
  return [...alerts].sort((a, b) =>
    Number(a.state === 'pending') - Number(b.state === 'pending')
    || URGENCY[a.rule.severity] - URGENCY[b.rule.severity]
    || Date.parse(b.active_at) - Date.parse(a.active_at))
}
