/** What is said of a vehicle, in the table and on the map alike. */

import type { Vehicle } from '../api/types'
import { formatNumber } from '../figures/format'
import { locale, t } from '../i18n'
import { nowMs } from '../time/clock'

/** Seconds since the position was taken; null without one. */
export function fixAgeS(vehicle: Vehicle): number | null {
  return vehicle.position ? Math.max(0, (nowMs.value - Date.parse(vehicle.position.time)) / 1000) : null
}

/** Battery charge or fuel, whichever the vehicle reports. */
export function storeText(vehicle: Vehicle): string {
  const parts: string[] = []
  if (vehicle.soc_pct !== null) parts.push(t('vehicles.charge', { n: formatNumber(vehicle.soc_pct, locale.value, 0) }))
  if (vehicle.fuel_l !== null) parts.push(t('vehicles.fuel', { n: formatNumber(vehicle.fuel_l, locale.value, 0) }))
  return parts.join(' · ')
}

export function speedText(vehicle: Vehicle): string {
  const speed = vehicle.position?.speed_kmh ?? null
  return speed === null ? '' : `${formatNumber(speed, locale.value, 0)} km/h`
}
