/** The MapLibre map behind a few verbs; the only file that talks to the library. */

import 'maplibre-gl/dist/maplibre-gl.css'

import type { FeatureCollection } from 'geojson'
import { GeoJSONSource, Map as LibreMap, Popup, setWorkerUrl, type MapMouseEvent } from 'maplibre-gl'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'

import { t } from '../i18n'
import type { Theme } from '../ui/theme'
import { STATUSES } from '../vehicles/order'
import { boundsOf } from './features'
import { ICON_PIXEL_RATIO, vehicleIcon } from './icons'
import { mapStyle, NOTHING, type MapData, type SourceId } from './style'

setWorkerUrl(workerUrl)

export interface Picks {
  /** null: the person clicked on nothing. */
  vehicle: (id: string | null) => void
  building: (id: string) => void
}

const CLICK_SLACK_PX = 6
/** Around everything; the buttons stand at the right. */
const PADDING_PX = { top: 22, bottom: 22, left: 22, right: 48 }
const CHOSEN = { vehicle: 'vehicle-chosen', building: 'building-chosen' } as const

export class MapView {
  private readonly map: LibreMap
  private readonly popup = new Popup({
    closeButton: false, closeOnClick: false, offset: 14, maxWidth: '260px', focusAfterOpen: false,
  })

  private readonly data: MapData = {
    roads: NOTHING, geofences: NOTHING, depots: NOTHING, buildings: NOTHING, vehicles: NOTHING,
  }

  private loaded = false
  private framed = false

  /** Raises if the browser can't draw WebGL. */
  constructor(container: HTMLElement, theme: Theme, picks: Picks) {
    this.map = new LibreMap({
      container,
      style: mapStyle(theme, this.data),
      center: [105, 33],
      zoom: 3,
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      fadeDuration: 0,
      cooperativeGestures: true,
      locale: {
        'CooperativeGesturesHandler.MobileHelpText': t('map.gesture'),
        'CooperativeGesturesHandler.WindowsHelpText': t('map.wheel'),
        'CooperativeGesturesHandler.MacHelpText': t('map.wheel'),
      },
    })
    this.map.touchZoomRotate.disableRotation()
    this.map.keyboard.disableRotation()
    this.map.on('load', () => {
      this.loaded = true
      this.setTheme(theme)
    })
    this.map.on('click', (event) => { this.pick(event, picks) })
    this.map.on('mousemove', (event) => {
      this.map.getCanvas().style.cursor = this.at(event).length > 0 ? 'pointer' : ''
    })
  }

  setLabel(label: string): void {
    this.map.getCanvas().setAttribute('aria-label', label)
  }

  setData(id: SourceId, features: FeatureCollection): void {
    this.data[id] = features
    const source = this.loaded ? this.map.getSource(id) : undefined
    if (source instanceof GeoJSONSource) void source.setData(features)
    if (!this.framed) this.frame(false)
  }

  setTheme(theme: Theme): void {
    if (!this.loaded) return
    this.map.setStyle(mapStyle(theme, this.data), { diff: true })
    for (const status of STATUSES) {
      const icon = vehicleIcon(status, theme)
      if (!icon) continue
      const name = `vehicle-${status}`
      if (this.map.hasImage(name)) this.map.updateImage(name, icon)
      else this.map.addImage(name, icon, { pixelRatio: ICON_PIXEL_RATIO })
    }
    if (!this.framed) this.frame(false)
  }

  setChosen(kind: keyof typeof CHOSEN, id: string | undefined): void {
    if (this.loaded) this.map.setFilter(CHOSEN[kind], ['==', ['get', 'id'], id ?? ''])
  }

  /** Take the size that the container has now, without waiting for the library to notice. */
  fitContainer(): void {
    this.map.resize()
  }

  /** Show everything that there is. */
  frame(animate = true): void {
    const bounds = this.loaded ? boundsOf(Object.values(this.data)) : null
    if (!bounds) return
    this.framed = true
    this.map.fitBounds(bounds, { padding: PADDING_PX, maxZoom: 15, animate })
  }

  zoom(steps: number): void {
    this.map.zoomTo(this.map.getZoom() + steps)
  }

  /** Let the wheel and one finger move the map, or leave them to the page. */
  setFree(free: boolean): void {
    if (free) this.map.cooperativeGestures.disable()
    else this.map.cooperativeGestures.enable()
  }

  /** Put the content beside a position and, the first time, bring it into view. */
  showPopup(content: HTMLElement, lon: number, lat: number, bring: boolean): void {
    this.popup.setLngLat([lon, lat])
    if (!this.popup.isOpen()) this.popup.setDOMContent(content).addTo(this.map)
    if (bring) this.map.easeTo({ center: [lon, lat], zoom: Math.max(this.map.getZoom(), 13) })
  }

  hidePopup(): void {
    this.popup.remove()
  }

  remove(): void {
    this.map.remove()
  }

  private at(event: MapMouseEvent) {
    if (!this.loaded) return []
    const { x, y } = event.point
    const box: [[number, number], [number, number]] = [
      [x - CLICK_SLACK_PX, y - CLICK_SLACK_PX], [x + CLICK_SLACK_PX, y + CLICK_SLACK_PX],
    ]
    return this.map.queryRenderedFeatures(box, { layers: ['vehicle', 'building'] })
  }

  private pick(event: MapMouseEvent, picks: Picks): void {
    const hit = this.at(event)[0]
    const id = String(hit?.properties['id'] ?? '')
    if (hit?.layer.id === 'building') picks.building(id)
    else picks.vehicle(hit ? id : null)
  }
}
