/** Lines of a timeline in words. */

import type { Alert, AlertEvent } from '../api/types'
import { t, tOr } from '../i18n'
import { placeName } from '../places/places'
import { momentText, valueText } from './words'

/** What the product does by itself. */
const ITSELF = 'wattline'

function text(event: AlertEvent, key: string): string {
  const value = event.detail[key]
  return typeof value === 'string' ? value : ''
}

/** A time in the detail, on the clock of the place; empty if the line has none. */
function time(alert: Alert, event: AlertEvent, key: string): string {
  const given = text(event, key)
  return given ? momentText(alert, given) : ''
}

function measured(alert: Alert, event: AlertEvent): string {
  const { value, limit } = event.detail
  const known = (given: unknown): number | null => typeof given === 'number' ? given : null
  return t('alerts.timeline.measured', {
    value: valueText(alert, known(value)), limit: valueText(alert, known(limit)),
  })
}

function who(event: AlertEvent): string {
  const organisation = text(event, 'organisation_id')
  return [organisation && placeName(organisation), text(event, 'assignee')].filter(Boolean).join(' · ')
}

/** Reasons of a closing and reasons why nobody was told have words of their own; others are the person's. */
function reason(event: AlertEvent): string {
  const given = text(event, 'reason')
  return tOr(`alerts.${event.kind === 'not_told' ? 'untold' : 'reason'}.${given}`, given)
}

/** What happened; of a kind that this page does not know, its name. */
export function eventText(alert: Alert, event: AlertEvent): string {
  const values = {
    measured: measured(alert, event),
    who: who(event),
    until: time(alert, event, 'until'),
    due: time(alert, event, 'due_at'),
    reason: reason(event),
    channel: text(event, 'channel'),
  }
  if (event.kind === 'assigned' && values.due) return t('alerts.timeline.assignedDue', values)
  if (event.kind === 'closed' && values.reason) return t('alerts.timeline.closedReason', values)
  return tOr(`alerts.timeline.${event.kind}`, event.kind, values)
}

/** What was said with it, in somebody's own words. */
export function eventNote(event: AlertEvent): string {
  return text(event, event.kind === 'shelved' ? 'reason' : 'note') || text(event, 'text')
}

/** Who did it; of telemetry nothing, for nobody did. */
export function actorText(event: AlertEvent): string {
  return event.by === ITSELF ? '' : event.by
}
