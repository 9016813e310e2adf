/** Until when an alert may be set aside with one tap. */

import { addDays, instantMs, localDate } from '../time/zone'

export type ShelveChoice = 'hour' | 'tonight' | 'tomorrow' | 'date'

const HOUR_MS = 3_600_000
const EVENING = '20:00'
const MORNING = '08:00'

/** Epoch milliseconds of each choice on the place's clock; tonight only while it is more than an hour away. */
export function shelveTimes(nowMs: number, timezone: string): { choice: Exclude<ShelveChoice, 'date'>; untilMs: number }[] {
  const today = localDate(nowMs, timezone)
  const hourMs = nowMs + HOUR_MS
  const eveningMs = instantMs(today, EVENING, timezone)
  return [
    { choice: 'hour', untilMs: hourMs },
    ...(eveningMs > hourMs ? [{ choice: 'tonight' as const, untilMs: eveningMs }] : []),
    { choice: 'tomorrow', untilMs: instantMs(addDays(today, 1), MORNING, timezone) },
  ]
}
