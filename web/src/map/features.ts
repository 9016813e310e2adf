/** What the map draws, as GeoJSON made from the page's state. */

import type { FeatureCollection, Position } from 'geojson'

import type { MapLayer, Place, PlacePower, Vehicle } from '../api/types'
import { formatPower, joined } from '../figures/format'
import { nameOf } from '../places/tree'

const DRAWN_KINDS = new Set<Place['kind']>(['building', 'site'])

/** A metered building with a position; depots without a meter are a layer of their own. */
export function isDrawn(place: Place): boolean {
  return DRAWN_KINDS.has(place.kind) && place.energies.length > 0 && place.latitude !== null && place.longitude !== null
}

/** Buildings as points: label, power as text, and a radius whose area follows the power. */
export function buildingFeatures(
  places: Iterable<Place>, power: ReadonlyMap<string, PlacePower>, locale: string,
): FeatureCollection {
  const drawn = [...places].filter(isDrawn)
  const largest = Math.max(1, ...drawn.map((place) => power.get(place.id)?.power_w ?? 0))
  return {
    type: 'FeatureCollection',
    features: drawn.map((place) => {
      const now = power.get(place.id)
      const powerW = now?.power_w ?? null
      return {
        type: 'Feature',
        geometry: { type: 'Point', coordinates: [place.longitude ?? 0, place.latitude ?? 0] },
        properties: {
          id: place.id,
          name: nameOf(place, locale),
          power: now && now.meters > 0 ? joined(formatPower(powerW, locale)) : '',
          radius: 5 + 9 * Math.sqrt(Math.max(0, powerW ?? 0) / largest),
          reporting: powerW === null ? 'none' : now && now.reporting < now.meters ? 'some' : 'all',
        },
      }
    }),
  }
}

/** Vehicles with a position; course is where the icon points. */
export function vehicleFeatures(vehicles: Iterable<Vehicle>, locale: string): FeatureCollection {
  return {
    type: 'FeatureCollection',
    features: [...vehicles].flatMap((vehicle) => vehicle.position
      ? [{
          type: 'Feature' as const,
          geometry: { type: 'Point' as const, coordinates: [vehicle.position.lon, vehicle.position.lat] },
          properties: {
            id: vehicle.id, name: nameOf(vehicle, locale), status: vehicle.status,
            course: vehicle.position.course_deg ?? 0,
          },
        }]
      : []),
  }
}

/** A feature's name may be given per language, as {zh, en}, or once. */
function labelOf(properties: Record<string, unknown> | null, locale: string): string {
  const name = properties?.['name']
  if (typeof name === 'string') return name
  if (typeof name !== 'object' || name === null) return ''
  const given = name as Record<string, unknown>
  const wanted = given[locale.startsWith('zh') ? 'zh' : 'en']
  return typeof wanted === 'string' ? wanted : ''
}

const MAIN_ROADS = new Set<unknown>(['ring', 'primary', 'motorway', 'trunk'])

/** Every feature of the layers of one kind, with a label in the page's language.
 *
 * Of roads it says too whether one is a main road and whether it is a tunnel.
 */
export function layerFeatures(layers: MapLayer[], kind: MapLayer['kind'], locale: string): FeatureCollection {
  return {
    type: 'FeatureCollection',
    features: layers.filter((layer) => layer.kind === kind).flatMap((layer) =>
      layer.features.features.map((feature) => ({
        ...feature,
        properties: {
          label: labelOf(feature.properties, locale),
          main: MAIN_ROADS.has(feature.properties?.['kind']),
          tunnel: feature.properties?.['tunnel'] === true,
        },
      }))),
  }
}

function* positions(value: unknown): Generator<Position> {
  if (!Array.isArray(value)) return
  if (typeof value[0] === 'number') yield value as Position
  else for (const part of value) yield* positions(part)
}

/** West, south, east and north of everything, or null if there is nothing. */
export function boundsOf(collections: FeatureCollection[]): [number, number, number, number] | null {
  let bounds: [number, number, number, number] | null = null
  for (const { features } of collections) {
    for (const { geometry } of features) {
      if (!('coordinates' in geometry)) continue
      for (const [lon = 0, lat = 0] of positions(geometry.coordinates)) {
        bounds = bounds
          ? [Math.min(bounds[0], lon), Math.min(bounds[1], lat), Math.max(bounds[2], lon), Math.max(bounds[3], lat)]
          : [lon, lat, lon, lat]
      }
    }
  }
  return bounds
}
