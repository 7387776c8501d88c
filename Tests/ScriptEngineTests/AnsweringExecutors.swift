import Messages
import Queue
import Synchronization

/// Executors that answer from a list, and note what they were asked.
final class Answers: ScriptExecutors {
    typealias Answer = Result<ScriptReply, ScriptRequestError>
    private let state: Mutex<(answers: [Answer], asked: [ScriptRequest], limits: [Duration])>

    init(_ answers: Answer...) { state = Mutex((answers, [], [])) }

    var asked: [ScriptRequest] { state.withLock { $0.asked } }
    var limits: [Duration] { state.withLock { $0.limits } }

    func ask(_ request: ScriptRequest, within limit: Duration) async throws(ScriptRequestError) -> ScriptReply {
        let answer = state.withLock { state in
            state.asked.append(request)
            state.limits.append(limit)
            return state.answers.isEmpty ? .failure(.noAnswer) : state.answers.removeFirst()
        }
        return try answer.get()
    }
}
