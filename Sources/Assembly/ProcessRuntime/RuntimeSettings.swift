public import Configuration
import Glibc
public import HTTPServer
public import Logging
import Reactor

/// What every process of the platform reads, whatever it does (`cluster.md` 7.1, 7.13).
public struct RuntimeSettings: Sendable {
    public var log: LogSink
    /// `TB_SERVICE_ID`: the unique, stable name of this process; the host's name where it is not given.
    public var serviceID: String
    /// `NEEDLETAIL_IO_THREADS`: event loops for sockets.
    public var ioThreads: Int
    /// `TB_TRANSPORT_STATS_PRINT_INTERVAL_MS`.
    public var statisticsInterval: Duration
    /// `HTTP_BIND_ADDRESS`, `HTTP_BIND_PORT`: where this process answers HTTP.
    public var httpAddress: String
    public var httpPort: Int

    /// Cores of this machine.
    public static let cores = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))

    /// - Parameters:
    ///   - portVariable: what names the port.
    ///   - levelVariable: what names the level of logs where `NEEDLETAIL_LOG_LEVEL` does not.
    public init(
        from settings: inout SettingsReader, defaultHTTPPort: Int, portVariable: String = "HTTP_BIND_PORT",
        levelVariable: String? = nil
    ) {
        let levels = ["trace", "debug", "info", "notice", "warning", "error", "critical"]
        let other = levelVariable.map { settings.choice($0, default: "info", of: levels + ["warn"]) }
        let level = LogLevel(
            name: settings.choice(
                "NEEDLETAIL_LOG_LEVEL", default: other == "warn" ? "warning" : other ?? "info", of: levels))
        let format = settings.choice("NEEDLETAIL_LOG_FORMAT", default: "text", of: ["text", "json"])
        log = LogSink(level: level ?? .info, format: format == "json" ? .json : .text)
        serviceID = settings.optionalString("TB_SERVICE_ID") ?? Self.hostName
        ioThreads = settings.integer("NEEDLETAIL_IO_THREADS", default: min(Self.cores, 63), in: 1...63)
        statisticsInterval = max(
            .seconds(1), settings.milliseconds("TB_TRANSPORT_STATS_PRINT_INTERVAL_MS", default: 60_000))
        httpAddress = settings.string("HTTP_BIND_ADDRESS", default: "0.0.0.0")
        httpPort = settings.integer(portVariable, default: defaultHTTPPort, in: 0...65_535)
    }

    /// A server on the address of this process.
    public var httpServer: HTTPServerConfiguration {
        HTTPServerConfiguration(address: .tcp(host: httpAddress, port: httpPort))
    }

    private static var hostName: String {
        let bytes = [UInt8](unsafeUninitializedCapacity: 256) { buffer, count in
            count = buffer.withMemoryRebound(to: CChar.self) { name in
                guard let start = name.baseAddress, gethostname(start, 255) == 0 else { return 0 }
                return strnlen(start, 255)
            }
        }
        return bytes.isEmpty ? "needletail" : String(decoding: bytes, as: UTF8.self)
    }
}
