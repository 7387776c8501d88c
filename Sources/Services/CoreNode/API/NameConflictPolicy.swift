internal import Crypto
internal import Storage

/// What happens when the name of something new is taken (`rest-api.md` 2.9).
struct NameConflictPolicy: Sendable {
    enum Strategy: Sendable { case random, incremental }

    /// `nil`: the request fails.
    private let strategy: Strategy?
    private let separator: String
    private static let mostAttempts = 100

    /// The request fails.
    static let fail = NameConflictPolicy()

    private init() {
        strategy = nil
        separator = ""
    }

    init(_ call: Call) throws(APIError) {
        separator = call.text("uniquifySeparator") ?? "_"
        switch call.text("nameConflictPolicy") {
        case nil, "FAIL":
            strategy = nil
            return
        case "UNIQUIFY": break
        case let other?: throw .conversion("nameConflictPolicy", other, to: "NameConflictPolicy")
        }
        switch call.text("uniquifyStrategy") {
        case nil, "RANDOM": strategy = .random
        case "INCREMENTAL": strategy = .incremental
        case let other?: throw .conversion("uniquifyStrategy", other, to: "UniquifyStrategy")
        }
    }

    /// Calls `create` with `name`, and with other names as long as it fails with the message `conflict`.
    func apply<R>(
        to name: String, conflict: String, _ create: (String) async throws -> R
    ) async throws -> R {
        var candidate = name
        for attempt in 1...Self.mostAttempts {
            do {
                return try await create(candidate)
            } catch {
                guard let strategy, StorageFailure.violation(error) == .invalid(conflict) else { throw error }
                switch strategy {
                case .random: candidate = name + separator + SecureRandom.alphanumeric(6)
                case .incremental: candidate = "\(name)\(separator)\(attempt)"
                }
            }
        }
        throw APIError.invalid(conflict)
    }
}
