/** Numbers, units and times as people read them. */

import type { LocalDate } from '../time/zone'

/** A number and its unit, apart so that the page can set them differently. */
export interface Figure { value: string; unit: string }

export const NO_VALUE = '–'

const cache = new Map<string, Intl.NumberFormat>()

function number(locale: string, digits: number): Intl.NumberFormat {
  const key = `${locale}/${digits}`
  let format = cache.get(key)
  if (!format) {
    format = new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits })
    cache.set(key, format)
  }
  return format
}

/** Decimals that leave about four significant digits: enough to see a change, no more. */
function decimals(value: number): number {
  const size = Math.abs(value)
  if (size >= 1000) return 0
  return size >= 100 ? 1 : 2
}

export function formatNumber(value: number, locale: string, digits = decimals(value)): string {
  return number(locale, digits).format(value)
}

const POWER_STEPS: [number, string][] = [[1e9, 'GW'], [1e6, 'MW'], [0, 'kW']]
const ENERGY_STEPS: [number, string][] = [[1e7, 'GWh'], [1e4, 'MWh'], [0, 'kWh']]
const SCALE: Record<string, number> = { kW: 1e3, MW: 1e6, GW: 1e9, kWh: 1, MWh: 1e3, GWh: 1e6 }
const UNIT_NAMES: Record<string, string> = { m3: 'm³', m2: 'm²', degC: '°C', deg: '°', 1: '' }

function stepped(value: number, steps: [number, string][], locale: string): Figure {
  const unit = steps.find(([from]) => Math.abs(value) >= from)?.[1] ?? ''
  return { value: formatNumber(value / (SCALE[unit] ?? 1), locale), unit }
}

/** A unit as it is written, also one that is divided by another, such as m3/h. */
export function unitName(unit: string): string {
  return unit.split('/').map((part) => UNIT_NAMES[part] ?? part).join('/')
}

export function formatPower(powerW: number | null, locale: string): Figure {
  return powerW === null ? { value: NO_VALUE, unit: 'kW' } : stepped(powerW, POWER_STEPS, locale)
}

/** A value in a canonical unit, in the scale that people use for it. */
export function formatValue(value: number | null, unit: string, locale: string): Figure {
  if (value === null) return { value: NO_VALUE, unit: unitName(unit) }
  if (unit === 'W') return formatPower(value, locale)
  if (unit === 'kW') return formatPower(value * 1000, locale)
  if (unit === 'kWh') return stepped(value, ENERGY_STEPS, locale)
  return { value: formatNumber(value, locale), unit: unitName(unit) }
}

export function joined(figure: Figure): string {
  return figure.unit ? `${figure.value} ${figure.unit}` : figure.value
}

/** A share; never rounded up to 100 %, because "all of it" is a claim. */
export function formatShare(share: number, locale: string): string {
  const percent = share >= 0.9995 ? 100 : Math.floor(share * 1000) / 10
  return `${number(locale, percent === 100 || percent === 0 ? 0 : 1).format(percent)} %`
}

/** A relative change with its sign, as +4.6 %. */
export function formatChange(change: number, locale: string): string {
  const percent = Math.round(change * 1000) / 10
  const sign = percent > 0 ? '+' : percent < 0 ? '−' : '±'
  return `${sign}${number(locale, 1).format(Math.abs(percent))} %`
}

export type AgeUnit = 'now' | 'seconds' | 'minutes' | 'hours' | 'days'

/** An age in the one unit that matters; seconds in tens, so that figures sit still. */
export function ageParts(ageS: number): { unit: AgeUnit; n: number } {
  if (ageS < 10) return { unit: 'now', n: 0 }
  if (ageS < 60) return { unit: 'seconds', n: Math.floor(ageS / 10) * 10 }
  if (ageS < 3600) return { unit: 'minutes', n: Math.floor(ageS / 60) }
  if (ageS < 172_800) return { unit: 'hours', n: Math.floor(ageS / 3600) }
  return { unit: 'days', n: Math.floor(ageS / 86_400) }
}

const DAY_STYLES = {
  long: { year: 'numeric', month: 'short', day: 'numeric', weekday: 'short' },
  weekday: { month: 'short', day: 'numeric', weekday: 'short' },
  month: { year: 'numeric', month: 'long' },
} satisfies Record<string, Intl.DateTimeFormatOptions>

/** A day without a clock: formatted in UTC, because the date is already the place's own. */
export function formatDay(date: LocalDate, locale: string, style: keyof typeof DAY_STYLES = 'long'): string {
  return new Intl.DateTimeFormat(locale, { ...DAY_STYLES[style], timeZone: 'UTC' }).format(Date.parse(`${date}T00:00:00Z`))
}

/** An instant on the place's clock, with the date; to the second where one thing is told from the next. */
export function formatMoment(ms: number, timezone: string, locale: string, exact = false): string {
  return new Intl.DateTimeFormat(locale, {
    timeZone: timezone, month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23',
    ...(exact ? { second: '2-digit' } : {}),
  }).format(ms)
}
