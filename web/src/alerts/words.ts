/** An alert in words: what is wrong, by how much, since when. */

import type { Alert } from '../api/types'
import { durationText } from '../figures/age'
import { formatMoment, formatNumber, formatValue, joined, NO_VALUE } from '../figures/format'
import { locale, t, tOr } from '../i18n'
import { placeName, tree } from '../places/places'
import { nameOf } from '../places/tree'
import { deviceName } from './deviceNames'

/** Kinds of rules whose values, without a unit, are shares and not numbers such as a power factor. */
const SHARES = new Set(['implausible', 'quota'])

/** Timezone of the place where it is. */
export function zoneOf(alert: Alert): string {
  return tree.value.byId.get(alert.place_id)?.timezone ?? 'UTC'
}

/** An instant on the clock of the alert's place. */
export function momentText(alert: Alert, time: string): string {
  return formatMoment(Date.parse(time), zoneOf(alert), locale.value)
}

/** As momentText, to the second: for what happened one after the other. */
export function exactText(alert: Alert, time: string): string {
  return formatMoment(Date.parse(time), zoneOf(alert), locale.value, true)
}

/** The device; of an alert on a place as a whole, nothing. */
export function deviceText(alert: Alert): string {
  return alert.device_id === null ? '' : deviceName(alert.device_id)
}

export function whereText(alert: Alert): string {
  return [placeName(alert.place_id), deviceText(alert)].filter(Boolean).join(' · ')
}

/** What was measured: the quantity of a threshold, else what this kind of rule looks at. */
export function whatText(alert: Alert): string {
  const { quantity, rule } = alert
  const named = quantity === null ? '' : tOr(`quantity.${quantity}`, quantity)
  const what = tOr(`alerts.what.${rule.kind}`, named || t('alerts.what.unknown'))
  return named && what !== named ? t('alerts.whatOf', { quantity: named, what }) : what
}

/** A value as it is read: a time as a duration, a share in percent. */
export function valueText(alert: Alert, value: number | null): string {
  if (value === null) return NO_VALUE
  if (alert.unit === 's') return durationText(Math.abs(value))
  if (alert.unit === '1' && SHARES.has(alert.rule.kind)) return `${formatNumber(value * 100, locale.value, 1)} %`
  return joined(formatValue(value, alert.unit, locale.value))
}

/** What was measured, and which side of the limit it is on or no longer on. */
export function measuredText(alert: Alert): string {
  const side = alert.unit === 's' ? (alert.comparator === 'above' ? 'longer' : 'shorter') : alert.comparator
  const words = t(`alerts.${side}${alert.state === 'resolved' ? 'NoMore' : ''}`, {
    value: valueText(alert, alert.value), threshold: valueText(alert, alert.limit),
  })
  return `${whatText(alert)} ${words}`
}

/** Since when and for how long, or when it was over. */
export function whenText(alert: Alert, nowMs: number): string {
  const startMs = Date.parse(alert.active_at)
  const endMs = alert.resolved_at === null ? nowMs : Date.parse(alert.resolved_at)
  return t(alert.resolved_at === null ? 'alerts.since' : 'alerts.resolvedAt', {
    time: momentText(alert, alert.resolved_at ?? alert.active_at),
    duration: durationText((endMs - startMs) / 1000),
  })
}

/** What to do next: what the rule says, but of one that it watches no more. */
export function actionText(alert: Alert): string {
  const { next_action: next, rule, withdrawn } = alert
  return nameOf({ id: '', name: withdrawn !== null && next !== null ? next : rule.action }, locale.value)
}

export function wasteText(alert: Alert): string {
  const { waste } = alert
  if (!waste) return ''
  const amount = joined(formatValue(waste.amount, waste.unit, locale.value))
  if (waste.cost === null) return amount
  const currency = waste.currency ?? 'CNY'
  const money = `${formatNumber(waste.cost, locale.value, 2)} ${tOr(`currency.${currency}`, currency)}`
  return t('alerts.wasteWorth', { amount, money })
}
