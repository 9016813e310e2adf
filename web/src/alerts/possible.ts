/** What a person may do with an alert now; the server has the last word. */

import type { Alert, CloseReason } from '../api/types'
import type { Verb } from './acts'
import { isShelved } from './handled'

const RETURNED_REASONS: readonly CloseReason[] = ['fixed', 'returned', 'accepted', 'false_alarm']

/** In the order of their buttons; a closed one can still be commented on. */
export function possibleActs(alert: Alert, nowMs: number): Verb[] {
  const status = alert.handling.status
  if (status === 'closed') return ['comment']
  if (status === 'closing') return ['approve', 'reopen', 'comment']
  const acts: Verb[] = status === 'new' ? ['acknowledge', 'assign', 'comment'] : ['assign', 'comment']
  if (isShelved(alert, nowMs)) acts.push('unshelve')
  else if (alert.state !== 'resolved') acts.push('shelve')
  return [...acts, 'close']
}

/** While telemetry has not returned to normal nothing is fixed; the alarm may be wrong, or its rule withdrawn. */
export function closeReasons(alert: Alert): readonly CloseReason[] {
  if (alert.state === 'resolved') return RETURNED_REASONS
  return alert.withdrawn === null ? ['false_alarm'] : ['rule_withdrawn', 'false_alarm']
}
