import CLinux
import Synchronization

/// Name resolution on threads kept for blocking: at most four, each ending when nothing is left to do.
final class Resolver: Sendable {
    static let shared = Resolver()
    private static let threadLimit = 4

    private struct Request {
        let address: SocketAddress
        let completion: @Sendable (Result<[needletail_address], ReactorError>) -> Void
    }

    private struct State {
        var waiting: [Request] = []
        var threadCount = 0
    }

    private let state = Mutex(State())

    /// Calls `completion` on a resolver thread.
    func resolve(
        _ address: SocketAddress, completion: @escaping @Sendable (Result<[needletail_address], ReactorError>) -> Void
    ) {
        let needsThread = state.withLock { state in
            state.waiting.append(Request(address: address, completion: completion))
            guard state.threadCount < Self.threadLimit else { return false }
            state.threadCount += 1
            return true
        }
        guard needsThread else { return }
        let code = needletail_start_thread(
            { _ in
                needletail_set_thread_name("resolver")
                needletail_block_signals()
                Resolver.shared.work()
            }, nil)
        // Without a thread the requests of others would wait for ever, too: do them here.
        if code != 0 { work() }
    }

    private func work() {
        while let request = next() {
            do {
                request.completion(.success(try request.address.resolved(passive: false)))
            } catch {
                request.completion(.failure(error))
            }
        }
    }

    private func next() -> Request? {
        state.withLock { state in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
            state.threadCount -= 1
            return nil
        }
    }
}
