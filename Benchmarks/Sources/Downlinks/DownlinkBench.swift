import HTTPClient
import Reactor

/// Devices that are connected and subscribed, and the moments of what is sent to them. Made anywhere, then only touched on
/// its loop.
final class DownlinkBench: @unchecked Sendable {
    // @unchecked: everything mutable is reached from `loop` only.
    private static let connectingAtOnce = 200

    let loop: EventLoop
    let mqtt: SocketAddress
    let http: SocketAddress
    /// The topic filter that every device subscribes to.
    let filter: String
    /// Access token of the user who makes the changes.
    let user: String
    private(set) var devices: [DownlinkDevice] = []
    private var nextToConnect = 0
    private var readyCount = 0
    private var whenReady: (() -> Void)?
    private(set) var failure: String?

    /// Nanoseconds, one for each device; 0 for none yet.
    private var began: [UInt64] = []
    private var ended: [UInt64] = []
    private var openCount = 0
    /// Who has received anything, and who anything again.
    private var hasReceived: [Bool] = []
    private var doubled = 0
    private var refused = 0
    private var expected: [UInt8]?
    private var whenOver: (() -> Void)?

    init(loop: EventLoop, mqtt: SocketAddress, http: SocketAddress, filter: String, user: String) {
        self.loop = loop
        self.mqtt = mqtt
        self.http = http
        self.filter = filter
        self.user = user
    }

    // MARK: - Connecting

    /// Calls `body` when every device is subscribed.
    func connect(_ list: [(token: String, id: String)], whenReady body: @escaping () -> Void) {
        whenReady = body
        devices = list.enumerated().map { index, device in
            DownlinkDevice(bench: self, index: index, token: device.token, id: device.id)
        }
        for _ in 0..<min(Self.connectingAtOnce, devices.count) { connectNext() }
    }

    private func connectNext() {
        guard nextToConnect < devices.count else { return }
        let device = devices[nextToConnect]
        nextToConnect += 1
        do {
            try device.connect()
        } catch {
            failed("\(error)")
        }
    }

    func deviceIsReady() {
        readyCount += 1
        connectNext()
        guard readyCount == devices.count else { return }
        whenReady?()
        whenReady = nil
    }

    func failed(_ reason: String) {
        guard failure == nil else { return }
        failure = reason
        whenReady?()
        whenReady = nil
        finish()
    }

    func close() {
        for device in devices { device.close() }
    }

    // MARK: - A round

    /// - Parameter payload: What every device is expected to receive; `nil` when a round ends with answers to calls.
    func beginRound(expecting payload: String?, whenOver body: @escaping () -> Void) {
        began = Array(repeating: 0, count: devices.count)
        ended = began
        openCount = devices.count
        doubled = 0
        refused = 0
        hasReceived = Array(repeating: false, count: devices.count)
        expected = payload.map { Array($0.utf8) }
        whenOver = body
    }

    func begin(_ index: Int) { began[index] = MonotonicTime.now().nanoseconds }

    func received(_ payload: [UInt8], by index: Int) {
        // Every device hears of one thing once in a round.
        if hasReceived[index] { doubled += 1 }
        hasReceived[index] = true
        guard let expected, payload == expected else { return }
        end(index)
    }

    func end(_ index: Int) {
        guard ended[index] == 0 else { return }
        ended[index] = MonotonicTime.now().nanoseconds
        openCount -= 1
        if openCount == 0 { finish() }
    }

    func refuse() { refused += 1 }

    /// Ends the round as it is.
    func finish() {
        whenOver?()
        whenOver = nil
    }

    struct Outcome: Sendable {
        /// Milliseconds, in order.
        var latencies: [Double]
        /// From the first that began to the last that ended.
        var last: Double
        var missing: Int
        var doubled: Int
        var refused: Int

        /// The smallest latency that `percent` of all do not exceed.
        func percentile(_ percent: Double) -> Double {
            guard !latencies.isEmpty else { return 0 }
            let rank = Int((percent / 100 * Double(latencies.count)).rounded(.up))
            return latencies[min(max(rank, 1), latencies.count) - 1]
        }
    }

    var outcome: Outcome {
        let pairs = zip(began, ended).filter { $0.0 != 0 && $0.1 != 0 }
        let latencies = pairs.map { Double($0.1 - $0.0) / 1e6 }.sorted()
        let first = pairs.map(\.0).min() ?? 0
        let last = pairs.map(\.1).max() ?? 0
        return Outcome(
            latencies: latencies, last: Double(last - first) / 1e6, missing: openCount, doubled: doubled,
            refused: refused)
    }

    // MARK: - Requests

    func makeClient() throws(HTTPClientError) -> HTTPClientConnection {
        try HTTPClientConnection(to: http, host: "127.0.0.1", on: loop)
    }

    /// Closes a client that is in the middle of telling an answer.
    func retire(_ client: HTTPClientConnection) {
        loop.schedule(after: .milliseconds(1)) { client.close() }
    }

    func post(
        _ path: String, _ body: [UInt8], over client: HTTPClientConnection,
        _ completion: @escaping (Int, [UInt8]) -> Void
    ) {
        let fields = [("Content-Type", "application/json"), ("X-Authorization", "Bearer \(user)")]
        client.send("POST", path, fields: fields, body: body) { [unowned self] result in
            switch result {
            case .success(let answer): completion(answer.status, answer.body)
            case .failure(let error): failed("POST \(path): \(error)")
            }
        }
    }
}
