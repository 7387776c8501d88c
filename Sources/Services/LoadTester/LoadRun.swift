internal import Glibc
internal import Reactor
internal import Synchronization

/// The load itself: event loops with devices, from the first connection to the last acknowledgement.
final class LoadRun: Sendable {
    private let options: LoadTestOptions
    private let console: Console
    private let plan: LoadPlan
    private let group: EventLoopGroup
    private let loads: [LoadLoop]

    init(options: LoadTestOptions, ledger: LedgerFile?, console: Console) throws {
        self.options = options
        self.console = console
        let host = options.api == .http ? options.restURL.host : options.mqttHost
        let port = options.api == .http ? options.restURL.port : options.mqttPort
        guard let address = HostName.resolve(host) else { throw LoadTestError.unknownHost(host) }
        var plan = LoadPlan(options: options, address: .tcp(host: address, port: port))
        if options.usesTLS {
            var configuration = TLSClientConfiguration(trust: .anybody)
            if let path = options.tlsAuthorities { configuration.trust = .authorities(.file(path)) }
            plan.tls = try TLSClient(serverName: options.mqttHost, configuration: configuration)
        }
        self.plan = plan
        let count = min(options.threadCount, options.connectionCount)
        let group = try EventLoopGroup(count: count, name: "load")
        self.group = group
        loads = group.loops.enumerated().map { index, loop in
            LoadLoop(loop: loop, plan: plan, index: index, count: count, ledger: ledger)
        }
    }

    /// - Parameters:
    ///   - api: where rows are looked up, `nil` when nobody asked.
    ///   - identifiers: of the devices, for that.
    func run(api: PlatformAPI?, identifiers: [String]) async throws -> LoadReport {
        group.start()
        defer {
            group.stop()
            group.join()
        }
        try await connect()
        if options.warmup { try await warmUp() }
        let rows = Mutex(LatencyHistogram())
        let before = try await snapshot().counters
        let start = await begin()
        async let sampling: Void = sampleRows(api, identifiers, into: rows)
        var report = try await watch(from: start, before)
        for load in loads { await load.run { $0.stopSending() } }
        await sampling
        let last = try await drain()
        report.wasInterrupted = Interruption.isRequested
        report.finish(with: last, rows: rows.withLock { $0 })
        for load in loads { await load.run { $0.stop() } }
        return report
    }

    // MARK: - Phases

    private func connect() async throws {
        for load in loads { await load.run { $0.connectAll() } }
        let total = options.connectionCount
        var best = 0
        var quietTicks = 0
        var ticks = 0
        while !Interruption.isRequested {
            let open = try await snapshot().openConnections
            if open == total { return }
            quietTicks = open > best ? 0 : quietTicks + 1
            best = max(best, open)
            // Half a minute without one more connection: go on with those that are there.
            if quietTicks > 600 {
                guard best > 0 else { throw LoadTestError.noConnections(address: "\(plan.address)") }
                return console.complain("only \(open) of \(total) connections could be made")
            }
            if ticks % 20 == 19 { console.progress("connected: \(open) of \(total)") }
            ticks += 1
            await Self.pause(.milliseconds(50))
        }
    }

    /// One message from each device, in bursts, each burst acknowledged before the next.
    private func warmUp() async throws {
        let pack = max(1, options.warmupPackSize / loads.count)
        var first = 0
        while first < options.connectionCount, !Interruption.isRequested {
            for load in loads {
                let range = first..<(first + pack)
                await load.run { load in
                    for device in load.devices[range.clamped(to: 0..<load.devices.count)] {
                        device.sendUnmeasured()
                    }
                }
            }
            first += pack
            let deadline = MonotonicTime.now() + .seconds(10)
            while try await snapshot().inFlight > 0, MonotonicTime.now() < deadline {
                await Self.pause(.milliseconds(2))
            }
        }
    }

    private func begin() async -> LoadStart {
        // All loops begin at the same moment, which is a little ahead.
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let wall = Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
        let ahead: Int64 = options.pace == .idle ? 0 : 20
        let start = LoadStart(
            monotonic: (MonotonicTime.now() + .milliseconds(ahead)).nanoseconds, wallMilliseconds: wall + ahead)
        for load in loads { await load.run { $0.beginSending(at: start) } }
        return start
    }

