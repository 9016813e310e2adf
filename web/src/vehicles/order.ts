/** Order of vehicles that does not jump about while they drive. */

import type { Vehicle, VehicleStatus } from '../api/types'

export const STATUSES: readonly VehicleStatus[] = ['moving', 'idle', 'parked', 'offline', 'unknown']

/** By status, then by id: neither changes with each message. */
export function byStatus(vehicles: Iterable<Vehicle>): Vehicle[] {
  return [...vehicles].sort((a, b) =>
    STATUSES.indexOf(a.status) - STATUSES.indexOf(b.status) || a.id.localeCompare(b.id, 'en', { numeric: true }))
}

export function countStatus(vehicles: Iterable<Vehicle>): Map<VehicleStatus, number> {
  const counts = new Map<VehicleStatus, number>()
  for (const { status } of vehicles) counts.set(status, (counts.get(status) ?? 0) + 1)
  return counts
}
