import Synchronization

/// Commands to a Redis server, a cluster of them, or the master that sentinels name. Safe from any thread; never blocks the
/// caller.
///
/// A command that an outage hits may have been carried out; it is sent a second time only over a connection that was closed
/// before it answered anything.
public final class RedisClient: Sendable {
    public typealias Completion = @Sendable (Result<RedisValue, RedisError>) -> Void

    private let configuration: RedisConfiguration
    private let tls: RedisTLSContext?
    private let seeds: [RedisAddress]
    private let state = Mutex(State())

    private struct State {
        var pools: [RedisAddress: RedisPool] = [:]
        var slots = RedisSlots()
        var isRefreshing = false
        var nextRefresh: Int64 = 0
        var nextSeed = 0
        var isClosed = false
    }

    /// Connects when the first command comes.
    ///
    /// - Throws: `unavailable` when a file of the TLS configuration cannot be used.
    public init(_ configuration: RedisConfiguration) throws(RedisError) {
        self.configuration = configuration
        tls = if let tls = configuration.tls { try RedisTLSContext(tls) } else { nil }
        seeds =
            switch configuration.topology {
            case .standalone(let address): [address]
            case .cluster(let addresses), .sentinel(_, let addresses): addresses
            }
        precondition(!seeds.isEmpty, "a client without servers")
    }

    deinit { close() }

    /// Ends the connections; what waits is refused.
    public func close() {
        let pools = state.withLock { state in
            state.isClosed = true
            return Array(state.pools.values)
        }
        for pool in pools { pool.close() }
    }

    /// Sends a command and returns its answer.
    public func send(_ command: RedisCommand) async throws(RedisError) -> RedisValue {
        let result = await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<RedisValue, RedisError>, Never>) in
            submit(command) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// Sends a command; `complete` is called once, on a thread of the client or on the caller's.
    public func submit(_ command: RedisCommand, complete: @escaping Completion) {
        guard case .cluster = configuration.topology else {
            pool(for: seeds[0]).submit(command, complete: complete)
            return
        }
        let slot = command.key.map { RedisSlots.slot(of: $0) }
        let (address, isKnown) = state.withLock { state -> (RedisAddress, Bool) in
            if let slot, let address = state.slots.address(of: slot) { return (address, true) }
            return (Self.nextSeed(&state, seeds), false)
        }
        if !isKnown { refreshSlots() }
        submit(command, to: address, isAsking: false, redirects: 0, complete)
    }

    private static func nextSeed(_ state: inout State, _ seeds: [RedisAddress]) -> RedisAddress {
        let candidates = state.slots.addresses.isEmpty ? seeds : state.slots.addresses
        state.nextSeed &+= 1
        return candidates[abs(state.nextSeed % candidates.count)]
    }

    // MARK: - Clusters

    private func submit(
        _ command: RedisCommand, to address: RedisAddress, isAsking: Bool, redirects: Int,
        _ complete: @escaping Completion
    ) {
        pool(for: address).submit(command, isAsking: isAsking) { [weak self] result in
            guard let self, case .failure(let error) = result else { return complete(result) }
            switch error {
            case .refused(let words):
                guard let next = RedisSlots.redirection(words, asked: address),
                    redirects < configuration.maximumRedirects
                else { return complete(result) }
                if !next.isAsk {
                    state.withLock { $0.slots.assign(next.slot...next.slot, to: next.address) }
                    refreshSlots()
                }
                submit(command, to: next.address, isAsking: next.isAsk, redirects: redirects + 1, complete)
            case .unavailable, .connectionLost:
                // Its slots may have gone to a replica.
                refreshSlots()
                complete(result)
            default: complete(result)
            }
        }
    }

    /// Asks some node who serves what, at most every 500 ms.
    private func refreshSlots() {
        let asked = state.withLock { state -> RedisAddress? in
            let now = RedisClock.now()
            guard !state.isRefreshing, now >= state.nextRefresh, !state.isClosed else { return nil }
            state.isRefreshing = true
            state.nextRefresh = now + 500_000_000
            // The seeds too: every node that was known may be gone.
            state.nextSeed &+= 1
            let candidates = state.slots.addresses + seeds
            return candidates[abs(state.nextSeed % candidates.count)]
        }
        guard let asked else { return }
        pool(for: asked).submit(RedisCommand("CLUSTER", "SLOTS")) { [weak self] result in
            self?.state.withLock { state in
                state.isRefreshing = false
                if case .success(let reply) = result, let slots = RedisSlots(reply, asked: asked) {
                    state.slots = slots
                }
            }
        }
    }

    // MARK: - Connections

    private func pool(for address: RedisAddress) -> RedisPool {
        state.withLock { state in
            if let pool = state.pools[address] { return pool }
            let pool = RedisPool(configuration, connect: connector(for: address))
            if state.isClosed { pool.close() }
            state.pools[address] = pool
            return pool
        }
    }

    private func connector(for address: RedisAddress) -> RedisPool.Connect {
        let (configuration, tls, seeds) = (configuration, tls, seeds)
        switch configuration.topology {
        case .standalone:
            return { () throws(RedisError) in
                try Self.connect(address, configuration, tls, database: configuration.database)
            }
        case .cluster:
            return { () throws(RedisError) in try Self.connect(address, configuration, tls, database: 0) }
        case .sentinel(let master, _):
            return { () throws(RedisError) in try Self.connectToMaster(master, seeds, configuration, tls) }
        }
    }

    private static func connect(
        _ address: RedisAddress, _ configuration: RedisConfiguration, _ tls: RedisTLSContext?, database: Int
    ) throws(RedisError) -> RedisConnection {
        try RedisConnection(
            connecting: address, configuration, tls: tls, userName: configuration.userName,
            password: configuration.password, database: database)
    }

    /// Asks the sentinels, one after the other, and makes sure that whom they name is the master.
    private static func connectToMaster(
        _ master: String, _ sentinels: [RedisAddress], _ configuration: RedisConfiguration, _ tls: RedisTLSContext?
    ) throws(RedisError) -> RedisConnection {
        var reason = "no sentinel knows the master \"\(master)\""
        for sentinel in sentinels {
            do throws(RedisError) {
                let connection = try RedisConnection(
                    connecting: sentinel, configuration, tls: tls, userName: nil,
                    password: configuration.sentinelPassword, database: 0)
                let reply = try connection.execute(RedisCommand("SENTINEL", "get-master-addr-by-name", master))
                guard let parts = reply.arrayValue, parts.count == 2, let host = parts[0].text,
                    let port = parts[1].text.flatMap({ Int($0) })
                else { continue }
                let address = RedisAddress(host: host, port: port)
                let open = try connect(address, configuration, tls, database: configuration.database)
                guard try open.execute(RedisCommand("ROLE")).arrayValue?.first?.text == "master" else {
                    reason = "\(address) is no master any more"
                    continue
                }
                return open
            } catch {
                if case .unavailable(let words) = error { reason = words } else { reason = error.description }
            }
        }
        throw .unavailable(reason: reason)
    }
}
