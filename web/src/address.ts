/** The page's state as an address: the selected place, day, energy, moment, and the alert that is open. */

import type { Energy } from './api/types'
import { isLocalDate, type LocalDate } from './time/zone'

export interface Route {
  place: string | undefined
  /** Day to show; undefined is today at the place. */
  day: LocalDate | undefined
  energy: Energy | undefined
  /** A moment to point at, epoch milliseconds. */
  atMs: number | undefined
  /** Id of the alert whose details are shown; messages about alerts link to it. */
  alert: string | undefined
}

const ENERGIES: readonly string[] = ['electricity', 'water', 'gas', 'heat'] satisfies Energy[]

export function parseRoute(query: string): Route {
  const given = new URLSearchParams(query)
  const day = given.get('day') ?? ''
  const energy = given.get('energy') ?? ''
  const atMs = Date.parse(given.get('at') ?? '')
  return {
    place: given.get('place') || undefined,
    day: isLocalDate(day) ? day : undefined,
    energy: ENERGIES.includes(energy) ? energy as Energy : undefined,
    atMs: Number.isNaN(atMs) ? undefined : atMs,
    alert: given.get('alert') || undefined,
  }
}

export function formatRoute(wanted: Route): string {
  const query = new URLSearchParams()
  if (wanted.place) query.set('place', wanted.place)
  if (wanted.day) query.set('day', wanted.day)
  if (wanted.energy) query.set('energy', wanted.energy)
  if (wanted.atMs !== undefined) query.set('at', new Date(wanted.atMs).toISOString())
  if (wanted.alert) query.set('alert', wanted.alert)
  const text = query.toString()
  return text ? `?${text}` : ''
}
