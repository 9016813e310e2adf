/** Where a position is, for people: the nearest building and how far it is. */

import type { Place } from '../api/types'

const EARTH_RADIUS_M = 6_371_000
const RADIANS = Math.PI / 180

/** Distance over ground; exact enough within a province. */
export function distanceM(lat0: number, lon0: number, lat1: number, lon1: number): number {
  const x = (lon1 - lon0) * RADIANS * Math.cos((lat0 + lat1) / 2 * RADIANS)
  const y = (lat1 - lat0) * RADIANS
  return Math.hypot(x, y) * EARTH_RADIUS_M
}

/** The nearest of the places that have a position; null if none has. */
export function nearest(places: Iterable<Place>, lat: number, lon: number): { place: Place; distanceM: number } | null {
  let found: { place: Place; distanceM: number } | null = null
  for (const place of places) {
    if (place.latitude === null || place.longitude === null) continue
    const away = distanceM(lat, lon, place.latitude, place.longitude)
    if (!found || away < found.distanceM) found = { place, distanceM: away }
  }
  return found
}
