import Metrics
import Synchronization

/// What all workers of a process have in common. Safe from any thread.
final class WorkerCounts: Sendable {
    private let running = Atomic<Int>(0)
    private let maximum: Int
    let starts: Counter
    let waiting: Gauge
    private let workers: Gauge
    private let ends: [WorkerEnd: Counter]

    /// Why a worker ended.
    enum WorkerEnd: String, CaseIterable {
        /// It was no longer needed.
        case idle, memory, time, crash
        case start = "not started"
    }

    init(maximum: Int, metrics: MetricsRegistry) {
        self.maximum = maximum
        starts = metrics.counter("js_worker_starts_total", help: "Workers of JavaScript that were started.")
        workers = metrics.gauge("js_workers", help: "Workers of JavaScript that run.")
        waiting = metrics.gauge("js_waiting_calls", help: "Calls of scripts that no worker has taken yet.")
        var ends: [WorkerEnd: Counter] = [:]
        for end in WorkerEnd.allCases {
            ends[end] = metrics.counter(
                "js_worker_ends_total", help: "Workers of JavaScript that ended, and why.",
                labels: ["reason": end.rawValue])
        }
        self.ends = ends
    }

    /// Takes one of the places that there are.
    func reserve() -> Bool {
        let count = running.wrappingAdd(1, ordering: .relaxed).newValue
        guard count <= maximum else {
            running.wrappingSubtract(1, ordering: .relaxed)
            return false
        }
        starts.increment()
        workers.set(Double(count))
        return true
    }

    func release(_ end: WorkerEnd) {
        ends[end]?.increment()
        workers.set(Double(running.wrappingSubtract(1, ordering: .relaxed).newValue))
    }
}
