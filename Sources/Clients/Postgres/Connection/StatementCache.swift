/// The statements that are prepared on one connection, by text and parameter types.
///
/// NULL parameters have no type of their own, so a statement that was prepared while a parameter was NULL is prepared
/// again, with the type known, when a value comes. At the limit further statements run unprepared.
struct StatementCache {
    /// Statements of one connection, at most; each costs memory in the server.
    static let limit = 500

    struct Statement: Equatable {
        var name: String
        var types: [UInt32]
    }

    enum Lookup: Equatable {
        case prepared(Statement)
        /// To be prepared under that name with those types.
        case new(Statement)
        /// Runs without being prepared.
        case unprepared
    }

    let isEnabled: Bool
    private var bySQL: [String: [Statement]] = [:]
    private var count = 0
    private var nextNumber = 0

    init(isEnabled: Bool) { self.isEnabled = isEnabled }

    mutating func lookup(_ sql: String, types: [UInt32]) -> Lookup {
        guard isEnabled else { return .unprepared }
        var wanted = types
        for statement in bySQL[sql] ?? [] where statement.types.count == types.count {
            switch Self.compare(statement.types, types) {
            case .fits: return .prepared(statement)
            case .completes(let merged): wanted = merged
            case .differs: continue
            }
        }
        guard count < Self.limit else { return .unprepared }
        nextNumber += 1
        return .new(Statement(name: "s\(nextNumber)", types: wanted))
    }

    /// Remembers a statement that the server has prepared.
    mutating func insert(_ statement: Statement, sql: String) {
        bySQL[sql, default: []].append(statement)
        count += 1
    }

    /// Forgets the statements of that text: the server lost or refuses them.
    mutating func remove(_ sql: String) {
        count -= bySQL.removeValue(forKey: sql)?.count ?? 0
    }

    private enum Comparison {
        case fits
        case completes([UInt32])
        case differs
    }

    private static func compare(_ prepared: [UInt32], _ types: [UInt32]) -> Comparison {
        var merged = prepared
        var isComplete = true
        for index in types.indices where types[index] != prepared[index] && types[index] != 0 {
            guard prepared[index] == 0 else { return .differs }
            merged[index] = types[index]
            isComplete = false
        }
        return isComplete ? .fits : .completes(merged)
    }
}
