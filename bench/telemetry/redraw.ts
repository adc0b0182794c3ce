import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { renderTelemetryChart } from './telemetry-chart.ts'

/** Draws the picture again from its figures: `redraw.ts [folder]`. */
const [folder = 'bench/results'] = process.argv.slice(2)
const run = JSON.parse(readFileSync(join(folder, 'telemetry.json'), 'utf8'))
writeFileSync(join(folder, 'telemetry.svg'), renderTelemetryChart(run))