    /// Waits for the end of the run, looking once a second.
    private func watch(from start: LoadStart, _ counters: LoadCounters) async throws -> LoadReport {
        var report = LoadReport(options: options)
        let end = start.monotonic + UInt64(options.durationSeconds) * 1_000_000_000
        var before = counters
        var last = start.monotonic
        var next = start.monotonic
        while last < end, !Interruption.isRequested {
            next = min(next + 1_000_000_000, end)
            await Self.pause(until: next)
            let now = MonotonicTime.now().nanoseconds
            let snapshot = try await snapshot()
            let entry = TimelineEntry(
                from: before, to: snapshot, second: Double(now - start.monotonic) / 1e9,
                seconds: Double(now - last) / 1e9)
            report.add(entry, snapshot)
            console.progress(entry.line)
            before = snapshot.counters
            last = now
        }
        report.seconds = Double(last - start.monotonic) / 1e9
        return report
    }

    /// Waits for what is in flight.
    private func drain() async throws -> LoopSnapshot {
        var total = try await snapshot()
        let deadline = MonotonicTime.now() + .seconds(options.drainSeconds)
        while total.inFlight > 0, MonotonicTime.now() < deadline, Interruption.count < 2 {
            await Self.pause(.milliseconds(5))
            var snapshot = try await snapshot()
            snapshot.latencies.add(total.latencies)
            total = snapshot
        }
        return total
    }

    // MARK: - Rows

    /// Follows one message after the other until its row can be read, twenty a second at most.
    private func sampleRows(
        _ api: PlatformAPI?, _ identifiers: [String], into histogram: borrowing Mutex<LatencyHistogram>
    ) async {
        guard let api, !identifiers.isEmpty, options.pace != .idle else { return }
        let key = options.payload.keys[0]
        while let message = await loads[0].nextMessage() {
            let id = identifiers[message.device - options.devices.lowerBound]
            if !id.isEmpty, await Self.appears(message, api, id, key) {
                let now = MonotonicTime.now().nanoseconds
                let microseconds = now > message.due ? (now - message.due) / 1000 : 0
                histogram.withLock { $0.record(microseconds: microseconds) }
            }
            await Self.pause(.milliseconds(50))
        }
    }

    private static func appears(_ message: ProbedMessage, _ api: PlatformAPI, _ id: String, _ key: String) async -> Bool
    {
        let deadline = MonotonicTime.now() + .seconds(10)
        while MonotonicTime.now() < deadline, !Interruption.isRequested {
            // A failed look-up, while the server restarts, is repeated like one that came too early.
            let latest = try? await api.latestTimestamp(device: id, key: key)
            if let latest, latest >= message.timestamp { return true }
            await pause(.milliseconds(2))
        }
        return false
    }

    // MARK: - Helpers

    /// Of all loops together, with the latencies since the last call.
    private func snapshot() async throws(LedgerError) -> LoopSnapshot {
        var total = LoopSnapshot()
        for load in loads { total.add(try await load.snapshot()) }
        return total
    }

    private static func pause(_ duration: Duration) async {
        try? await Task.sleep(for: duration)  // Fails only when cancelled; then there is nothing to wait for.
    }

    /// Waits until the monotonic clock shows `nanoseconds`, or for the user's Ctrl-C.
    private static func pause(until nanoseconds: UInt64) async {
        while !Interruption.isRequested {
            let now = MonotonicTime.now().nanoseconds
            guard now < nanoseconds else { return }
            await pause(.nanoseconds(Int64(min(nanoseconds - now, 50_000_000))))
        }
    }
}

extension LoadReport {
    fileprivate mutating func add(_ entry: TimelineEntry, _ snapshot: LoopSnapshot) {
        timeline.append(entry)
        latencies.add(snapshot.latencies)
        mostWaiting = max(mostWaiting, snapshot.waiting)
        openConnections = snapshot.openConnections
    }

    fileprivate mutating func finish(with last: LoopSnapshot, rows: LatencyHistogram) {
        latencies.add(last.latencies)
        counters = last.counters
        unacknowledged = last.inFlight
        unsent = last.waiting
        rowLatencies = rows
    }
}
