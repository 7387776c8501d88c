import Reactor

/// A script as a pool of workers knows it. Owned by the pool's loop.
final class WorkerScript {
    let number: UInt64
    let program: JavaScriptProgram
    /// Its calls that take long at the moment.
    var slowCalls = 0
    /// Calls that wait until one of these is over.
    var waiting: [WorkerCall] = []

    init(number: UInt64, program: JavaScriptProgram) {
        self.number = number
        self.program = program
    }
}

/// What a caller waits for. Owned by the pool's loop.
final class WorkerCall {
    enum Kind {
        case compile
        /// - Parameter limit: Milliseconds; 0 for that of the worker.
        case invoke([String], limit: UInt32)
    }

    typealias Outcome = Result<String?, ScriptError>

    let script: WorkerScript
    let kind: Kind
    let size: Int
    /// When it is given up; `nil` for never.
    let deadline: MonotonicTime?
    /// How often it was given to a worker.
    var attempts = 0
    private var completion: ((Outcome) -> Void)?

    init(
        _ kind: Kind, of script: WorkerScript, deadline: MonotonicTime?, completion: @escaping (Outcome) -> Void
    ) {
        self.kind = kind
        self.script = script
        self.deadline = deadline
        self.completion = completion
        size =
            switch kind {
            case .compile: script.program.text.utf8.count
            case .invoke(let arguments, _): arguments.reduce(0) { $0 + $1.utf8.count }
            }
    }

    var isOver: Bool { completion == nil }

    /// Tells the caller; once.
    func finish(_ outcome: Outcome) {
        completion.take()?(outcome)
    }
}
