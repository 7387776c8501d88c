import Reactor
import Synchronization

/// Closes the door to addresses that present wrong credentials again and again (`device-api.md` 6.5). Safe from any thread.
final class AddressBlocker: Sendable {
    /// An IPv4 or IPv6 address without port.
    struct Address: Hashable {
        private let high: UInt64
        private let low: UInt64
        private let length: UInt8

        /// `nil` for what has no address.
        init?(_ bytes: [UInt8]) {
            guard bytes.count == 4 || bytes.count == 16 else { return nil }
            high = bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
            low = bytes.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) }
            length = UInt8(bytes.count)
        }
    }

    private struct Failures {
        var count: Int
        var last: MonotonicTime
    }

    /// Addresses that are remembered; beyond, those that failed long ago are forgotten.
    private static let maximumAddresses = 100_000

    private let maximumFailures: Int
    private let blockTime: Duration
    private let failures = Mutex<[Address: Failures]>([:])

    /// - Parameters:
    ///   - maximumFailures: At that many, the address is blocked.
    ///   - blockTime: Since the last failure; one more failure after it blocks again.
    init(maximumFailures: Int, blockTime: Duration) {
        self.maximumFailures = maximumFailures
        self.blockTime = blockTime
    }

    func isBlocked(_ address: Address, now: MonotonicTime) -> Bool {
        failures.withLock { failures in
            guard let known = failures[address] else { return false }
            return known.count >= maximumFailures && known.last + blockTime > now
        }
    }

    func noteFailure(_ address: Address, now: MonotonicTime) {
        failures.withLock { failures in
            if failures.count >= Self.maximumAddresses, failures[address] == nil {
                failures = failures.filter { $0.value.last + blockTime > now }
                // Everybody fails at once: nobody can be told apart any more.
                if failures.count >= Self.maximumAddresses { failures = [:] }
            }
            failures[address, default: Failures(count: 0, last: now)].count += 1
            failures[address]?.last = now
        }
    }

    func noteSuccess(_ address: Address) {
        failures.withLock { failures in
            guard !failures.isEmpty else { return }
            failures[address] = nil
        }
    }
}
