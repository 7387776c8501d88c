import JSON

/// What a record of a gateway says about its way (`device-api.md` 3.4), milliseconds since 1970.
struct GatewayLatency: Equatable {
    var connector: String
    var receivedTime: Int64
    var publishedTime: Int64

    /// `nil` when a member is missing.
    init?(_ metadata: JSONValue) {
        guard let connector = metadata["connector"]?.stringValue,
            let receivedTime = metadata["receivedTs"]?.integerValue,
            let publishedTime = metadata["publishedTs"]?.integerValue
        else { return nil }
        self.connector = connector
        self.receivedTime = receivedTime
        self.publishedTime = publishedTime
    }
}

/// Latencies of a gateway by connector, since the last report.
struct GatewayLatencies {
    private struct Summary {
        var sum: Int64 = 0
        var minimum = Int64.max
        var maximum = Int64.min

        mutating func add(_ value: Int64) {
            sum = sum.addingReportingOverflow(value).partialValue
            minimum = min(minimum, value)
            maximum = max(maximum, value)
        }
    }

    private struct Connector {
        var count: Int64 = 0
        var gateway = Summary()
        var transport = Summary()
    }

    /// More connectors of one gateway are not counted.
    static let maximumConnectors = 100
    private var connectors: [String: Connector] = [:]

    var isEmpty: Bool { connectors.isEmpty }

    mutating func add(_ latency: GatewayLatency, now: Int64) {
        guard connectors[latency.connector] != nil || connectors.count < Self.maximumConnectors else { return }
        connectors[latency.connector, default: Connector()].count += 1
        connectors[latency.connector]?.gateway.add(latency.publishedTime &- latency.receivedTime)
        connectors[latency.connector]?.transport.add(now &- latency.publishedTime)
    }

    /// The report as telemetry of the gateway; what was counted is forgotten.
    mutating func takeTelemetry() -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.key("gatewayMetrics")
            writer.object { writer in
                for (name, connector) in connectors {
                    writer.key(name)
                    writer.object { writer in
                        writer.member("avgGwLatency", connector.gateway.sum / connector.count)
                        writer.member("minGwLatency", connector.gateway.minimum)
                        writer.member("maxGwLatency", connector.gateway.maximum)
                        writer.member("avgTransportLatency", connector.transport.sum / connector.count)
                        writer.member("minTransportLatency", connector.transport.minimum)
                        writer.member("maxTransportLatency", connector.transport.maximum)
                    }
                }
            }
        }
        connectors = [:]
        return writer.bytes
    }
}
