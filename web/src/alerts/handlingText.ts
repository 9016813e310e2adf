/** In one line, who is at an alert. */

import type { Alert } from '../api/types'
import { t } from '../i18n'
import { isShelved } from './handled'
import { momentText } from './words'

/** Empty while nobody has done anything. */
export function handlingText(alert: Alert, nowMs: number): string {
  const { handling } = alert
  if (handling.status === 'closed' || handling.status === 'closing') {
    return t(handling.status === 'closed' ? 'alerts.closedBy' : 'alerts.closingBy', {
      by: handling.closed_by ?? '', reason: t(`alerts.reason.${handling.close_reason ?? 'fixed'}`),
    })
  }
  const said = []
  if (handling.acknowledged_by !== null) said.push(t('alerts.acknowledgedBy', { by: handling.acknowledged_by }))
  if (handling.assignee !== null) said.push(t('alerts.assignedTo', { name: handling.assignee }))
  if (isShelved(alert, nowMs)) said.push(t('alerts.shelvedUntil', { time: momentText(alert, handling.shelved_until ?? '') }))
  return said.join(' · ')
}
