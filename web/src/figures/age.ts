/** Ages and durations in words of the page's language. */

import { t } from '../i18n'
import { ageParts } from './format'

export function ageText(ageS: number): string {
  const { unit, n } = ageParts(ageS)
  return t(`age.${unit}`, { n })
}

/** As ageText, for a narrow column under its own heading. */
export function shortAge(ageS: number): string {
  const { unit, n } = ageParts(ageS)
  return t(`age.short.${unit}`, { n })
}

export function durationText(durationS: number): string {
  const minutes = Math.floor(durationS / 60)
  if (minutes < 1) return t('duration.seconds', { n: Math.max(0, Math.floor(durationS)) })
  const hours = Math.floor(minutes / 60)
  if (hours === 0) return t('duration.minutes', { n: minutes })
  if (hours < 48) return t('duration.hours', { h: hours, n: minutes % 60 })
  return t('duration.days', { d: Math.floor(hours / 24), h: hours % 24 })
}
