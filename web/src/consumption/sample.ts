/** Consumption answers for tests, built from a line per interval. */

import type { Consumption, ConsumptionItem } from '../api/types'

const QUARTER_MS = 900_000

/** Intervals of 15 minutes from a moment; each row may replace what a measured one would say. */
export function intervals(startIso: string, rows: Partial<ConsumptionItem>[]): ConsumptionItem[] {
  const first = Date.parse(startIso)
  return rows.map((row, index) => ({
    start: new Date(first + index * QUARTER_MS).toISOString(),
    end: new Date(first + (index + 1) * QUARTER_MS).toISOString(),
    amount: 1, coverage: 1, quality: ['measured'],
    ...row,
  }))
}

export function answer(items: ConsumptionItem[], timezone = 'Asia/Shanghai'): Consumption {
  return {
    place: 'b0', energy: 'electricity', unit: 'kWh', timezone, from: items[0]?.start ?? '', to: items.at(-1)?.end ?? '',
    interval: '15m', total: null, coverage: 1, quality: ['measured'], meters: ['m0'], pending: 0, items,
  }
}

export function repeat(count: number, row: Partial<ConsumptionItem> = {}): Partial<ConsumptionItem>[] {
  return Array.from({ length: count }, () => ({ ...row }))
}
