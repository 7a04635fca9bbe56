// The log's metrics, served to Prometheus: an OpenTelemetry meter provider whose exporter answers GET /metrics.
import { once } from 'node:events'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { Record, Wal } from 'compressed-kv'

export async function main() {
  const dir = mkdtempSync(join(tmpdir(), 'ckv-example-'))
  // A server of our own, since the exporter's takes a port of 0 for 9464. With a fixed port `{ host, port }` is all it needs.
  const exporter = new PrometheusExporter({ preventServerStart: true })
  const provider = new MeterProvider({ readers: [exporter] })
  const server = createServer((request, response) => exporter.getMetricsRequestHandler(request, response))
  try {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')

    const { wal } = await Wal.open({ dir, meter: provider.getMeter('my-app'), fsync: 'always' })
    for (let n = 0; n < 100; n++) await wal.append(Record.put(`reading:${n}`, `${n} degrees`))

    const { port } = server.address() as AddressInfo
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`)
    const lines = (await answer.text()).split('\n').filter(line => line.startsWith('wal_'))
    for (const line of lines) console.log(line)
    await wal.close()
    return lines
  } finally {
    await provider.shutdown()
    server.close()
    rmSync(dir, { recursive: true, force: true })
  }
}

if (import.meta.filename === realpathSync(process.argv[1] ?? '.')) await main()
