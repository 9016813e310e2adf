/** The map's style: the estate's own roads, geofences and depots are its base, no outside tiles. */

import type { FeatureCollection } from 'geojson'
import type { ExpressionSpecification, LayerSpecification, StyleSpecification } from 'maplibre-gl'

import type { Theme } from '../ui/theme'

export const SOURCES = ['roads', 'geofences', 'depots', 'buildings', 'vehicles'] as const
export type SourceId = typeof SOURCES[number]
export type MapData = Record<SourceId, FeatureCollection>

/** Without a glyph server the map draws text with fonts of the person's own system. */
const FONTS = ['PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'sans-serif']

export const NOTHING: FeatureCollection = { type: 'FeatureCollection', features: [] }

/** Pixels by zoom; a main road is half as wide again. extra widens the edge below it. */
function roadWidth(extra: number): ExpressionSpecification {
  const at = (pixels: number): ExpressionSpecification =>
    ['+', extra, ['*', pixels, ['case', ['get', 'main'], 1.5, 1]]]
  return ['interpolate', ['linear'], ['zoom'], 9, at(0.5), 13, at(2.6), 16, at(8)]
}

function layers(theme: Theme): LayerSpecification[] {
  const halo = { 'text-halo-color': theme.halo, 'text-halo-width': 1.4 }
  return [
    { id: 'land', type: 'background', paint: { 'background-color': theme.land } },
    {
      id: 'geofence-area', type: 'fill', source: 'geofences',
      paint: { 'fill-color': theme.accent, 'fill-opacity': 0.035 },
    },
    {
      id: 'road-edge', type: 'line', source: 'roads', layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': theme.roadEdge, 'line-width': roadWidth(1.6), 'line-opacity': ['case', ['get', 'tunnel'], 0.5, 1] },
    },
    {
      id: 'road', type: 'line', source: 'roads', layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': theme.road, 'line-width': roadWidth(0), 'line-opacity': ['case', ['get', 'tunnel'], 0.4, 1] },
    },
    {
      id: 'geofence-edge', type: 'line', source: 'geofences',
      paint: { 'line-color': theme.accent, 'line-width': 1.5, 'line-dasharray': [3, 2] },
    },
    {
      id: 'depot-area', type: 'fill', source: 'depots', filter: ['==', ['geometry-type'], 'Polygon'],
      paint: { 'fill-color': theme.info, 'fill-opacity': 0.16, 'fill-outline-color': theme.info },
    },
    {
      id: 'depot-point', type: 'circle', source: 'depots', filter: ['==', ['geometry-type'], 'Point'],
      paint: {
        'circle-radius': 6, 'circle-color': theme.info, 'circle-opacity': 0.25, 'circle-stroke-color': theme.info,
        'circle-stroke-width': 1.5,
      },
    },
    {
      id: 'building', type: 'circle', source: 'buildings',
      paint: {
        'circle-radius': ['get', 'radius'],
        'circle-color': ['match', ['get', 'reporting'], 'all', theme.day, 'some', theme.warn, theme.offline],
        'circle-opacity': 0.55,
        'circle-stroke-color': ['match', ['get', 'reporting'], 'all', theme.day, 'some', theme.warn, theme.offline],
        'circle-stroke-width': 1.2,
      },
    },
    {
      id: 'building-chosen', type: 'circle', source: 'buildings', filter: ['==', ['get', 'id'], ''],
      paint: {
        'circle-radius': ['+', ['get', 'radius'], 4], 'circle-opacity': 0, 'circle-stroke-color': theme.ink,
        'circle-stroke-width': 2,
      },
    },
    {
      id: 'road-label', type: 'symbol', source: 'roads', minzoom: 13,
      layout: {
        'symbol-placement': 'line', 'text-field': ['get', 'label'], 'text-font': FONTS, 'text-size': 10.5,
        'symbol-spacing': 320,
      },
      paint: { 'text-color': theme.ink3, ...halo },
    },
    {
      id: 'depot-label', type: 'symbol', source: 'depots',
      layout: {
        'text-field': ['get', 'label'], 'text-font': FONTS, 'text-size': 11, 'text-anchor': 'top', 'text-offset': [0, 0.8],
        'text-optional': true,
      },
      paint: { 'text-color': theme.info, ...halo },
    },
    {
      id: 'building-label', type: 'symbol', source: 'buildings',
      layout: {
        // Names need the room that only a closer look gives.
        'text-field': ['step', ['zoom'], ['get', 'power'], 12.6, ['concat', ['get', 'name'], '\n', ['get', 'power']]],
        'text-font': FONTS, 'text-size': 11, 'text-variable-anchor': ['bottom', 'top', 'left', 'right'],
        'text-radial-offset': 1.1, 'text-justify': 'auto',
        'text-line-height': 1.15, 'text-max-width': 14, 'symbol-sort-key': ['-', 0, ['get', 'radius']],
      },
      paint: { 'text-color': theme.ink, ...halo },
    },
    // Later layers place their labels first: a district is worth more than a building here.
    {
      id: 'zone-label', type: 'symbol', source: 'geofences',
      layout: { 'text-field': ['get', 'label'], 'text-font': FONTS, 'text-size': 12 },
      paint: { 'text-color': theme.accent, ...halo },
    },
    {
      id: 'vehicle-chosen', type: 'circle', source: 'vehicles', filter: ['==', ['get', 'id'], ''],
      paint: {
        'circle-radius': 15, 'circle-color': theme.moving, 'circle-opacity': 0.18, 'circle-stroke-color': theme.ink,
        'circle-stroke-width': 1.5,
      },
    },
    {
      id: 'vehicle', type: 'symbol', source: 'vehicles',
      layout: {
        'icon-image': ['concat', 'vehicle-', ['get', 'status']],
        'icon-rotate': ['match', ['get', 'status'], ['moving', 'idle'], ['get', 'course'], 0],
        'icon-rotation-alignment': 'map', 'icon-allow-overlap': true, 'icon-ignore-placement': true,
        'icon-size': ['interpolate', ['linear'], ['zoom'], 10, 0.55, 14, 0.9],
      },
    },
  ]
}

export function mapStyle(theme: Theme, data: MapData): StyleSpecification {
  return {
    version: 8,
    sources: Object.fromEntries(SOURCES.map((id) => [id, { type: 'geojson' as const, data: data[id] }])),
    layers: layers(theme),
  }
}
