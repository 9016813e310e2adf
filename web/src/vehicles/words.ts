/** What is said of a vehicle, in the table and on the map alike. */

import type { Vehicle } from '../api/types'
import { formatNumber } from '../figures/format'
import { locale, t } from '../i18n'
import { placeName, tree } from '../places/places'
import { nowMs } from '../time/clock'
import { nearest } from './nearest'

/** Closer than this is at the building: its own ground, and the error of a fix. */
const AT_M = 100

/** Seconds since the position was taken; null without one. */
export function fixAgeS(vehicle: Vehicle): number | null {
  return vehicle.position ? Math.max(0, (nowMs.value - Date.parse(vehicle.position.time)) / 1000) : null
}

/** Battery charge in per cent or fuel in litres, whichever the vehicle reports. */
export function storeText(vehicle: Vehicle): string {
  return [
    vehicle.soc_pct === null ? null : `${formatNumber(vehicle.soc_pct, locale.value, 0)} %`,
    vehicle.fuel_l === null ? null : `${formatNumber(vehicle.fuel_l, locale.value, 0)} L`,
  ].filter((part) => part !== null).join(' · ')
}

/** The same in words. */
export function storeWords(vehicle: Vehicle): string {
  return [
    vehicle.soc_pct === null ? null : t('vehicles.charge', { n: formatNumber(vehicle.soc_pct, locale.value, 0) }),
    vehicle.fuel_l === null ? null : t('vehicles.fuel', { n: formatNumber(vehicle.fuel_l, locale.value, 0) }),
  ].filter((part) => part !== null).join(' · ')
}

export function speedText(vehicle: Vehicle): string {
  const speed = vehicle.position?.speed_kmh ?? null
  return speed === null ? '' : `${formatNumber(speed, locale.value, 0)} km/h`
}

/** Where the vehicle was last, in words; its coordinates if no building has any. */
export function whereText(vehicle: Vehicle): string {
  if (!vehicle.position) return ''
  const { lat, lon } = vehicle.position
  const near = nearest(tree.value.byId.values(), lat, lon)
  if (!near) return `${lat.toFixed(5)}, ${lon.toFixed(5)}`
  const place = placeName(near.place.id)
  if (near.distanceM < AT_M) return t('vehicles.at', { place })
  const distance = near.distanceM < 1000
    ? `${formatNumber(Math.round(near.distanceM / 10) * 10, locale.value, 0)} m`
    : `${formatNumber(near.distanceM / 1000, locale.value, 1)} km`
  return t('vehicles.near', { place, distance })
}
