/** Today against yesterday up to the same time of day, from 15-minute intervals. */

import type { Consumption, ConsumptionItem } from '../api/types'
import { localClock } from '../time/zone'

/** Below this coverage of either side a change in per cent would mislead. */
export const COMPARABLE_COVERAGE = 0.95
/** Meters that report late leave the newest intervals unfinished: look back this many. */
const LOOK_BACK = 4

export interface Part {
  /** null if nothing is known of the whole part. */
  amount: number | null
  coverage: number
}

export interface Comparison {
  unit: string
  /** Wall clock at the place up to which both days count, HH:mm; "24:00" for a whole day. */
  upTo: string
  today: Part
  yesterday: Part
  /** Yesterday from midnight to midnight. */
  yesterdayWhole: Part
  /** today / yesterday - 1; null if a side is unknown, zero or not covered enough. */
  change: number | null
}

function part(items: ConsumptionItem[]): Part {
  let amount: number | null = null
  let covered = 0
  let length = 0
  for (const item of items) {
    const span = Date.parse(item.end) - Date.parse(item.start)
    length += span
    covered += span * item.coverage
    if (item.amount !== null) amount = (amount ?? 0) + item.amount
  }
  return { amount, coverage: length > 0 ? covered / length : 0 }
}

function isFinal(item: ConsumptionItem): boolean {
  return item.amount !== null && item.coverage >= 1 && !item.quality.includes('open')
}

/** How many of today's intervals to count: all that ended, less the unfinished newest. */
function elapsedCount(items: ConsumptionItem[], nowMs: number): number {
  const ended = items.filter((item) => Date.parse(item.end) <= nowMs).length
  for (let count = ended; count > Math.max(0, ended - LOOK_BACK); count -= 1) {
    const newest = items[count - 1]
    if (newest && isFinal(newest)) return count
  }
  return ended
}

/**
 * Compare two days of 15-minute intervals of one place and energy.
 *
 * Both sides end at the same wall clock of the place, so that a 23- or 25-hour day
 * compares with a 24-hour one. Returns null until the first interval of today has ended.
 */
export function compareDays(today: Consumption, yesterday: Consumption, nowMs: number): Comparison | null {
  const count = elapsedCount(today.items, nowMs)
  const last = today.items[count - 1]
  if (!last) return null
  const wholeDay = count === today.items.length
  const upTo = wholeDay ? '24:00' : localClock(Date.parse(last.end), today.timezone)
  const mine = part(today.items.slice(0, count))
  const theirs = part(yesterday.items.filter(
    (item) => wholeDay || localClock(Date.parse(item.start), yesterday.timezone) < upTo))
  const comparable = mine.coverage >= COMPARABLE_COVERAGE && theirs.coverage >= COMPARABLE_COVERAGE
  return {
    unit: today.unit,
    upTo,
    today: mine,
    yesterday: theirs,
    yesterdayWhole: part(yesterday.items),
    change: comparable && mine.amount !== null && theirs.amount ? mine.amount / theirs.amount - 1 : null,
  }
}
