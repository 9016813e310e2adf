/** Calendar of a place: its days and clock, whatever zone the browser is in. */

/** A local calendar day, YYYY-MM-DD. */
export type LocalDate = string

const formats = new Map<string, Intl.DateTimeFormat>()

function wallFormat(timezone: string): Intl.DateTimeFormat {
  let format = formats.get(timezone)
  if (!format) {
    format = new Intl.DateTimeFormat('en-CA', {
      timeZone: timezone, hourCycle: 'h23',
      year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit',
    })
    formats.set(timezone, format)
  }
  return format
}

function wall(ms: number, timezone: string): Record<string, string> {
  return Object.fromEntries(wallFormat(timezone).formatToParts(ms).map((part) => [part.type, part.value]))
}

/** The day that an instant belongs to at the place. */
export function localDate(ms: number, timezone: string): LocalDate {
  const { year = '', month = '', day = '' } = wall(ms, timezone)
  return `${year}-${month}-${day}`
}

/** The place's wall clock at an instant, HH:mm. */
export function localClock(ms: number, timezone: string): string {
  const { hour = '', minute = '' } = wall(ms, timezone)
  return `${hour}:${minute}`
}

/** The instant at which a place's clock says so; of an hour that a change of clocks skips, the moment after. */
export function instantMs(date: LocalDate, clock: string, timezone: string): number {
  const wanted = Date.parse(`${date}T${clock}Z`)
  // The clock's distance from UTC at a guess may be that of before a change: look again from there.
  let ms = wanted
  for (let look = 0; look < 2; look += 1) {
    ms += wanted - Date.parse(`${localDate(ms, timezone)}T${localClock(ms, timezone)}Z`)
  }
  return ms
}

export function addDays(date: LocalDate, days: number): LocalDate {
  const day = new Date(`${date}T00:00:00Z`)
  day.setUTCDate(day.getUTCDate() + days)
  return day.toISOString().slice(0, 10)
}

/** The first day of the date's month, or of one that many months away. */
export function monthStart(date: LocalDate, months = 0): LocalDate {
  const first = new Date(`${date.slice(0, 7)}-01T00:00:00Z`)
  first.setUTCMonth(first.getUTCMonth() + months)
  return first.toISOString().slice(0, 10)
}

export function isLocalDate(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(`${text}T00:00:00Z`))
    && addDays(text, 0) === text
}
