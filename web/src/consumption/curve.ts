/** A day's 15-minute intervals as average rates, with what is known about each. */

import type { Consumption, ConsumptionItem, Quality } from '../api/types'
import { localClock } from '../time/zone'

/**
 * measured: fully covered, nothing assumed. interpolated: measured as a whole, its edges lie
 * between readings further apart, as with an hourly meter. estimated: spread over a gap.
 * partial: some of it was not measured. open: still filling. missing: nothing known.
 * future: not yet begun.
 */
export type SlotState = 'measured' | 'interpolated' | 'estimated' | 'partial' | 'open' | 'missing' | 'future'

export interface Slot {
  startMs: number
  endMs: number
  /** Wall clock of the place at the start, HH:mm. */
  clock: string
  /** Amount per hour: kW for kWh, m3/h for m3. */
  rate: number | null
  amount: number | null
  coverage: number
  quality: Quality[]
  state: SlotState
  /** The same wall clock the day before. */
  previousRate: number | null
}

export interface Curve {
  slots: Slot[]
  /** Unit of the rates. */
  unit: string
  /** Highest rate among slots that were measured as a whole. */
  peak: Slot | null
}

const HOUR_MS = 3_600_000
/** Coverage is a quotient of integers: this is rounding, not a hole. */
export const WHOLE = 0.9995

export function stateOf(item: ConsumptionItem, nowMs: number): SlotState {
  if (Date.parse(item.start) >= nowMs) return 'future'
  if (item.amount === null) return 'missing'
  if (item.quality.includes('open') || Date.parse(item.end) > nowMs) return 'open'
  if (item.quality.includes('gap_spread')) return 'estimated'
  if (item.coverage < WHOLE) return 'partial'
  return item.quality.includes('interpolated') ? 'interpolated' : 'measured'
}

/** Unit of an average over time: energy becomes power, volume becomes flow. */
export function rateUnit(unit: string): string {
  return unit === 'kWh' ? 'kW' : `${unit}/h`
}

/**
 * Average rate of an interval. One that is still filling is averaged over the time that it
 * was measured for, else the newest point of a live curve would always fall towards zero.
 */
function rateOf(item: ConsumptionItem, nowMs: number): number | null {
  if (item.amount === null) return null
  const start = Date.parse(item.start)
  const end = Date.parse(item.end)
  const filling = end > nowMs && !item.quality.includes('gap_spread')
  const passed = Math.min(end, nowMs) - start
  const measured = filling ? passed * item.coverage : passed
  return measured > 0 ? item.amount / (measured / HOUR_MS) : null
}

/** Wall clocks made unique: the hour that a time change repeats is a second one. */
function clocks(items: ConsumptionItem[], timezone: string): string[] {
  const seen = new Map<string, number>()
  return items.map((item) => {
    const clock = localClock(Date.parse(item.start), timezone)
    const times = seen.get(clock) ?? 0
    seen.set(clock, times + 1)
    return times === 0 ? clock : `${clock}+${times}`
  })
}

export function buildCurve(day: Consumption, previous: Consumption | null, nowMs: number): Curve {
  const before = new Map<string, number | null>()
  if (previous) {
    const keys = clocks(previous.items, previous.timezone)
    previous.items.forEach((item, index) => before.set(keys[index] ?? '', rateOf(item, nowMs)))
  }
  const keys = clocks(day.items, day.timezone)
  const slots = day.items.map((item, index): Slot => {
    const key = keys[index] ?? ''
    const state = stateOf(item, nowMs)
    return {
      startMs: Date.parse(item.start),
      endMs: Date.parse(item.end),
      clock: key.slice(0, 5),
      // What has not begun is unknown even if a server calls it zero.
      rate: state === 'future' ? null : rateOf(item, nowMs),
      amount: state === 'future' ? null : item.amount,
      coverage: item.coverage,
      quality: item.quality,
      state,
      previousRate: before.get(key) ?? null,
    }
  })
  let peak: Slot | null = null
  for (const slot of slots) {
    const whole = slot.state === 'measured' || slot.state === 'interpolated'
    if (whole && slot.rate !== null && slot.rate > (peak?.rate ?? -Infinity)) peak = slot
  }
  return { slots, unit: rateUnit(day.unit), peak }
}
