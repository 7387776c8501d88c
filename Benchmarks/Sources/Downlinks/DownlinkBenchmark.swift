import Glibc
import HTTPClient
import Reactor

/// How fast the platform reaches many devices: a shared attribute of every one of them changed by single saves or by one
/// import, and calls to all of them at once. Each from the request to the receipt, or to the answer at the caller.
struct DownlinkBenchmark: Sendable {
    enum Kind: String, Sendable {
        case saves = "attribute-saves"
        case importing = "attribute-import"
        case calls = "calls"

        var filter: String {
            self == .calls ? "v1/devices/me/rpc/request/+" : "v1/devices/me/attributes"
        }
    }

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    let kind: Kind
    let mqttPort: Int
    let httpPort: Int
    let rounds: Int
    /// Of single saves.
    let connections: Int
    /// Of one round.
    private static let patience: Duration = .seconds(180)
    /// What comes twice comes within this time.
    private static let echo: Duration = .milliseconds(500)

    /// Reads the user's token, then a device a line (token and id), from standard input; prints a line for each round.
    func run() async throws {
        guard let user = readLine() else { throw Failure(description: "no token on standard input") }
        var list: [(token: String, id: String)] = []
        while let line = readLine() {
            let parts = line.split(separator: " ")
            guard parts.count == 2 else { throw Failure(description: "no device: \(line)") }
            list.append((String(parts[0]), String(parts[1])))
        }
        DescriptorLimit.raise()
        let loop = try EventLoop(name: "devices", index: 0)
        loop.start()
        let bench = DownlinkBench(
            loop: loop, mqtt: .tcp(host: "127.0.0.1", port: mqttPort), http: .tcp(host: "127.0.0.1", port: httpPort),
            filter: kind.filter, user: user)
        let devices = list
        await withCheckedContinuation { continuation in
            loop.execute { bench.connect(devices) { continuation.resume() } }
        }
        for round in 0...rounds {
            try await check(bench)
            try await play(round, bench)
            // The first warms up.
            if round > 0 { try await report(bench) }
        }
        await loop.perform { bench.close() }
        loop.stop()
        loop.join()
    }

    private func check(_ bench: DownlinkBench) async throws {
        if let failure = await bench.loop.perform({ bench.failure }) { throw Failure(description: failure) }
    }

    private func play(_ round: Int, _ bench: DownlinkBench) async throws {
        let kind = kind
        let connections = connections
        let patience = Self.patience
        await withCheckedContinuation { continuation in
            bench.loop.execute {
                let timer = bench.loop.schedule(after: patience) { bench.finish() }
                let payload = kind == .calls ? nil : "{\"target\":\(round)}"
                bench.beginRound(expecting: payload) {
                    timer.cancel()
                    continuation.resume()
                }
                do throws(HTTPClientError) {
                    switch kind {
                    case .saves: try Saves(bench, Array("{\"target\":\(round)}".utf8)).start(connections)
                    case .importing: try importAll(round, bench)
                    case .calls: try callAll(bench)
                    }
                } catch {
                    bench.failed("\(error)")
                }
            }
        }
        try await Task.sleep(for: Self.echo)
    }

    private func report(_ bench: DownlinkBench) async throws {
        try await check(bench)
        let outcome = await bench.loop.perform { bench.outcome }
        let figures = [
            ("p50", outcome.percentile(50)), ("p99", outcome.percentile(99)), ("last", outcome.last),
        ].map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",")
        print(
            "{\"name\":\"\(kind.rawValue)\",\"unit\":\"ms\",\(figures),\"missing\":\(outcome.missing),"
                + "\"doubled\":\(outcome.doubled),\"refused\":\(outcome.refused)}")
        fflush(nil)
    }
}

/// One table that changes the attribute of every device. On the loop.
private func importAll(_ round: Int, _ bench: DownlinkBench) throws(HTTPClientError) {
    let client = try bench.makeClient()
    let rows = bench.devices.map { "\($0.token),\(round)\\n" }.joined()
    let columns = "[{\"type\":\"NAME\"},{\"type\":\"SHARED_ATTRIBUTE\",\"key\":\"target\"}]"
    let body =
        "{\"file\":\"\(rows)\",\"mapping\":{\"columns\":\(columns),\"delimiter\":\",\",\"header\":false,\"update\":true}}"
    for device in bench.devices { bench.begin(device.index) }
    bench.post("/api/device/bulk_import", Array(body.utf8), over: client) { status, answer in
        let isWhole = String(decoding: answer, as: UTF8.self).contains("\"updated\":\(bench.devices.count),")
        if status != 200 || !isWhole { bench.refuse() }
        bench.retire(client)
    }
}

/// A two-way call to every device at once, each over a connection of its own that is open before. On the loop.
private func callAll(_ bench: DownlinkBench) throws(HTTPClientError) {
    var clients: [HTTPClientConnection] = []
    for _ in bench.devices { clients.append(try bench.makeClient()) }
    var open = clients.count
    let opened = clients
    for client in opened {
        client.send("GET", "/health/live") { result in
            if case .failure(let error) = result { return bench.failed("\(error)") }
            open -= 1
            if open == 0 { callAll(bench, opened) }
        }
    }
}

private func callAll(_ bench: DownlinkBench, _ clients: [HTTPClientConnection]) {
    for (device, client) in zip(bench.devices, clients) {
        let index = device.index
        let body = "{\"method\":\"echo\",\"params\":{\"device\":\(index)},\"timeout\":60000}"
        bench.begin(index)
        bench.post("/api/rpc/twoway/\(device.id)", Array(body.utf8), over: client) { status, answer in
            if status != 200 || String(decoding: answer, as: UTF8.self) != "{\"device\":\(index)}" { bench.refuse() }
            bench.end(index)
            bench.retire(client)
        }
    }
}

/// Saves the attribute of one device after the other, as many at a time as there are connections. On the loop.
private final class Saves {
    private let bench: DownlinkBench
    private let body: [UInt8]
    private var next = 0

    init(_ bench: DownlinkBench, _ body: [UInt8]) {
        self.bench = bench
        self.body = body
    }

    func start(_ connections: Int) throws(HTTPClientError) {
        for _ in 0..<connections { goOn(try bench.makeClient()) }
    }

    private func goOn(_ client: HTTPClientConnection) {
        guard next < bench.devices.count else { return bench.retire(client) }
        let device = bench.devices[next]
        next += 1
        bench.begin(device.index)
        bench.post("/api/plugins/telemetry/DEVICE/\(device.id)/SHARED_SCOPE", body, over: client) { status, _ in
            if status != 200 { self.bench.refuse() }
            self.goOn(client)
        }
    }
}
