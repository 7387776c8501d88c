internal import Reactor

/// Work that waits for a connection, oldest first.
struct WaiterQueue {
    enum Work {
        case statement(SQLStatement, PooledConnection.Completion, isRepeated: Bool = false)
        case lease(CheckedContinuation<Result<PooledConnection, DatabaseError>, Never>)

        func fail(_ error: DatabaseError) {
            switch self {
            case .statement(_, let completion, _): completion.resume(returning: .failure(error))
            case .lease(let continuation): continuation.resume(returning: .failure(error))
            }
        }
    }

    private struct Waiter {
        var work: Work
        var deadline: MonotonicTime
    }

    private var waiters: [Waiter?] = []
    private var head = 0

    var count: Int { waiters.count - head }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ work: Work, deadline: MonotonicTime) {
        waiters.append(Waiter(work: work, deadline: deadline))
    }

    mutating func popFirst() -> Work? {
        guard head < waiters.count, let waiter = waiters[head] else { return nil }
        waiters[head] = nil
        head += 1
        // The front is given back when it is half of the array: each element moves once on average.
        if head > 64, head * 2 > waiters.count {
            waiters.removeFirst(head)
            head = 0
        }
        return waiter.work
    }

    /// Deadlines are all equally far away, so those that have passed are in front.
    mutating func popExpired(at now: MonotonicTime) -> Work? {
        guard head < waiters.count, let waiter = waiters[head], waiter.deadline <= now else { return nil }
        return popFirst()
    }
}
